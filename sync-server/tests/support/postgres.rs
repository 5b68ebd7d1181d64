//! A PostgreSQL server for tests.

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use sqlx::Connection as _;
use tempfile::TempDir;

use super::disk::SmallDisk;

/// Where Debian and Homebrew put it.
const PREFIXES: [&str; 3] = ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"];
/// Longest wait for a start.
const START_WITHIN: Duration = Duration::from_secs(60);

/// A running server with a data folder of its own.
pub(crate) struct Postgres {
    home: Home,
    process: Child,
    watch: Child,
}

/// Where it runs, and as whom.
struct Home {
    disk: Option<SmallDisk>,
    port: u16,
    bin: PathBuf,
    owner: Option<(u32, u32)>,
    folder: TempDir,
}

impl Home {
    /// A command that sees the data, as the one who owns it.
    fn command(&self, program: &str) -> Command {
        let program = self.bin.join(program);
        let mut command = match (&self.disk, self.owner) {
            (Some(disk), Some((user, group))) => {
                let mut command = disk.command("setpriv");
                command.arg(format!("--reuid={user}"));
                command.arg(format!("--regid={group}"));
                command.arg("--clear-groups").arg(program);
                command
            }
            (_, Some((user, group))) => {
                let mut command = Command::new(program);
                command.uid(user).gid(group);
                command
            }
            (_, None) => Command::new(program),
        };
        command.current_dir("/");
        command
    }

    /// Makes an empty cluster of databases.
    fn furnish(&self) {
        let mut command = self.command("initdb");
        command.arg("-D").arg(self.folder.path().join("data"));
        command.args(["-U", "sheaf", "-A", "trust", "-E", "UTF8"]);
        command.args(["--locale=C", "--no-sync"]);
        if self.disk.is_some() {
            // Small pieces of its log, so that a full disk meets the log too.
            command.arg("--wal-segsize=1");
        }
        let made = command.stdout(Stdio::null()).status().unwrap();
        assert!(made.success(), "initdb failed");
    }

    /// Starts the server, and what ends it with this program.
    fn spawn(&self, settings: &[&str]) -> (Child, Child) {
        let log = std::fs::File::create(self.folder.path().join("log")).unwrap();
        let process = self
            .command("postgres")
            .arg("-D")
            .arg(self.folder.path().join("data"))
            .args(["-p", &self.port.to_string(), "-h", "127.0.0.1", "-k", ""])
            .args(["-c", "shared_buffers=16MB"])
            .args(settings.iter().flat_map(|setting| ["-c", setting]))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let watch = super::end_with_us(process.id());
        (process, watch)
    }

    /// The folder of the data, for those who see only the ordinary disk.
    fn data(&self) -> PathBuf {
        let seen = self.disk.as_ref().map(SmallDisk::seen_from_outside);
        seen.unwrap_or_else(|| self.folder.path().join("data"))
    }
}

impl Postgres {
    /// Makes a new one and waits until it takes connections. `settings` are `name=value`.
    pub(crate) fn start(settings: &[&str]) -> Self {
        Self::make(None, settings)
    }

    /// The same on a disk of its own, that can be full; on the ordinary one where this machine gives none.
    pub(crate) fn on_small_disk(mib: u64) -> Self {
        Self::make(Some(mib), &[])
    }

    fn make(disk_mib: Option<u64>, settings: &[&str]) -> Self {
        let owner = owner();
        let folder = tempfile::tempdir().unwrap();
        if let Some((user, group)) = owner {
            std::os::unix::fs::chown(folder.path(), Some(user), Some(group)).unwrap();
        }
        let disk = disk_mib.zip(owner);
        let disk = disk.and_then(|(mib, owner)| SmallDisk::mount(folder.path(), mib, owner));
        let home = Home {
            disk,
            port: super::free_port(),
            bin: folder_or_explain(),
            owner,
            folder,
        };
        home.furnish();
        let (process, watch) = home.spawn(settings);
        let mut server = Self {
            home,
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
        format!("postgres://sheaf@127.0.0.1:{}/postgres", self.home.port)
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
        self.is_gone();
    }

    /// Ends it as its operator would: those who are connected are cut, what is committed is kept.
    pub(crate) fn stop(&mut self) {
        let id = i32::try_from(self.process.id()).unwrap();
        let _ = kill_process(Pid::from_raw(id).unwrap(), Signal::INT);
        self.is_gone();
    }

    /// Whether its disk can be full.
    pub(crate) fn has_small_disk(&self) -> bool {
        self.home.disk.is_some()
    }

    /// Nothing more fits on its disk.
    pub(crate) fn fill_disk(&self) {
        self.home
            .disk
            .as_ref()
            .expect("it has no small disk")
            .fill();
    }

    /// Its disk has room again; it is started again if it gave up meanwhile.
    pub(crate) fn free_disk(&mut self) {
        self.home
            .disk
            .as_ref()
            .expect("it has no small disk")
            .free();
        let until = Instant::now() + START_WITHIN;
        // It may be about to notice that it cannot go on.
        while !self.answers_before(Instant::now() + Duration::from_secs(1)) {
            assert!(Instant::now() < until, "PostgreSQL did not recover");
            if !matches!(self.process.try_wait(), Ok(None)) {
                self.is_gone();
                self.start_again();
            }
        }
    }

    /// Starts it again on the same data and the same port.
    pub(crate) fn start_again(&mut self) {
        let until = Instant::now() + START_WITHIN;
        loop {
            // Left behind by the one that was killed.
            let _ = std::fs::remove_file(self.home.data().join("postmaster.pid"));
            (self.process, self.watch) = self.home.spawn(&[]);
            if self.answers_before(until) {
                return;
            }
            // Children of the one before may still have been there; a new one ends at once then.
            assert!(Instant::now() < until, "PostgreSQL did not start again");
            self.is_gone();
        }
    }

    /// Its process has ended; so does what would have ended it.
    fn is_gone(&mut self) {
        self.process.wait().unwrap();
        let _ = self.watch.kill();
        self.watch.wait().unwrap();
    }

    /// Waits until it takes connections, or ends.
    fn answers_before(&mut self, until: Instant) -> bool {
        while Instant::now() < until && matches!(self.process.try_wait(), Ok(None)) {
            let ready = Command::new(self.home.bin.join("pg_isready"))
                .args(["-q", "-h", "127.0.0.1", "-p", &self.home.port.to_string()])
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
