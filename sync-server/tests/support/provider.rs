//! An OpenID Connect provider for tests.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// A running provider. Whoever comes to it is signed in at once.
pub(crate) struct Provider {
    port: u16,
    process: Child,
    watch: Child,
}

impl Provider {
    /// Starts one that sends browsers back to this address, and waits until it answers.
    pub(crate) fn start(returns_to: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oidc");
        assert!(
            folder.join("node_modules/oidc-provider").is_dir(),
            "the provider of accounts is not installed; run `npm ci` in sync-server/tests/oidc, or `cargo xtask test native`"
        );
        let port = super::free_port();
        let mut process = Command::new("node")
            .arg(folder.join("server.mjs"))
            .arg(port.to_string())
            .arg(returns_to)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let watch = super::end_with_us(process.id());
        let mut said = String::new();
        BufReader::new(process.stdout.as_mut().unwrap())
            .read_line(&mut said)
            .unwrap();
        assert_eq!(
            said.trim(),
            "ready",
            "the provider of accounts does not start"
        );
        Self {
            port,
            process,
            watch,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// What it calls itself.
    pub(crate) fn issuer(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Who comes from now on is this one.
    pub(crate) async fn is_now(&self, name: &str) {
        let mut line = tokio::net::TcpStream::connect(self.address())
            .await
            .unwrap();
        let asked = format!("GET /as/{name} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        line.write_all(asked.as_bytes()).await.unwrap();
        let mut answer = String::new();
        line.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        for child in [&mut self.process, &mut self.watch] {
            drop(child.kill());
            drop(child.wait());
        }
    }
}
