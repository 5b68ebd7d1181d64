//! Whose word counts for whom, and where a cookie may come from.

use axum::http::HeaderName;

use super::*;
use crate::config::RawConfig;

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let name: HeaderName = name.parse().unwrap();
        headers.append(name, value.parse().unwrap());
    }
    headers
}

fn session(number: u8) -> SessionSecret {
    SessionSecret::from_random([number; 32])
}

fn keys(pairs: &[(&str, &str)], raw: &RawConfig) -> Vec<Key> {
    let config = Config::parse(raw).unwrap();
    Keys::of(&headers(pairs), &config).iter().collect()
}

fn at_loopback(pairs: &[(&str, &str)]) -> Vec<Key> {
    keys(pairs, &RawConfig::default())
}

fn on_the_internet(pairs: &[(&str, &str)]) -> Vec<Key> {
    let raw = RawConfig {
        listen: Some("0.0.0.0:80".into()),
        ..RawConfig::default()
    };
    keys(pairs, &raw)
}

const HERE: (&str, &str) = ("host", "localhost:8080");
const THERE: (&str, &str) = ("host", "pages.example");

#[test]
fn a_person_comes_before_a_guest_and_a_token_before_all() {
    let (person, guest) = (session(1), session(2));
    let both = format!(
        "a=b; __Host-sheaf-guest={}; __Host-sheaf={}",
        guest.reveal(),
        person.reveal()
    );
    let token = TokenSecret::from_random([3; 32]);
    let bearer = format!("bearer {}", token.reveal());
    assert_eq!(
        on_the_internet(&[THERE, ("cookie", &both)]),
        [Key::from(&person), Key::from(&guest)]
    );
    assert_eq!(
        on_the_internet(&[THERE, ("cookie", &both), ("authorization", &bearer)]),
        [Key::from(&token)]
    );
    for wrong in ["Bearer nonsense", "Bearer ", "BEARER sheaf_"] {
        assert_eq!(
            at_loopback(&[HERE, ("cookie", &both), ("authorization", wrong)]),
            [Key::Nothing],
            "{wrong:?} is not passed over for a cookie"
        );
    }
    // What a proxy in front asked for is not for us.
    for other in ["Basic YTpi", "", "Bearer"] {
        assert_eq!(
            on_the_internet(&[THERE, ("cookie", &both), ("authorization", other)]),
            [Key::from(&person), Key::from(&guest)],
            "{other:?}"
        );
    }
}

#[test]
fn two_cookies_of_one_name_are_none_and_a_plain_one_counts_at_this_machine_alone() {
    let (one, other) = (session(1).reveal(), session(2).reveal());
    let twice = format!("__Host-sheaf={one}; __Host-sheaf={other}");
    assert_eq!(
        on_the_internet(&[THERE, ("cookie", &twice)]),
        [Key::Nothing]
    );
    let (first, second) = (
        format!("__Host-sheaf={one}"),
        format!("__Host-sheaf={other}"),
    );
    let in_two_headers = [THERE, ("cookie", first.as_str()), ("cookie", &second)];
    assert_eq!(on_the_internet(&in_two_headers), [Key::Nothing]);
    let plain = format!("sheaf={one}");
    assert_eq!(
        on_the_internet(&[THERE, ("cookie", &plain)]),
        [Key::Nothing]
    );
    assert_eq!(
        on_the_internet(&[HERE, ("cookie", &plain)]),
        [Key::from(&session(1))]
    );
    let tossed = format!("__Host-sheaf={one}; sheaf={other}");
    assert_eq!(
        on_the_internet(&[HERE, ("cookie", &tossed)]),
        [Key::from(&session(1))]
    );
}

#[test]
fn who_sits_at_the_machine_is_known_by_name_and_by_coming_through_no_proxy() {
    assert_eq!(at_loopback(&[HERE]), [Key::Local]);
    let stale = format!("sheaf={}", session(1).reveal());
    assert_eq!(
        at_loopback(&[HERE, ("cookie", &stale)]),
        [Key::from(&session(1)), Key::Local]
    );
    for said in ["x-forwarded-for", "forwarded", "x-real-ip", "via"] {
        assert_eq!(at_loopback(&[HERE, (said, "192.0.2.1")]), [Key::Nothing]);
    }
    assert_eq!(at_loopback(&[THERE]), [Key::Nothing]);
    assert_eq!(on_the_internet(&[HERE]), [Key::Nothing]);
    let open = RawConfig {
        open: true,
        ..RawConfig::default()
    };
    assert_eq!(keys(&[THERE], &open), [Key::Local]);
}

fn peer(other_end: &str, pairs: &[(&str, &str)], proxies: &[&str]) -> Peer {
    let raw = RawConfig {
        trusted_proxies: proxies.iter().map(|it| (*it).to_owned()).collect(),
        ..RawConfig::default()
    };
    let config = Config::parse(&raw).unwrap();
    Peer::of(other_end.parse().unwrap(), &headers(pairs), &config)
}

#[test]
fn only_a_proxy_that_is_trusted_says_who_asks_and_that_it_was_tls() {
    let said = [
        THERE,
        ("x-forwarded-for", "198.51.100.1, 203.0.113.7, 10.0.0.3"),
        ("x-forwarded-proto", "https"),
    ];
    let trusted = peer("10.0.0.2", &said, &["10.0.0.0/8"]);
    assert_eq!(trusted.address.to_string(), "203.0.113.7");
    assert_eq!(trusted.line, Line::Tls);
    for other_end in ["192.0.2.1", "127.0.0.1", "::1"] {
        let not = peer(other_end, &said, &["10.0.0.0/8"]);
        assert_eq!(not.address.to_string(), other_end);
        assert_eq!(not.line, Line::Plain);
        assert!(!not.keeps_secrets());
    }
    let nonsense = [THERE, ("x-forwarded-for", "unknown, -")];
    let proxy = peer("10.0.0.2", &nonsense, &["10.0.0.2"]);
    assert_eq!(proxy.address.to_string(), "10.0.0.2");
    // What the browser wrote itself stands before what the proxy adds.
    let claimed = [
        THERE,
        ("x-forwarded-proto", "https"),
        ("x-forwarded-proto", "http"),
    ];
    assert_eq!(peer("10.0.0.2", &claimed, &["10.0.0.2"]).line, Line::Plain);
}

#[test]
fn a_cookie_is_for_this_host_alone_and_hidden_from_scripts() {
    let kept = Cookie::Person.keep("x", Line::Tls, 60).unwrap();
    assert_eq!(
        kept.to_str().unwrap(),
        "__Host-sheaf=x; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Lax"
    );
    assert!(kept.is_sensitive());
    let gone = Cookie::Guest.forget(Line::Plain).unwrap();
    assert_eq!(
        gone.to_str().unwrap(),
        "sheaf-guest=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
    );
}
