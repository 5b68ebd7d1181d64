//! A Redis server for tests.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Longest wait for a start.
const START_WITHIN: Duration = Duration::from_secs(30);

/// A running server with a folder of its own.
pub(crate) struct Redis {
    port: u16,
    settings: Vec<String>,
    folder: TempDir,
    process: Child,
    watch: Child,
}

impl Redis {
    /// Makes a new one and waits until it answers. `settings` are as on its command line.
    pub(crate) fn start(settings: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = super::free_port();
        let settings: Vec<String> = settings.iter().map(|one| (*one).to_owned()).collect();
        let process = spawn(&folder, port, &settings);
        let watch = super::end_with_us(process.id());
        let server = Self {
            port,
            settings,
            folder,
            process,
            watch,
        };
        server.wait_until_it_answers();
        server
    }

    /// One that speaks TLS at a second port, with the file that holds its certificate, and its address there.
    pub(crate) fn with_tls(folder: &Path) -> (Self, PathBuf, String) {
        let (key, certificate) = (folder.join("key.pem"), folder.join("certificate.pem"));
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"])
            .args(["-pkeyopt", "ec_paramgen_curve:prime256v1"])
            .args(["-subj", "/CN=localhost"])
            .args(["-addext", "subjectAltName=DNS:localhost"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&certificate)
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(made.success(), "openssl made no certificate");
        let port = super::free_port().to_string();
        let [key, certificate_name] = [&key, &certificate].map(|path| path.to_str().unwrap());
        let server = Self::start(&[
            "--tls-port",
            &port,
            "--tls-key-file",
            key,
            "--tls-cert-file",
            certificate_name,
            "--tls-auth-clients",
            "no",
            "--tls-ca-cert-file",
            certificate_name,
        ]);
        (server, certificate, format!("rediss://localhost:{port}"))
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Ends it as a crash would.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.watch.kill().unwrap();
        self.watch.wait().unwrap();
    }

    /// Starts it again on the same port, with nothing in it.
    pub(crate) fn start_again(&mut self) {
        self.process = spawn(&self.folder, self.port, &self.settings);
        self.watch = super::end_with_us(self.process.id());
        self.wait_until_it_answers();
    }

    /// It takes connections, and says nothing any more.
    pub(crate) fn pause(&self) {
        self.signal(Signal::STOP);
    }

    pub(crate) fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.process.id()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    }

    /// Runs one of its commands.
    pub(crate) fn command(&self, words: &[&str]) -> String {
        let told = Command::new("redis-cli")
            .args(["-p", &self.port.to_string()])
            .args(words)
            .output()
            .unwrap();
        String::from_utf8_lossy(&told.stdout).into_owned()
    }

    fn wait_until_it_answers(&self) {
        let until = Instant::now() + START_WITHIN;
        loop {
            let answer = self.command(&["ping"]);
            if ["PONG", "NOAUTH", "NOPERM"]
                .iter()
                .any(|word| answer.contains(word))
            {
                return;
            }
            assert!(Instant::now() < until, "Redis did not start");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = self.watch.kill();
        let _ = self.watch.wait();
    }
}

fn spawn(folder: &TempDir, port: u16, settings: &[String]) -> Child {
    // It is one program under several names; Debian's package of tools does not have this one.
    let program = ["redis-server", "redis-check-rdb"]
        .into_iter()
        .find(|name| super::is_on_path(name))
        .expect("Redis is not installed; `cargo xtask setup` does it (Debian: apt-get install redis-tools)");
    Command::new(program)
        .arg0("redis-server")
        .current_dir(folder.path())
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no"])
        .args(settings)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Nodes that form one cluster.
pub(crate) struct RedisCluster {
    nodes: Vec<Redis>,
}

impl RedisCluster {
    /// Three nodes, each with a third of the places.
    pub(crate) fn start() -> Self {
        let nodes: Vec<Redis> = (0..3)
            .map(|_| {
                let bus_port = super::free_port().to_string();
                let settings = ["--cluster-enabled", "yes", "--cluster-port", &bus_port];
                Redis::start(&settings)
            })
            .collect();
        let addresses = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port));
        let made = Command::new("redis-cli")
            .args(["--cluster", "create"])
            .args(addresses)
            .args(["--cluster-replicas", "0", "--cluster-yes"])
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(made.success(), "the cluster did not come about");
        let until = Instant::now() + START_WITHIN;
        for node in &nodes {
            while !node
                .command(&["cluster", "info"])
                .contains("cluster_state:ok")
            {
                assert!(Instant::now() < until, "the cluster did not start");
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        Self { nodes }
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        let hosts: Vec<String> = self
            .nodes
            .iter()
            .map(|node| format!("127.0.0.1:{}", node.port))
            .collect();
        format!("redis+cluster://{}", hosts.join(","))
    }

    /// Runs a command on each node.
    pub(crate) fn command(&self, words: &[&str]) {
        for node in &self.nodes {
            node.command(words);
        }
    }
}
