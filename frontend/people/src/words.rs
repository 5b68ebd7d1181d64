//! What rights, times and deeds are called on the screen.

use sheaf_shared::access::Role;
use sheaf_shared::api::links::{Lets, Link};
use sheaf_shared::api::me::{Office, Reach};
use sheaf_shared::people::turns_direction;
use sheaf_shared::time::UnixMs;

use crate::host;

/// Milliseconds of a day.
pub const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Roles in a space: the word for the server, and what is shown.
pub const ROLES: [(Role, &str, &str); 4] = [
    (Role::Viewer, "viewer", "Can read"),
    (Role::Commenter, "commenter", "Can comment"),
    (Role::Editor, "editor", "Can write"),
    (Role::Owner, "owner", "Owner"),
];

/// What a link allows.
pub const LETS: [(Lets, &str, &str); 3] = [
    (Lets::View, "view", "Can read"),
    (Lets::Comment, "comment", "Can comment"),
    (Lets::Edit, "edit", "Can write"),
];

/// What somebody is to the installation.
pub const OFFICES: [(Office, &str, &str); 3] = [
    (Office::Member, "member", "Member"),
    (Office::Admin, "admin", "Admin: looks after people"),
    (Office::Owner, "owner", "Owner: decides about everything"),
];

/// What a token is for.
pub const REACHES: [(Reach, &str, &str); 3] = [
    (Reach::Read, "read", "Read pages"),
    (Reach::Write, "write", "Read and write pages"),
    (
        Reach::Manage,
        "manage",
        "Read and write pages, manage spaces",
    ),
];

/// Deeds in the record: the server's word, and what is shown.
const DEEDS: [(&str, &str); 32] = [
    ("house.founded", "made the first account"),
    ("person.added", "made an account"),
    ("person.changed", "changed a name, a colour or an address"),
    ("person.address", "confirmed an email address"),
    ("person.password", "set a new password"),
    ("person.office", "changed what somebody is here"),
    ("person.disabled", "put somebody out"),
    ("person.enabled", "let somebody in again"),
    ("person.deleted", "deleted an account"),
    ("identity.tied", "tied an account elsewhere to this one"),
    ("identity.untied", "untied an account elsewhere"),
    ("session.started", "signed in"),
    ("session.refused", "was refused with a wrong password"),
    ("session.ended", "signed out"),
    ("session.others_ended", "signed out everywhere else"),
    ("space.made", "made a space"),
    ("space.renamed", "renamed a space"),
    ("space.deleted", "deleted a space"),
    ("space.restored", "brought a space back"),
    ("space.given", "gave a space to somebody"),
    ("member.set", "added a member, or changed what one may"),
    ("member.gone", "removed a member, or left"),
    ("page.moved", "moved a page to another space"),
    ("link.made", "made a link to a page"),
    ("link.changed", "changed a link to a page"),
    ("link.revoked", "took back a link to a page"),
    ("token.made", "made a token for a program"),
    ("token.revoked", "took back a token"),
    ("invitation.made", "invited somebody"),
    ("invitation.reset", "made a link for a new password"),
    (
        "invitation.used",
        "used an invitation or a link for a new password",
    ),
    ("invitation.revoked", "took back an invitation"),
];

/// What a deed is called; a word that is not known here is shown as it is.
pub fn deed(word: &str) -> &str {
    let found = DEEDS.iter().find(|(one, _)| *one == word);
    found.map_or(word, |(_, shown)| shown)
}

/// How long something lasts: days as a text, and what is shown.
pub const LASTS: [(&str, &str); 4] = [
    ("", "Until taken back"),
    ("1", "One day"),
    ("7", "A week"),
    ("30", "30 days"),
];

/// Which of `all` goes by `word`.
pub fn of_word<T: Copy>(all: &[(T, &str, &str)], word: &str) -> Option<T> {
    all.iter()
        .find(|(_, name, _)| *name == word)
        .map(|(value, _, _)| *value)
}

