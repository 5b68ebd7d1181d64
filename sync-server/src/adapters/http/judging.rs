//! What those who open documents show to be let in by, and what they are told. The answer is the gate's.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, header};
use sheaf_shared::ids::{DocName, SpaceId};
use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::sync::peer::{Token, Verdict};

use crate::adapters::system::{monotonic_now, unix_now};
use crate::app::directory::facts::Key;
use crate::app::directory::secret::TokenSecret;
use crate::app::gate::{Ask, Gate, Judged, Keys, Shut};
use crate::metrics::Metrics;
use crate::runtime::seat::Pass;

/// Before the space in which a document shall lie that nobody has yet: what Sheaf's client says in its token message.
const IN_SPACE: &str = "in:";
/// Before the token in the name of a sub-protocol: the one place where a browser's program can put it.
const SUB_PROTOCOL: &str = "sheaf.token.";
/// Longest wait, in milliseconds, for the gate's answer.
const ANSWER_MS: u64 = 8_000;

/// What the gate said.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// They may, and this is by what.
    In(Pass),
    /// They may not.
    Out(Shut),
    /// Nobody can say now.
    NotNow,
}

impl Outcome {
    fn of(keys: &Keys, judged: Result<Judged, Shut>, metrics: &Metrics) -> Self {
        match judged {
            Ok(judged) => Self::In(Pass {
                keys: keys.clone(),
                judged,
            }),
            Err(shut) => {
                metrics.rights.kept_out.add(1);
                Self::Out(shut)
            }
        }
    }

    /// As the answer to a token.
    pub(super) fn verdict(&self) -> Verdict {
        match self {
            Self::In(pass) => Verdict::Granted(pass.judged.role),
            Self::Out(shut) => Verdict::Denied(reason_to_keep_out(*shut)),
            Self::NotNow => Verdict::NotNow(CloseReason::Unreadable),
        }
    }
}

/// What they are told. Who is nobody is told that, whatever the document; who is somebody is never told whether there is one.
pub(super) const fn reason_to_keep_out(shut: Shut) -> CloseReason {
    match shut {
        Shut::Stranger => CloseReason::Unauthorized,
        Shut::Unknown => CloseReason::Forbidden,
    }
}

/// What somebody asks for who came with these keys and sent this token message.
pub(super) fn ask_of(came_with: &Keys, doc: DocName, Token(token): &Token) -> Ask {
    if token.is_empty() {
        let keys = came_with.clone();
        return Ask {
            keys,
            doc,
            claim: None,
        };
    }
    if let Some(space) = token.strip_prefix(IN_SPACE) {
        return Ask {
            keys: came_with.clone(),
            doc,
            claim: SpaceId::parse(space).ok(),
        };
    }
    Ask {
        keys: keys_of_token(token, came_with),
        doc,
        claim: None,
    }
}

/// The keys of a program: its token and no other. Until there is an account, any token is as good as none.
fn keys_of_token(token: &str, came_with: &Keys) -> Keys {
    let shown = TokenSecret::parse(token).map_or(Key::Nothing, |secret| (&secret).into());
    let local = came_with.has_local().then_some(Key::Local);
    Keys::new([shown].into_iter().chain(local).collect())
}

/// The keys of who opens a socket: what a token in the address or in a sub-protocol says, else what `came_with` the request.
pub(super) fn keys_of_socket(came_with: Keys, query: Option<&str>, headers: &HeaderMap) -> Keys {
    let in_query = query.into_iter().flat_map(|query| query.split('&'));
    let mut in_query = in_query.filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        (matches!(name, "token" | "auth") && !value.is_empty()).then_some(value)
    });
    let protocols = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let mut in_protocols = protocols
        .filter_map(|offered| offered.to_str().ok())
        .flat_map(|offered| offered.split(','))
        .filter_map(|one| one.trim().strip_prefix(SUB_PROTOCOL));
    match in_query.next().or_else(|| in_protocols.next()) {
        Some(token) => keys_of_token(token, &came_with),
        None => came_with,
    }
}

