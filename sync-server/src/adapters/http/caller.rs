//! Who a request comes from, as far as it says so itself: the keys it brings, the address and the line it came by.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderValue, header};

use super::guard;
use crate::app::directory::facts::Key;
use crate::app::directory::secret::{SessionSecret, TokenSecret};
use crate::app::gate::Keys;
use crate::config::{Audience, Config};

/// A cookie of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cookie {
    /// The session of a person.
    Person,
    /// The session of a guest.
    Guest,
    /// What a browser was sent away with that signs in elsewhere.
    Away,
    /// The mark of a browser by which somebody signed in before.
    Known,
}

impl Cookie {
    /// Its name. The one for TLS begins so that a browser takes it from this very host over TLS alone; a neighbour under the
    /// same domain can't put another in its place.
    const fn name(self, line: Line) -> &'static str {
        match (self, line) {
            (Self::Person, Line::Tls) => "__Host-sheaf",
            (Self::Guest, Line::Tls) => "__Host-sheaf-guest",
            (Self::Away, Line::Tls) => "__Host-sheaf-away",
            (Self::Known, Line::Tls) => "__Host-sheaf-known",
            (Self::Person, Line::Plain) => "sheaf",
            (Self::Guest, Line::Plain) => "sheaf-guest",
            (Self::Away, Line::Plain) => "sheaf-away",
            (Self::Known, Line::Plain) => "sheaf-known",
        }
    }

    /// What the request holds under this name. Over plain HTTP only where such a cookie can have come from here: at a name
    /// of this machine. Two of one name are none: one of them was put there by somebody else.
    pub(super) fn of(self, headers: &HeaderMap) -> Option<&str> {
        let secure = only_one(headers, self.name(Line::Tls));
        if secure.is_some() || !guard::names_this_machine(headers) {
            return secure;
        }
        only_one(headers, self.name(Line::Plain))
    }

    /// Has the browser keep `value` for so many seconds; with 0, forget what it has.
    pub(super) fn keep(self, value: &str, line: Line, seconds: u64) -> Option<HeaderValue> {
        let name = self.name(line);
        let secure = match line {
            Line::Tls => " Secure;",
            Line::Plain => "",
        };
        let text =
            format!("{name}={value}; Path=/; Max-Age={seconds};{secure} HttpOnly; SameSite=Lax");
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// Has the browser forget it.
    pub(super) fn forget(self, line: Line) -> Option<HeaderValue> {
        self.keep("", line, 0)
    }
}

fn only_one<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(header::COOKIE).iter();
    let pairs = cookies
        .filter_map(|cookies| cookies.to_str().ok())
        .flat_map(|cookies| cookies.split(';'));
    let mut found = pairs.filter_map(|pair| {
        let (found, value) = pair.trim().split_once('=')?;
        (found == name).then_some(value)
    });
    let first = found.next();
    match found.next() {
        Some(_) => None,
        None => first,
    }
}

impl Keys {
    /// What a request or the opening of a socket brings: a token, and then nothing else; or the cookies of a person and of a
    /// guest, in this order, and last, where whoever reaches this server may come in until there is an account, that.
    #[must_use]
    pub fn of(headers: &HeaderMap, config: &Config) -> Self {
        if let Some(token) = bearer(headers) {
            let secret = TokenSecret::parse(token.trim());
            return Self::new(vec![
                secret.map_or(Key::Nothing, |secret| Key::from(&secret)),
            ]);
        }
        let session = |cookie: Cookie| {
            let secret = SessionSecret::parse(cookie.of(headers)?).ok()?;
            Some(Key::from(&secret))
        };
        let sessions = [Cookie::Person, Cookie::Guest].into_iter();
        let local = is_local(headers, config).then_some(Key::Local);
        Self::new(sessions.filter_map(session).chain(local).collect())
    }
}

/// What a program shows as its token, if it shows one. Other schemes of `Authorization` are for a proxy in front.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let said = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = said.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// Whether who asks may do everything until there is an account: everyone, if that was said; else whoever sits at this very
/// machine. One that a proxy speaks for may sit anywhere.
pub(super) fn is_local(headers: &HeaderMap, config: &Config) -> bool {
    const OF_PROXIES: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];
    match config.audience {
        Audience::Everyone => true,
        Audience::ThisMachine => {
            guard::names_this_machine(headers)
                && !OF_PROXIES
                    .into_iter()
                    .any(|name| headers.contains_key(name))
        }
        Audience::Accounts => false,
    }
}

/// The line between the browser and here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// TLS, as a proxy that is trusted says.
    Tls,
    /// Plain HTTP, or nobody knows.
    Plain,
}

/// The other end of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Peer {
    /// Its address: what a proxy that is trusted says, or the other end of the connection.
    pub(super) address: IpAddr,
    /// How it came.
    pub(super) line: Line,
    /// Whether the browser was told a name of this very machine.
    pub(super) is_at_this_machine: bool,
}

impl Peer {
    /// What is known of the other end of a request that came over a connection from `other_end`.
    pub(super) fn of(other_end: IpAddr, headers: &HeaderMap, config: &Config) -> Self {
        let is_trusted =
            |address: IpAddr| config.trusted_proxies.iter().any(|it| it.holds(address));
        let is_at_this_machine = guard::names_this_machine(headers);
        if !is_trusted(other_end) {
            return Self {
                address: other_end,
                line: Line::Plain,
                is_at_this_machine,
            };
        }
        // Each proxy adds whom it heard from at the end: the last one that is no proxy of ours is who asks.
        let said: Vec<IpAddr> = headers
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|said| said.to_str().ok())
            .flat_map(|said| said.split(','))
            .filter_map(|said| said.trim().parse().ok())
            .collect();
        let address = said.iter().rev().find(|address| !is_trusted(**address));
        let schemes = headers.get_all("x-forwarded-proto").iter();
        let mut schemes = schemes
            .filter_map(|said| said.to_str().ok())
            .flat_map(|said| said.split(','));
        let is_tls = schemes
            .next_back()
            .is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("https"));
        Self {
            address: address.or(said.first()).copied().unwrap_or(other_end),
            line: if is_tls { Line::Tls } else { Line::Plain },
            is_at_this_machine,
        }
    }

    /// Whether a cookie may be given over this line: nobody but its two ends can read it.
    pub(super) fn keeps_secrets(&self) -> bool {
        self.line == Line::Tls || self.is_at_this_machine
    }
}

#[cfg(test)]
mod tests;
