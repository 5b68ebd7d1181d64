//! Running other programs: shown, captured, shown and captured, or bounded in time.

use std::env;
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::workspace;

/// Pause, in milliseconds, between looks at a program that has a deadline.
const POLL_EVERY_MS: u64 = 50;

/// `program` in the workspace's root, without what `cargo run` added for us: a nested Cargo or
/// another toolchain's compiler must not see it.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(workspace::root());
    for (name, _) in env::vars_os() {
        let Some(name) = name.to_str() else { continue };
        if name == "CARGO" || name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        {
            command.env_remove(name);
        }
    }
    command
}

/// Cargo, as the person who called us would call it.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = command("cargo");
    cargo.args(arguments);
    cargo
}

/// Runs `command` with its output shown.
pub(crate) fn run(command: &mut Command, remedy: &str) -> Result<(), Failure> {
    let told = told(command);
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::new(
            format!("`{told}` ended with {status}"),
            remedy,
        )),
        Err(cause) => Err(Failure::new(
            format!("`{told}` could not be started: {cause}"),
            remedy,
        )),
    }
}

/// What `command` printed, if it could be run and succeeded. Its complaints are swallowed.
pub(crate) fn output_of(command: &mut Command) -> Option<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs `command` with its output shown, and returns what it wrote to standard output as well.
pub(crate) fn run_and_read(command: &mut Command) -> Result<(ExitStatus, String), Failure> {
    let told = told(command);
    let failed = |cause: std::io::Error| {
        Failure::new(
            format!("`{told}` could not be run: {cause}"),
            "is it installed and on PATH?",
        )
    };
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let mut read = String::new();
    if let Some(stdout) = child.stdout.take() {
        let mut reader = BufReader::new(stdout);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).map_err(failed)? > 0 {
            let text = String::from_utf8_lossy(&line);
            print!("{text}");
            // A pipe is block-buffered; whoever watches wants each line as it comes.
            drop(std::io::stdout().flush());
            read.push_str(&text);
            line.clear();
        }
    }
    let status = child.wait().map_err(failed)?;
    Ok((status, read))
}

/// How a bounded run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bounded {
    Succeeded,
    Failed,
    TookTooLong,
}

/// Runs `command` with its output shown, and ends it after `limit`.
pub(crate) fn run_within(command: &mut Command, limit: Duration) -> Bounded {
    match command.stdin(Stdio::null()).spawn() {
        Ok(child) => wait_within(child, limit),
        Err(_) => Bounded::Failed,
    }
}

fn wait_within(mut child: Child, limit: Duration) -> Bounded {
    let started = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Bounded::Succeeded,
            Ok(Some(_)) | Err(_) => return Bounded::Failed,
            Ok(None) if started.elapsed() < limit => {
                thread::sleep(Duration::from_millis(POLL_EVERY_MS));
            }
            Ok(None) => {
                drop(child.kill());
                drop(child.wait());
                return Bounded::TookTooLong;
            }
        }
    }
}

/// Says `what` is being done, does it, and says how long it took.
pub(crate) fn step<T>(what: &str, work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    println!("── {what}");
    let started = Instant::now();
    let outcome = work();
    if outcome.is_ok() {
        println!("   done in {}", told_duration(started.elapsed()));
    }
    outcome
}

/// `4.2 s`, `3 min 07 s`.
pub(crate) fn told_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds < 60 {
        format!("{:.1} s", duration.as_secs_f64())
    } else {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    }
}

/// The command as one would type it.
pub(crate) fn told(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(
        command
            .get_args()
            .map(|argument| argument.to_string_lossy().into_owned()),
    );
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_a_person_would_say_them() {
        assert_eq!(told_duration(Duration::from_millis(4_230)), "4.2 s");
        assert_eq!(told_duration(Duration::from_secs(187)), "3 min 07 s");
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_hangs_is_ended_at_its_limit() {
        let started = Instant::now();
        let limit = Duration::from_millis(200);
        assert_eq!(
            run_within(command("sleep").arg("60"), limit),
            Bounded::TookTooLong
        );
        assert!(started.elapsed() < Duration::from_secs(50));
    }
}
