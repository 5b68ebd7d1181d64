//! PostgreSQL and Redis for a run: each with files of its own, on a free port, on a core of one's choice, and gone afterwards.

use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Where Debian and Homebrew put PostgreSQL.
const PREFIXES: [&str; 3] = ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"];
/// Longest wait for a start.
const START_WITHIN: Duration = Duration::from_secs(60);

/// A port that nobody listens at.
///
/// # Errors
/// When the system gives none.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// An engine that runs until this is dropped.
pub struct Engine {
    process: Child,
    stop_with: &'static str,
    url: String,
}

impl Engine {
    /// A PostgreSQL with a new database in `folder`, which must not exist, on core `core`. It syncs what it commits.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub fn postgres(folder: &Path, core: usize) -> io::Result<Self> {
        let bin = postgres_folder().ok_or_else(|| missing("PostgreSQL (cargo xtask setup)"))?;
        std::fs::create_dir_all(folder)?;
        let folder = folder.canonicalize()?;
        let is_root = output(Command::new("id").arg("-u"))?.trim() == "0";
        if is_root {
            check(Command::new("chown").arg("postgres").arg(&folder))?;
        }
        let as_owner = || {
            let mut command = Command::new(if is_root { "runuser" } else { "env" });
            if is_root {
                command.args(["-u", "postgres", "--"]);
            }
            command.current_dir("/");
            command
        };
        let data = folder.join("data");
        check(
            as_owner()
                .arg(bin.join("initdb"))
                .arg("-D")
                .arg(&data)
                .args(["-U", "sheaf", "-A", "trust", "-E", "UTF8", "--locale=C"])
                .stdout(Stdio::null()),
        )?;
        let port = free_port()?;
        // `runuser` would stay between us and its signals.
        let mut server = Command::new("taskset");
        server.args(["-c", &core.to_string()]);
        if is_root {
            server.args([
                "setpriv",
                "--reuid=postgres",
                "--regid=postgres",
                "--clear-groups",
            ]);
        }
        let process = server
            .current_dir("/")
            .arg(bin.join("postgres"))
            .arg("-D")
            .arg(&data)
            .args(["-p", &port.to_string(), "-h", "127.0.0.1", "-k", ""])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let url = format!("postgres://sheaf@127.0.0.1:{port}/postgres");
        let engine = Self {
            process,
            stop_with: "-INT",
            url,
        };
        let port = port.to_string();
        until(|| {
            check(Command::new(bin.join("pg_isready")).args(["-q", "-h", "127.0.0.1", "-p", &port]))
        })?;
        Ok(engine)
    }

    /// A Redis on core `core`.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub fn redis(core: usize) -> io::Result<Self> {
        Self::redis_at(free_port()?, core)
    }

    /// The same at a port of one's choice.
    ///
    /// # Errors
    /// As [`Engine::redis`].
    pub fn redis_at(port: u16, core: usize) -> io::Result<Self> {
        let process = Command::new("taskset")
            .args(["-c", &core.to_string(), "redis-server"])
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no"])
            .stdout(Stdio::null())
            .spawn()?;
        let engine = Self {
            process,
            stop_with: "-TERM",
            url: format!("redis://127.0.0.1:{port}"),
        };
        let port = port.to_string();
        until(|| {
            check(
                Command::new("redis-cli")
                    .args(["-p", &port, "ping"])
                    .stdout(Stdio::null())
                    .stderr(Stdio::null()),
            )
        })?;
        Ok(engine)
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let id = self.process.id().to_string();
        drop(Command::new("kill").args([self.stop_with, &id]).status());
        drop(self.process.wait());
    }
}

fn postgres_folder() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = PREFIXES
        .iter()
        .flat_map(|prefix| Path::new(prefix).read_dir().into_iter().flatten())
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|folder| folder.join("initdb").is_file())
        .collect();
    found.sort();
    found.pop()
}

fn missing(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("{what} is missing"))
}

fn output(command: &mut Command) -> io::Result<String> {
    Ok(String::from_utf8_lossy(&command.output()?.stdout).into_owned())
}

fn check(command: &mut Command) -> io::Result<()> {
    let status = command.status()?;
    if status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("{command:?} ended with {status}")))
}

fn until(mut is_there: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    let limit = Instant::now() + START_WITHIN;
    loop {
        match is_there() {
            Ok(()) => return Ok(()),
            Err(error) if Instant::now() > limit => return Err(error),
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}
