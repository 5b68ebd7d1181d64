//! A PostgreSQL server for tests.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use sqlx::Connection as _;
use tempfile::TempDir;

/// Where Debian and Homebrew put it.
const PREFIXES: [&str; 3] = ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"];
/// Longest wait for a start.
const START_WITHIN: Duration = Duration::from_secs(60);

/// A running server with a data folder of its own.
pub(crate) struct Postgres {
    port: u16,
    bin: PathBuf,
    owner: Option<(u32, u32)>,
    folder: TempDir,
    process: Child,
    watch: Child,
}

impl Postgres {
    /// Makes a new one and waits until it takes connections. `settings` are `name=value`.
    pub(crate) fn start(settings: &[&str]) -> Self {
        let bin = folder_or_explain();
        let owner = owner();
        let folder = tempfile::tempdir().unwrap();
        if let Some((user, group)) = owner {
            std::os::unix::fs::chown(folder.path(), Some(user), Some(group)).unwrap();
        }
        let made = run_as(owner, &bin.join("initdb"))
            .arg("-D")
            .arg(folder.path().join("data"))
            .args([
                "-U",
                "sheaf",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C",
                "--no-sync",
            ])
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(made.success(), "initdb failed");
        let port = super::free_port();
        let process = spawn(&bin, owner, folder.path(), port, settings);
        let watch = super::end_with_us(process.id());
        let mut server = Self {
            port,
            bin,
            owner,
            folder,
            process,
            watch,
        };
        assert!(
            server.answers_before(Instant::now() + START_WITHIN),
            "PostgreSQL did not start"
        );
        server
    }

    /// The one that tests of this program share; it ends with the program.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&[]))
    }

    /// The address of a database.
    pub(crate) fn url(&self) -> String {
        format!("postgres://sheaf@127.0.0.1:{}/postgres", self.port)
    }

    /// An address under which nothing has been stored yet.
    pub(crate) async fn fresh_url(&self) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let schema = format!("fresh_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        self.execute(&format!("CREATE SCHEMA {schema}")).await;
        format!("{}?options=-csearch_path%3D{schema}", self.url())
    }

    /// Runs SQL that tests write.
    pub(crate) async fn execute(&self, sql: &str) {
        let mut connection = sqlx::PgConnection::connect(&self.url()).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()))
            .execute(&mut connection)
            .await
            .unwrap();
    }

    /// Ends it as a loss of power would, as far as a process can.
    pub(crate) fn kill(&mut self) {
        // Its children notice, and end too.
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.watch.kill().unwrap();
        self.watch.wait().unwrap();
    }

    /// Starts it again on the same data and the same port.
    pub(crate) fn start_again(&mut self) {
        let until = Instant::now() + START_WITHIN;
        loop {
            // Left behind by the one that was killed.
            let _ = std::fs::remove_file(self.folder.path().join("data/postmaster.pid"));
            self.process = spawn(&self.bin, self.owner, self.folder.path(), self.port, &[]);
            if self.answers_before(until) {
                break;
            }
            // Children of the one before may still have been there; a new one ends at once then.
            assert!(Instant::now() < until, "PostgreSQL did not start again");
        }
        self.watch = super::end_with_us(self.process.id());
    }

    /// Waits until it takes connections, or ends.
    fn answers_before(&mut self, until: Instant) -> bool {
        while Instant::now() < until && matches!(self.process.try_wait(), Ok(None)) {
            let ready = Command::new(self.bin.join("pg_isready"))
                .args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()])
                .status();
            if ready.is_ok_and(|status| status.success()) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let id = i32::try_from(self.process.id()).unwrap_or(0);
        if let Some(id) = Pid::from_raw(id) {
            // SIGINT: a fast, clean end.
            let _ = kill_process(id, Signal::INT);
        }
        let _ = self.process.wait();
        let _ = self.watch.kill();
        let _ = self.watch.wait();
    }
}

fn spawn(
    bin: &Path,
    owner: Option<(u32, u32)>,
    folder: &Path,
    port: u16,
    settings: &[&str],
) -> Child {
    let log = std::fs::File::create(folder.join("log")).unwrap();
    run_as(owner, &bin.join("postgres"))
        .arg("-D")
        .arg(folder.join("data"))
        .args(["-p", &port.to_string(), "-h", "127.0.0.1", "-k", ""])
        .args(["-c", "shared_buffers=16MB"])
        .args(settings.iter().flat_map(|setting| ["-c", setting]))
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap()
}

fn run_as(owner: Option<(u32, u32)>, program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/");
    if let Some((user, group)) = owner {
        command.uid(user).gid(group);
    }
    command
}

/// PostgreSQL refuses to run as root; its own user then.
fn owner() -> Option<(u32, u32)> {
    if !rustix::process::getuid().is_root() {
        return None;
    }
    let id = |kind: &str| -> u32 {
        let told = Command::new("id")
            .args([kind, "postgres"])
            .output()
            .unwrap();
        let told = String::from_utf8(told.stdout).unwrap();
        told.trim().parse().expect("there is no user `postgres`")
    };
    Some((id("-u"), id("-g")))
}

fn folder_or_explain() -> PathBuf {
    super::folder_of("initdb", &PREFIXES).expect(
        "PostgreSQL is not installed; `cargo xtask setup` does it (Debian: apt-get install postgresql)",
    )
}
