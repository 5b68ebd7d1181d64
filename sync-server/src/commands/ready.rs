//! `sheaf ready`: a supervisor's question to the server on the same machine, where there is no shell or `curl`.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use sheaf_server::cli::ReadyArgs;

/// Longest wait for each step of the conversation.
const WITHIN: Duration = Duration::from_secs(4);
/// Most bytes of the answer that are read.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// Asks, prints the answer and ends with what it means.
pub(crate) fn ready(args: &ReadyArgs) -> ExitCode {
    let answer = match ask(reachable(args.listen)) {
        Ok(answer) => answer,
        Err(error) => return super::fail(&error),
    };
    let said = answer.split_once("\r\n\r\n").map_or("", |(_, said)| said);
    println!("{}", said.trim());
    let status = answer.split(' ').nth(1);
    if status == Some("200") {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Where a server that listens at `address` is found from its own machine.
fn reachable(address: SocketAddr) -> SocketAddr {
    let here = match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        named => named,
    };
    SocketAddr::new(here, address.port())
}

fn ask(server: SocketAddr) -> std::io::Result<String> {
    let mut line = TcpStream::connect_timeout(&server, WITHIN)?;
    line.set_read_timeout(Some(WITHIN))?;
    line.set_write_timeout(Some(WITHIN))?;
    write!(
        line,
        "GET /readyz HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    line.take(ANSWER_BYTES_MAX).read_to_string(&mut answer)?;
    Ok(answer)
}