/// What is shown for `value`.
pub fn shown<T: Copy + PartialEq>(all: &[(T, &str, &'static str)], value: T) -> &'static str {
    let found = all.iter().find(|(one, _, _)| *one == value);
    found.map_or("", |(_, _, shown)| shown)
}

/// All of them, to choose from.
pub fn offered<T>(all: &[(T, &str, &str)]) -> Vec<(String, String)> {
    all.iter()
        .map(|(_, word, shown)| ((*word).to_owned(), (*shown).to_owned()))
        .collect()
}

/// When something ends that lasts so many days from `now`; `None`: it does not.
pub fn end_after(days: &str, now: UnixMs) -> Option<UnixMs> {
    let days: u64 = days.parse().ok()?;
    Some(UnixMs(now.0 + days * DAY_MS))
}

/// A page's title in quotes, as it can stand in a sentence: without what would turn the rest of the sentence around, as titles
/// are not read as strictly as names.
pub fn titled(title: &str) -> String {
    let plain: String = title
        .chars()
        .filter(|char| !turns_direction(*char))
        .collect();
    format!("“{}”", plain.trim())
}

/// Who can do what with a link, in one sentence.
pub fn link_sentence(
    lets: Lets,
    title: &str,
    below: bool,
    has_password: bool,
    ends: Option<&str>,
) -> String {
    let who = if has_password {
        "Anyone with the link and the password"
    } else {
        "Anyone with the link"
    };
    let what = match lets {
        Lets::View => "can read",
        Lets::Comment => "can read and comment on",
        Lets::Edit => "can read and change",
    };
    let inside = if below {
        " and the pages inside it"
    } else {
        ""
    };
    let until = ends.map_or_else(String::new, |day| format!(", until {day}"));
    let title = titled(title);
    format!("{who} {what} {title}{inside}{until}, without an account.")
}

/// The same of a link that is there.
pub fn sentence_of(link: &Link, title: &str) -> String {
    let ends = link.ends.map(host::day);
    link_sentence(
        link.lets,
        title,
        link.below,
        link.has_password,
        ends.as_deref(),
    )
}

/// A count and what is counted.
pub fn count(number: usize, one: &str, more: &str) -> String {
    if number == 1 {
        format!("1 {one}")
    } else {
        format!("{number} {more}")
    }
}

/// Bytes as people read them.
pub fn bytes(bytes: u64) -> String {
    const KB: u64 = 1024;
    const MB: u64 = 1024 * KB;
    const GB: u64 = 1024 * MB;
    let tenths = |of: u64| format!("{}.{}", bytes / of, (bytes % of) * 10 / of);
    match bytes {
        0..KB => format!("{bytes} bytes"),
        KB..MB => format!("{} KB", bytes / KB),
        MB..GB => format!("{} MB", tenths(MB)),
        _ => format!("{} GB", tenths(GB)),
    }
}

/// One or two letters that stand for a name.
pub fn initials(name: &str) -> String {
    let mut letters = name
        .split_whitespace()
        .filter_map(|word| word.chars().next());
    let first = letters.next();
    let both: String = first.into_iter().chain(letters.next_back()).collect();
    js_sys::JsString::from(both.as_str()).to_upper_case().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_says_in_one_sentence_who_can_do_what_and_until_when() {
        let plain = link_sentence(Lets::View, "Plan", false, false, None);
        assert_eq!(
            plain,
            "Anyone with the link can read “Plan”, without an account."
        );
        let all = link_sentence(Lets::Edit, "Plan", true, true, Some("1 May 2031"));
        assert_eq!(
            all,
            "Anyone with the link and the password can read and change “Plan” and the pages inside it, until 1 May 2031, without an account."
        );
    }

    #[test]
    fn a_title_can_not_turn_the_sentence_it_stands_in() {
        let sentence = link_sentence(Lets::View, "\u{202e}nalP\u{2066}", false, false, None);
        assert_eq!(
            sentence,
            "Anyone with the link can read “nalP”, without an account."
        );
    }

    #[test]
    fn a_deed_is_told_in_words_and_one_of_a_later_release_as_it_is() {
        assert_eq!(deed("session.started"), "signed in");
        assert_eq!(deed("page.painted"), "page.painted");
    }

    #[test]
    fn words_read_back_and_bytes_are_rounded_down() {
        for (role, word, _) in ROLES {
            assert_eq!(of_word(&ROLES, word), Some(role));
        }
        assert_eq!(of_word(&LETS, "owner"), None);
        assert_eq!(bytes(1023), "1023 bytes");
        assert_eq!(bytes(1_600_000), "1.5 MB");
        assert_eq!(end_after("7", UnixMs(5)), Some(UnixMs(5 + 7 * DAY_MS)));
        assert_eq!(end_after("", UnixMs(5)), None);
    }
}
