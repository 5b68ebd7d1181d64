//! The first account of a server that was just started, and a token of its: what a crowd shows that comes with accounts.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

use crate::setup::Problem;

/// Of nobody; the server is thrown away with its folder.
const EMAIL: &str = "crowd@bench.example";
const PASSWORD: &str = "a crowd of nobody in particular";
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Makes the first account, or signs in if an earlier start made it, and a token that writes in its space.
///
/// # Errors
/// [`Problem`] when the server does not play along.
pub fn token(server: SocketAddr) -> Result<String, Problem> {
    let whoever = json!({ "name": "Crowd", "email": EMAIL, "password": PASSWORD });
    let known = json!({ "email": EMAIL, "password": PASSWORD });
    let (_, cookie, me) = match ask(server, "/api/first-run", "", &whoever)? {
        (200, cookie, me) => (200, cookie, me),
        _ => asked(server, "/api/sign-in", "", &known)?,
    };
    let space = me["spaces"][0]["id"].clone();
    let wanted = json!({ "name": "crowd", "reach": "write", "space": space });
    let (_, _, made) = asked(server, "/api/me/tokens", &cookie, &wanted)?;
    let token = made["token"]
        .as_str()
        .ok_or("no token was made".to_owned())?;
    Ok(token.to_owned())
}

fn asked(
    server: SocketAddr,
    path: &str,
    cookie: &str,
    body: &Value,
) -> Result<(u16, String, Value), Problem> {
    let answer = ask(server, path, cookie, body)?;
    match answer.0 {
        200..300 => Ok(answer),
        status => Err(format!("{path} was answered with {status}: {}", answer.2).into()),
    }
}

/// The status, the cookie that is to be kept, and the body of the answer.
fn ask(
    server: SocketAddr,
    path: &str,
    cookie: &str,
    body: &Value,
) -> Result<(u16, String, Value), Problem> {
    let mut line = TcpStream::connect(server)?;
    line.set_read_timeout(Some(ANSWER_WITHIN))?;
    let body = body.to_string();
    write!(
        line,
        "POST {path} HTTP/1.1\r\nHost: {server}\r\nOrigin: http://{server}\r\nCookie: {cookie}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    line.read_to_string(&mut answer)?;
    read(&answer).ok_or_else(|| format!("{path} was answered with something else than HTTP").into())
}

fn read(answer: &str) -> Option<(u16, String, Value)> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let cookies = head.lines().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_ours = name.eq_ignore_ascii_case("set-cookie");
        is_ours.then(|| value.split(';').next().unwrap_or_default().trim())
    });
    let cookies: Vec<&str> = cookies.collect();
    let body = serde_json::from_str(body).unwrap_or(Value::Null);
    Some((status, cookies.join("; "), body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_with_its_cookies_and_without_what_is_said_about_them() {
        let answer =
            "HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nset-cookie: b=2\r\n\r\n{\"x\":3}";
        let (status, cookies, body) = read(answer).unwrap();
        assert_eq!((status, cookies.as_str()), (200, "a=1; b=2"));
        assert_eq!(body["x"], 3);
    }
}
