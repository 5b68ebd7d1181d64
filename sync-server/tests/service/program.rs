//! The built program as a process of its own.

use std::io::{BufRead as _, BufReader};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The program: the one just built, or another of the same promises that `SHEAF_BIN` names.
pub(crate) fn binary() -> String {
    let another = std::env::var("SHEAF_BIN").ok();
    another.unwrap_or_else(|| env!("CARGO_BIN_EXE_sheaf").to_owned())
}

pub(crate) struct Program {
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Program {
    /// Starts `sheaf serve` and waits until it says that it is ready.
    pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::start_in(folder, arguments, &[])
    }

    /// The same, with something in its environment.
    pub(crate) fn start_in(
        folder: &Path,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let sheaf = Command::new(binary());
        Self::start_by(
            sheaf,
            "127.0.0.1".parse().unwrap(),
            folder,
            arguments,
            environment,
        )
    }

    /// The same by `command`, which ends in the program's name and may be another release of it, listening at `here`.
    pub(crate) fn start_by(
        mut command: Command,
        here: IpAddr,
        folder: &Path,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        command.args(["serve", "--listen"]).arg(format!("{here}:0"));
        if !arguments.iter().any(|it| it.starts_with("--log-level")) {
            command.arg("--log-level=error");
        }
        let mut child = command
            .arg("--data-dir")
            .arg(folder)
            .args(arguments)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap()).lines().next();
        let said = said.expect("it ended before it was ready").unwrap();
        let address = said.rsplit_once("http://").unwrap().1.parse().unwrap();
        Self { address, child }
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What the kernel does to it when memory is short or the plug is pulled.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let id = i32::try_from(self.child.id()).unwrap();
        rustix::process::kill_process(rustix::process::Pid::from_raw(id).unwrap(), signal).unwrap();
    }

    /// Its exit status, which must come before `limit`.
    pub(crate) fn ended_within(&mut self, limit: Duration) -> ExitStatus {
        let until = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < until, "still running after {limit:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