/// Which of the sub-protocols that were offered the answer names: one that carries no token, if there is one.
pub(super) fn protocol_to_choose(offered: &str) -> Option<&str> {
    let mut all = offered.split(',').map(str::trim);
    let first = all.next()?;
    let carries_token = |one: &&str| one.starts_with(SUB_PROTOCOL);
    Some(
        [first]
            .into_iter()
            .chain(all)
            .find(|one| !carries_token(one))
            .unwrap_or(first),
    )
}

/// The answer, where nothing need be asked for it.
pub(super) fn judge_now(gate: &Gate, ask: &Ask, metrics: &Metrics) -> Option<Outcome> {
    let judged = gate.judge_now(&ask.keys, &ask.doc, monotonic_now())?;
    Some(Outcome::of(&ask.keys, judged, metrics))
}

/// The answers, in the same order.
pub(super) async fn judge(gate: Arc<Gate>, asks: Vec<Ask>, metrics: Arc<Metrics>) -> Vec<Outcome> {
    let asking = gate.judge(&asks, unix_now());
    let answered = tokio::time::timeout(Duration::from_millis(ANSWER_MS), asking).await;
    match answered {
        Ok(Ok(judged)) => {
            let answers = asks.iter().zip(judged);
            answers
                .map(|(ask, judged)| Outcome::of(&ask.keys, judged, &metrics))
                .collect()
        }
        Ok(Err(_)) | Err(_) => {
            metrics.rights.faults.add(1);
            asks.iter().map(|_| Outcome::NotNow).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn token() -> TokenSecret {
        TokenSecret::from_random([7; 32])
    }

    fn doc() -> DocName {
        DocName::parse("page").unwrap()
    }

    fn keys(keys: &[Key]) -> Keys {
        Keys::new(keys.to_vec())
    }

    #[test]
    fn a_program_is_judged_by_its_token_alone_wherever_it_shows_it() {
        let cookie = keys(&[Key::Token(token().hash()), Key::Nothing]);
        let shown = keys(&[(&token()).into()]);
        let text = token().reveal();
        let none = HeaderMap::new();
        for query in [format!("token={text}"), format!("x=1&auth={text}&token=")] {
            let found = keys_of_socket(cookie.clone(), Some(&query), &none);
            assert_eq!(found, shown, "{query}");
        }
        let mut headers = HeaderMap::new();
        let offered = format!("yjs, sheaf.token.{text}");
        headers.insert(
            header::SEC_WEBSOCKET_PROTOCOL,
            HeaderValue::from_str(&offered).unwrap(),
        );
        assert_eq!(keys_of_socket(cookie.clone(), None, &headers), shown);
        assert_eq!(keys_of_socket(cookie.clone(), Some("a=b"), &none), cookie);
        let ask = ask_of(&cookie, doc(), &Token(text));
        assert_eq!((ask.keys, ask.claim), (shown, None));
    }

    #[test]
    fn a_token_that_is_none_opens_nothing_but_what_is_open_to_all_at_the_machine() {
        let nothing = keys(&[Key::Nothing]);
        let found = keys_of_socket(keys(&[]), Some("token=abc"), &HeaderMap::new());
        assert_eq!(found, nothing);
        let found = keys_of_socket(keys(&[Key::Local]), Some("token=abc"), &HeaderMap::new());
        assert!(found.has_local());
    }

    #[test]
    fn sheafs_own_client_says_where_a_new_page_shall_lie_and_is_judged_by_what_it_came_with() {
        let came_with = keys(&[Key::Token(token().hash())]);
        let space = SpaceId::from_bits(9);
        let ask = ask_of(&came_with, doc(), &Token(format!("in:{space}")));
        assert_eq!((ask.keys, ask.claim), (came_with.clone(), Some(space)));
        for token in ["", "in:", "in:elsewhere"] {
            let ask = ask_of(&came_with, doc(), &Token(token.to_owned()));
            assert_eq!((ask.keys, ask.claim), (came_with.clone(), None), "{token}");
        }
    }
}
