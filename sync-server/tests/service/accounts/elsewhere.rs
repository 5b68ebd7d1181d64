//! Signing in by an account elsewhere, at a provider that runs.

use serde_json::json;
use sheaf_server::config::{RawConfig, RawOutside};

use super::browser::{Answer, Browser};
use super::{PASSWORD, found, join, me};
use crate::engines::free_port;
use crate::engines::provider::Provider;
use crate::server::TestServer;

/// A server with a provider, of which Ada made the first account.
async fn with_provider(anyone: bool) -> (TestServer, Provider, Browser) {
    let port = free_port();
    let public = format!("http://127.0.0.1:{port}");
    let provider = Provider::start(&format!("{public}/api/oidc/return"));
    let raw = RawConfig {
        outside: RawOutside {
            public_url: Some(public),
            oidc_issuer: Some(provider.issuer()),
            oidc_client_id: Some("sheaf".to_owned()),
            oidc_client_secret: Some("a secret of the test".into()),
            oidc_name: Some("The House".to_owned()),
            oidc_anyone: anyone,
            ..RawOutside::default()
        },
        ..RawConfig::default()
    };
    let server = TestServer::start_with(raw).await;
    let mut ada = Browser::new(server.address);
    found(&mut ada).await.ok();
    (server, provider, ada)
}

fn path_of(address: &str) -> String {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    format!("/{}", rest.split_once('/').unwrap().1)
}

/// Goes to the provider and back, as a browser that follows wherever it is sent. What comes back may be put in between.
async fn signs_in(browser: &mut Browser, provider: &Provider, to: &str) -> Answer {
    let back = way_back(browser, provider, to).await;
    browser.get(&back).await
}

/// Goes to the provider, and answers where that sends it back to.
async fn way_back(browser: &mut Browser, provider: &Provider, to: &str) -> String {
    let away = browser.get(&format!("/api/oidc/start?to={to}")).await;
    assert_eq!(away.status, 303, "{}", away.text());
    let mut address = away.header("location").unwrap().to_owned();
    let mut there = Browser::new(provider.address());
    for _ in 0..10 {
        assert!(address.starts_with(&provider.issuer()), "{address}");
        let answer = there.get(&path_of(&address)).await;
        let next = answer.header("location");
        let next = next.unwrap_or_else(|| panic!("{} {}", answer.status, answer.text()));
        if next.contains("/api/oidc/return") {
            return path_of(next);
        }
        address = if next.starts_with('/') {
            format!("{}{next}", provider.issuer())
        } else {
            next.to_owned()
        };
    }
    panic!("the provider sends it round in circles");
}

fn is_failure(answer: &Answer, word: &str) -> bool {
    let wanted = format!("/sign-in?failed={word}");
    answer.status == 303 && answer.header("location") == Some(wanted.as_str())
}

#[tokio::test]
async fn somebody_with_an_account_elsewhere_comes_in_by_it_and_sees_what_they_wanted_to_see() {
    let (server, provider, _ada) = with_provider(false).await;
    let mut browser = Browser::new(server.address);
    let ways = me(&mut browser).await;
    assert_eq!(ways["signIn"]["oidc"]["name"], "The House");
    provider.is_now("ada").await;
    let back = signs_in(&mut browser, &provider, "%2Fp%2Fplan").await;
    assert_eq!(
        (back.status, back.header("location")),
        (303, Some("/p/plan"))
    );
    assert_eq!(me(&mut browser).await["email"], "ada@example.org");
    assert!(
        !browser.cookies.contains_key("sheaf-away"),
        "{:?}",
        browser.cookies
    );
    // The second time by the account elsewhere itself, whatever its address.
    let mut again = Browser::new(server.address);
    signs_in(&mut again, &provider, "%2F").await;
    assert_eq!(me(&mut again).await["as"], "person");
    // Nobody is sent on to another site.
    let mut tricked = Browser::new(server.address);
    let back = signs_in(&mut tricked, &provider, "%2F%2Fevil.example").await;
    assert_eq!(back.header("location"), Some("/"));
}

#[tokio::test]
async fn who_has_no_account_and_no_invitation_gets_none_and_an_address_must_be_vouched_for() {
    let (server, provider, mut ada) = with_provider(false).await;
    // Bob has an account here, by an address that the provider does not vouch for.
    join(&mut ada, "bob", "member").await;
    for name in ["bob", "eve"] {
        provider.is_now(name).await;
        let mut browser = Browser::new(server.address);
        let back = signs_in(&mut browser, &provider, "%2F").await;
        assert!(
            is_failure(&back, "no-account"),
            "{name}: {:?}",
            back.headers
        );
        assert_eq!(me(&mut browser).await["as"], "nobody");
    }
}

