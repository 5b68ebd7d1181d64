//! An S3-compatible server for tests.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Longest wait for a start.
const START_WITHIN: Duration = Duration::from_secs(30);
const BUCKET: &str = "files";

/// A running server with one bucket and a folder of its own.
pub(crate) struct S3 {
    port: u16,
    folder: TempDir,
    process: Option<Child>,
    watch: Option<Child>,
}

impl S3 {
    /// Makes a new one and waits until it answers.
    pub(crate) fn start() -> Self {
        let mut server = Self {
            port: super::free_port(),
            folder: tempfile::tempdir().unwrap(),
            process: None,
            watch: None,
        };
        server.start_again();
        server
    }

    /// Starts it where it was killed, with what it has.
    pub(crate) fn start_again(&mut self) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/s3");
        assert!(
            folder.join("node_modules/s3rver").is_dir(),
            "the S3 server is not installed; run `npm ci` in sync-server/tests/s3, or `cargo xtask test native`"
        );
        let process = Command::new("node")
            .arg(folder.join("server.mjs"))
            .arg(self.port.to_string())
            .arg(self.folder.path())
            .arg(BUCKET)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.watch = Some(super::end_with_us(process.id()));
        self.process = Some(process);
        let limit = Instant::now() + START_WITHIN;
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < limit, "the S3 server does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it at once.
    pub(crate) fn kill(&mut self) {
        for child in [self.process.take(), self.watch.take()] {
            let Some(mut child) = child else { continue };
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// Its bucket's address, as the one who may do everything there.
    pub(crate) fn url(&self) -> String {
        self.url_as("S3RVER:S3RVER")
    }

    /// The same for somebody else. (It knows who there is, and takes any secret of theirs.)
    pub(crate) fn url_as(&self, login: &str) -> String {
        format!("s3+http://{login}@127.0.0.1:{}/{BUCKET}/sheaf", self.port)
    }

    /// The address of a bucket that is not there.
    pub(crate) fn url_of_no_bucket(&self) -> String {
        self.url().replace(BUCKET, "nowhere")
    }

    /// The file in which it keeps the object of this name.
    pub(crate) fn file_of(&self, name: &str) -> PathBuf {
        let folder = self.folder.path().join(BUCKET).join("sheaf");
        folder.join(format!("{name}._S3rver_object"))
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        self.kill();
    }
}
