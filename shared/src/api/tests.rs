//! Bodies read back as they were written, and nothing else is taken.

use super::entry::SignIn;
use super::links::ChangeLink;
use super::me::{As, Me, NewToken, SignInWays};
use super::spaces::SetMember;
use crate::access::Role;
use crate::time::UnixMs;

#[test]
fn a_field_that_is_unknown_given_twice_or_not_of_its_type_is_refused() {
    for raw in [
        r#"{"role":"viewer","also":1}"#,
        r#"{"role":"viewer","role":"owner"}"#,
        r#"{"role":"Viewer"}"#,
        r#"{"role":3}"#,
        r#"{"role":null}"#,
        "{}",
        "[]",
        r#""viewer""#,
    ] {
        assert!(serde_json::from_str::<SetMember>(raw).is_err(), "{raw}");
    }
    let right: SetMember = serde_json::from_str(r#"{"role":"commenter"}"#).unwrap();
    assert_eq!(right.role, Role::Commenter);
}

#[test]
fn a_field_that_is_null_is_told_from_one_that_is_not_there() {
    let read = |raw: &str| serde_json::from_str::<ChangeLink>(raw).unwrap().ends;
    assert_eq!(read("{}"), None);
    assert_eq!(read(r#"{"ends":null}"#), Some(None));
    assert_eq!(read(r#"{"ends":7}"#), Some(Some(UnixMs(7))));
}

#[test]
fn a_time_is_one_that_every_reader_of_json_holds_exactly() {
    let read = |ends: &str| {
        let raw = format!(r#"{{"name":"x","reach":"read","ends":{ends}}}"#);
        serde_json::from_str::<NewToken>(&raw).ok()?.ends
    };
    assert_eq!(
        read("9007199254740991"),
        Some(UnixMs(9_007_199_254_740_991))
    );
    for ends in ["9007199254740992", "-1", "1.5", "1e400", "\"1\""] {
        assert_eq!(read(ends), None, "{ends}");
    }
}

#[test]
fn what_was_typed_as_a_password_is_in_no_debug_text() {
    let raw = r#"{"email":"ada@example.org","password":"a very long secret"}"#;
    let sign_in: SignIn = serde_json::from_str(raw).unwrap();
    assert_eq!(sign_in.password.reveal(), "a very long secret");
    assert!(!format!("{sign_in:?}").contains("secret"));
}

#[test]
fn an_answer_reads_back_and_may_hold_what_its_reader_does_not_know() {
    let nobody = Me {
        r#as: As::Nobody,
        founded: true,
        id: None,
        name: None,
        email: None,
        colour: None,
        office: None,
        session: None,
        spaces: Vec::new(),
        guest: None,
        sign_in: SignInWays::default(),
    };
    let text = serde_json::to_string(&nobody).unwrap();
    assert_eq!(
        text,
        r#"{"as":"nobody","founded":true,"spaces":[],"signIn":{"oidc":null}}"#
    );
    let later = text.replace("{\"as\"", "{\"mood\":\"fine\",\"as\"");
    assert_eq!(serde_json::from_str::<Me>(&later).unwrap(), nobody);
}