#[tokio::test]
async fn who_sets_anothers_address_receives_nobody_and_the_password_once_or_an_admins_word_confirms_it()
 {
    let (server, provider, mut ada) = with_provider(false).await;
    // Somebody has joined, and calls an address theirs.
    let mut other = join(&mut ada, "cem", "member").await;
    let id = me(&mut other).await["id"].as_str().unwrap().to_owned();
    provider.is_now("cem").await;
    let mut cem = Browser::new(server.address);
    for browser in [&mut cem, &mut ada] {
        let back = signs_in(browser, &provider, "%2F").await;
        assert!(is_failure(&back, "unconfirmed"), "{:?}", back.headers);
    }
    assert_eq!(me(&mut cem).await["as"], "nobody");
    assert_eq!(me(&mut ada).await["email"], "ada@example.org");

    // It was Cem after all, who knows the password.
    let body = json!({"email": "cem@example.org", "password": PASSWORD});
    cem.post("/api/sign-in", body).await.ok();
    let back = signs_in(&mut cem, &provider, "%2Fp%2Fplan").await;
    assert_eq!(back.header("location"), Some("/p/plan"));
    assert_eq!(me(&mut cem).await["id"], id.as_str());
    let mut again = Browser::new(server.address);
    signs_in(&mut again, &provider, "%2F").await;
    assert_eq!(me(&mut again).await["id"], id.as_str());
}

#[tokio::test]
async fn an_admin_confirms_an_address_and_no_other_than_the_account_has() {
    let (server, provider, mut ada) = with_provider(false).await;
    let mut cem = join(&mut ada, "cem", "member").await;
    let id = me(&mut cem).await["id"].as_str().unwrap().to_owned();
    let path = format!("/api/admin/people/{id}/confirm");
    let wrong = ada.post(&path, json!({"email": "eve@example.org"})).await;
    assert_eq!(wrong.word(), "not-found");
    let people = async |ada: &mut Browser| ada.get("/api/admin/people").await.ok().json();
    let known = |people: &serde_json::Value| {
        let items = people["items"].as_array().unwrap();
        let confirmed =
            |name| items.iter().find(|it| it["name"] == name).unwrap()["confirmed"] == true;
        (confirmed("Ada"), confirmed("cem"))
    };
    assert_eq!(known(&people(&mut ada).await), (true, false));
    ada.post(&path, json!({"email": "cem@example.org"}))
        .await
        .ok();
    assert_eq!(known(&people(&mut ada).await), (true, true));
    provider.is_now("cem").await;
    let mut browser = Browser::new(server.address);
    signs_in(&mut browser, &provider, "%2F").await;
    assert_eq!(me(&mut browser).await["id"], id.as_str());
}

#[tokio::test]
async fn an_invitation_to_the_address_makes_the_account() {
    let (server, provider, mut ada) = with_provider(false).await;
    provider.is_now("cem").await;
    let mut browser = Browser::new(server.address);
    assert!(is_failure(
        &signs_in(&mut browser, &provider, "%2F").await,
        "no-account"
    ));
    let body = json!({"office": "admin", "email": "cem@example.org"});
    ada.post("/api/invitations", body).await.ok();
    assert_eq!(
        signs_in(&mut browser, &provider, "%2F")
            .await
            .header("location"),
        Some("/")
    );
    let cem = me(&mut browser).await;
    assert_eq!(
        (cem["office"].as_str(), cem["name"].as_str()),
        (Some("admin"), Some("Cem"))
    );
    let open = ada.get("/api/invitations").await.ok().json();
    assert_eq!(open["items"].as_array().unwrap().len(), 0, "it is used up");
}

#[tokio::test]
async fn where_everyone_is_welcome_whom_the_provider_knows_they_get_an_account() {
    let (server, provider, _ada) = with_provider(true).await;
    provider.is_now("cem").await;
    let mut browser = Browser::new(server.address);
    signs_in(&mut browser, &provider, "%2F").await;
    let cem = me(&mut browser).await;
    assert_eq!(
        (cem["as"].as_str(), cem["office"].as_str()),
        (Some("person"), Some("member"))
    );
}

#[tokio::test]
async fn what_another_browser_brings_back_opens_nothing() {
    let (server, provider, _ada) = with_provider(false).await;
    provider.is_now("ada").await;
    let mut honest = Browser::new(server.address);
    let back = way_back(&mut honest, &provider, "%2F").await;
    // Without the cookie, and with that of a way of its own.
    let mut thief = Browser::new(server.address);
    assert!(is_failure(&thief.get(&back).await, "late"));
    way_back(&mut thief, &provider, "%2F").await;
    assert!(is_failure(&thief.get(&back).await, "late"));
    assert_eq!(me(&mut thief).await["as"], "nobody");
    // With another code than the provider gave for it.
    let code = back.find("code=").unwrap();
    let forged = format!(
        "{}code=forged{}",
        &back[..code],
        back[code..].find('&').map_or("", |at| &back[code + at..])
    );
    let mut forger = honest.clone();
    assert!(is_failure(&forger.get(&forged).await, "provider"));
    // The honest one still comes in, once.
    assert_eq!(
        honest.clone().get(&back).await.header("location"),
        Some("/")
    );
    assert!(is_failure(&honest.get(&back).await, "provider"));
}

#[tokio::test]
async fn a_provider_that_is_away_is_said_to_be_and_passwords_go_on() {
    let (server, provider, _ada) = with_provider(false).await;
    drop(provider);
    let mut browser = Browser::new(server.address);
    let back = browser.get("/api/oidc/start?to=%2F").await;
    assert!(is_failure(&back, "provider"), "{:?}", back.headers);
    let body = json!({"email": "ada@example.org", "password": super::PASSWORD});
    browser.post("/api/sign-in", body).await.ok();
}
