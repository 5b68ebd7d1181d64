//! What letters say. Plain text, and one address each that is good for one thing.

use sheaf_shared::people::{Email, Name};

use crate::ports::Letter;

/// Why somebody is written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Occasion<'a> {
    /// Somebody invites them.
    Invitation {
        /// Who, if that is known.
        by: Option<&'a Name>,
        /// Into which space, if into one.
        space: Option<&'a Name>,
    },
    /// They asked for a new password, or somebody who looks after people did it for them.
    Reset,
}

/// The letter to `to`, in which `address` is the whole address to open.
#[must_use]
pub fn letter(to: Email, occasion: &Occasion<'_>, address: &str) -> Letter {
    let (subject, text) = match occasion {
        Occasion::Invitation { by, space } => {
            let who = by.map_or("Somebody", |name| name.as_str());
            let whereto = match space {
                Some(space) => format!("the space \"{space}\" in Sheaf"),
                None => "Sheaf".to_owned(),
            };
            (
                format!("{who} invites you to {whereto}"),
                format!(
                    "Hello,\n\n{who} invites you to {whereto}, where pages are written together.\n\n\
                     Open this address to make your account:\n\n{address}\n\n\
                     It works once. If you did not expect it, you need not do anything.\n"
                ),
            )
        }
        Occasion::Reset => (
            "Choose a new password for Sheaf".to_owned(),
            format!(
                "Hello,\n\nsomebody asked for a new password for your account in Sheaf.\n\n\
                 Open this address to choose one:\n\n{address}\n\n\
                 It works once. If it was not you, ignore this letter: your password stays as it is.\n"
            ),
        ),
    };
    Letter { to, subject, text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_says_who_wrote_it_and_leads_to_one_address() {
        let to = Email::parse("b@example.org").unwrap();
        let (by, space) = (Name::parse("A").unwrap(), Name::parse("Plans").unwrap());
        let occasion = Occasion::Invitation {
            by: Some(&by),
            space: Some(&space),
        };
        let address = "https://sheaf.example/join/secret";
        let invitation = letter(to.clone(), &occasion, address);
        assert_eq!(
            invitation.subject,
            "A invites you to the space \"Plans\" in Sheaf"
        );
        for letter in [invitation, letter(to, &Occasion::Reset, address)] {
            assert_eq!(letter.text.matches("https://").count(), 1);
            assert!(letter.text.lines().any(|line| line == address));
            assert!(!letter.subject.contains('\n'));
            assert!(!format!("{letter:?}").contains("secret"));
        }
    }
}
