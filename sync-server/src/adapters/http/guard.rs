//! Who may ask. Until there are accounts, the address is all there is to go by.

use axum::http::{HeaderMap, header};

use crate::config::{Audience, Config, is_loopback};

/// Refuses names that are neither this machine's nor configured, when it serves only this machine or names were
/// configured.
///
/// A page from elsewhere can have its name point at 127.0.0.1 (DNS rebinding) and would then count as ours; the
/// Host header gives it away.
pub(super) fn check_host(config: &Config, headers: &HeaderMap) -> Result<(), &'static str> {
    if config.audience != Audience::ThisMachine && config.hosts.is_empty() {
        return Ok(());
    }
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let name = without_port(host);
    let is_configured = || {
        let mut hosts = config.hosts.iter();
        hosts.any(|known| known.eq_ignore_ascii_case(name))
    };
    match config.audience {
        _ if is_this_machine(name) || is_configured() => Ok(()),
        Audience::ThisMachine => Err(
            "This Sheaf serves only the machine it runs on: open it as http://127.0.0.1 or http://localhost.\n",
        ),
        Audience::Everyone | Audience::Accounts => Err("This Sheaf does not go by that name.\n"),
    }
}

/// Refuses sockets opened by pages of other sites. Programs that are no browsers send no Origin.
///
/// WebSockets know no same-origin rule: without this, any page a person visits could read and write through
/// their browser.
pub(super) fn check_origin(config: &Config, headers: &HeaderMap) -> Result<(), &'static str> {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return Ok(());
    };
    let refusal = Err("Sockets can be opened only by pages of this address.\n");
    let Ok(origin) = origin.to_str() else {
        return refusal;
    };
    if config
        .origins
        .iter()
        .any(|allowed| allowed.eq_ignore_ascii_case(origin))
    {
        return Ok(());
    }
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let of_origin = origin
        .strip_prefix("https://")
        .or_else(|| origin.strip_prefix("http://"));
    match (of_origin, host) {
        (Some(origin), Some(host))
            if without_default_port(origin).eq_ignore_ascii_case(without_default_port(host)) =>
        {
            Ok(())
        }
        _ => refusal,
    }
}

/// Whether the browser was told a name of this very machine, so that its requests never leave it.
pub(super) fn names_this_machine(headers: &HeaderMap) -> bool {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    host.is_some_and(|host| is_this_machine(without_port(host)))
}

fn without_default_port(host: &str) -> &str {
    host.strip_suffix(":80")
        .or_else(|| host.strip_suffix(":443"))
        .unwrap_or(host)
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => host,
    }
}

fn is_this_machine(name: &str) -> bool {
    if name.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let address = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(name);
    address.parse().is_ok_and(is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RawConfig;

    fn headers(host: &str, origin: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        headers
    }

    #[test]
    fn only_names_of_this_machine_are_served_on_loopback() {
        let config = Config::parse(&RawConfig::default()).unwrap();
        for host in [
            "127.0.0.1",
            "127.0.0.1:8080",
            "localhost:1",
            "LOCALHOST",
            "[::1]:8080",
            "[::1]",
        ] {
            assert!(check_host(&config, &headers(host, None)).is_ok(), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example:8080",
            "127.0.0.1.evil.example",
            "192.168.1.1",
            "",
            "[::2]",
            "::1:evil",
        ] {
            assert!(check_host(&config, &headers(host, None)).is_err(), "{host}");
        }
        assert!(check_host(&config, &HeaderMap::new()).is_err());
    }

    #[test]
    fn an_open_server_that_was_told_its_names_answers_to_no_other() {
        let raw = RawConfig {
            open: true,
            ..RawConfig::default()
        };
        let config = Config::parse(&raw).unwrap();
        assert!(check_host(&config, &headers("any.example", None)).is_ok());
        let raw = RawConfig {
            hosts: vec!["pages.example".into()],
            ..raw
        };
        let config = Config::parse(&raw).unwrap();
        for host in ["pages.example", "PAGES.example:8443", "127.0.0.1:8080"] {
            assert!(check_host(&config, &headers(host, None)).is_ok(), "{host}");
        }
        for host in ["", "evil.example", "pages.example.evil.example"] {
            assert!(check_host(&config, &headers(host, None)).is_err(), "{host}");
        }
    }

    #[test]
    fn a_socket_opened_by_another_sites_page_is_refused() {
        let raw = RawConfig {
            origins: vec!["https://app.example".into()],
            ..RawConfig::default()
        };
        let config = Config::parse(&raw).unwrap();
        let check = |host: &str, origin| check_origin(&config, &headers(host, origin));
        assert!(check("127.0.0.1:8080", None).is_ok(), "no browser");
        assert!(check("127.0.0.1:8080", Some("http://127.0.0.1:8080")).is_ok());
        assert!(check("pages.example", Some("https://Pages.example")).is_ok());
        assert!(check("pages.example:443", Some("https://pages.example")).is_ok());
        assert!(
            check("127.0.0.1:8080", Some("https://app.example")).is_ok(),
            "configured"
        );
        for origin in [
            "null",
            "http://evil.example",
            "http://127.0.0.1:3000",
            "file://",
            "http://127.0.0.1:8080.evil.example",
        ] {
            assert!(check("127.0.0.1:8080", Some(origin)).is_err(), "{origin}");
        }
    }
}
