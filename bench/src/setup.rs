//! What every program is told: where the server is, or how to start it, and which cores to use; and how each begins.

use std::process::{Command, ExitCode};

use clap::Args;

use crate::account;
use crate::crowd::{Crowd, Plan};
use crate::report;
use crate::server::Server;
use crate::websocket::Target;

/// Why there are no figures, as a sentence.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Problem(String);

impl From<String> for Problem {
    fn from(sentence: String) -> Self {
        Self(sentence)
    }
}

impl From<std::io::Error> for Problem {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

/// Where the server is.
#[derive(Args, Clone, Debug)]
pub struct Setup {
    /// Any y-websocket server; the document's name is appended after a slash
    #[arg(long, default_value = "ws://127.0.0.1:8090/sync")]
    pub url: String,
    /// More servers, already running, that work together with the first: people are spread over all of them
    #[arg(long, value_delimiter = ',')]
    pub also: Vec<String>,
    /// Start this server first (on the server core) and stop it at the end
    #[arg(long)]
    pub spawn: Option<String>,
    /// Take CPU time and memory of this running process instead
    #[arg(long)]
    pub pid: Option<u32>,
    /// Core for a server that is started
    #[arg(long, default_value_t = 0)]
    pub server_core: usize,
    /// Core for the generator
    #[arg(long, default_value_t = 1)]
    pub own_core: usize,
    /// Make the first account at a Sheaf server, and have everyone come with a token of its
    #[arg(long)]
    pub accounts: bool,
}

const PINNED: &str = "SHEAF_BENCH_PINNED";

impl Setup {
    /// Moves this program to its own core by starting it again there. `Some` is the answer of that second run.
    #[must_use]
    pub fn pin(&self) -> Option<ExitCode> {
        if std::env::var_os(PINNED).is_some() {
            return None;
        }
        let program = std::env::current_exe().ok()?;
        let status = Command::new("taskset")
            .args(["-c", &self.own_core.to_string()])
            .arg(program)
            .args(std::env::args_os().skip(1))
            .env(PINNED, "1")
            .status()
            .ok()?;
        Some(if status.success() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    /// Reads the URL and starts the server if asked to.
    ///
    /// # Errors
    /// [`Problem`] when the URL is none, or the server does not start.
    pub fn open(&self) -> Result<(Target, Server), Problem> {
        let mut target = Target::parse(&self.url).map_err(|error| error.to_string())?;
        let server = match (&self.spawn, self.pid) {
            (Some(command), _) => Server::start(command, self.server_core, target.address)
                .map_err(|error| format!("cannot start '{command}': {error}"))?,
            (None, Some(pid)) => Server::running(pid),
            (None, None) => {
                let missing = "say --spawn COMMAND or --pid PID, so that its CPU time can be read";
                return Err(missing.to_owned().into());
            }
        };
        if self.accounts {
            target.token = Some(account::token(target.address)?);
        }
        Ok((target, server))
    }

    /// Says what is asked, opens the server, and prepares the clients of `plan`; nobody is connected yet.
    ///
    /// # Errors
    /// As [`Setup::open`].
    pub fn begin(&self, question: &str, plan: Plan) -> Result<(Crowd, Server), Problem> {
        let (target, server) = self.open()?;
        let mut targets = vec![target];
        for url in &self.also {
            let mut also = Target::parse(url).map_err(|error| error.to_string())?;
            also.token = targets[0].token.clone();
            targets.push(also);
        }
        report::head(question, &self.url);
        Ok((Crowd::across(targets, plan)?, server))
    }
}

/// A name no earlier run has used.
#[must_use]
pub fn fresh_name(question: &str) -> String {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    format!(
        "{question}-{:x}",
        since_1970.map_or(0, |time| time.as_micros())
    )
}

/// Runs a program's body and turns a failure into a line and an exit code.
pub fn run(setup: &Setup, body: impl FnOnce() -> Result<ExitCode, Problem>) -> ExitCode {
    if let Some(code) = setup.pin() {
        return code;
    }
    body().unwrap_or_else(|problem| {
        println!("failed: {problem}");
        ExitCode::FAILURE
    })
}
