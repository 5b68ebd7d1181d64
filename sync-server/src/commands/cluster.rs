//! `sheaf cluster`.

use std::process::ExitCode;

use sheaf_server::cli::DataArgs;
use sheaf_server::ports::Member;

use super::FAILED;

/// Prints the servers of a shared database.
pub(crate) fn cluster(data: &DataArgs) -> ExitCode {
    let (runtime, store) = match super::open_existing(data, "It is the only one.") {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    let Some(membership) = store.membership() else {
        eprintln!(
            "sheaf: what is kept in a folder has one server. Servers that share a database are named by --database-url"
        );
        return ExitCode::from(FAILED);
    };
    let members = match runtime.block_on(membership.members()) {
        Ok(members) => members,
        Err(fault) => return super::fail(&fault),
    };
    println!("SERVER            ADDRESS                 VERSION   UP          STATE");
    for member in &members {
        println!("{}", line(member));
    }
    if members.iter().any(Member::is_silent) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn line(member: &Member) -> String {
    let state = if member.is_silent() {
        format!("silent for {} s", member.silent_ms / 1_000)
    } else {
        member.state.word().to_owned()
    };
    format!(
        "{:<16}  {:<22}  {:<8}  {:<10}  {state}",
        member.name,
        member.address,
        member.version,
        span(member.up_ms)
    )
}

/// `41 s`, `12 min`, `5 h`, `9 days`: the largest unit that fits.
fn span(ms: u64) -> String {
    match ms / 1_000 {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}
