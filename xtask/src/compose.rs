//! `cargo xtask test compose`: the containers of docker-compose.yml as an operator starts them, unedited, and people
//! who write in them while servers are killed.
//!
//! Only by name, as it needs an engine for containers and some minutes.

mod engine;
mod images;
mod machine;

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::command::{run, step};
use crate::failure::Failure;
use crate::server;
use crate::setup;
use crate::suites::{Runner, Tally, count, playwright};
use engine::Engine;

/// Longest wait from the start of the containers to the first page.
const UP_WITHIN: Duration = Duration::from_secs(240);
/// Pause, in milliseconds, between two looks.
const LOOK_EVERY_MS: u64 = 250;
/// Longest wait for an answer of the proxy.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Most bytes the program's image may have.
const IMAGE_BYTES_MAX: u64 = 60 * 1000 * 1000;
/// Letters of a set-up code.
const CODE_CHARS: usize = 19;
/// The name by which the public deployment is reached here.
const PUBLIC_NAME: &str = "localhost";
/// The status of an address that is somewhere else for good, asked for in the same way.
const MOVED: u16 = 308;
/// The status with which a server answers a request for a document that asks for no WebSocket.
const NO_UPGRADE: u16 = 426;
/// Two equal servers behind a proxy.
const USUAL: &[&str] = &["docker-compose.yml"];
/// The same, for others than this machine.
const PUBLIC: &[&str] = &["docker-compose.yml", "docker-compose.public.yml"];
/// One container on SQLite.
const SINGLE: &[&str] = &["docker-compose.single.yml"];

/// Everything about containers.
pub(crate) fn suite() -> Result<Tally, Failure> {
    server::build()?;
    let browser = setup::for_browser_tests()?;
    let engine = Engine::find_or_start()?;
    images::find_or_make(&engine)?;
    let people = |deployment: &Deployment<'_>, project: &str| {
        let words = [
            "test",
            "--config",
            "compose.config.ts",
            "--project",
            project,
        ];
        let mut people = playwright(&words);
        browser.prepare(&mut people);
        engine.prepare(&mut people);
        deployment.prepare(&mut people);
        people
            .env("SHEAF_RUNNING_AT", deployment.port.to_string())
            .env("SHEAF_COMPOSE", engine.compose_words().join(" "));
        count(&mut people, Runner::Playwright)
    };
    let accounts = {
        let deployment = Deployment::up(&engine, USUAL, Audience::Accounts)?;
        facts(&deployment)? + people(&deployment, "accounts")?
    };
    let written = {
        let deployment = Deployment::up(&engine, USUAL, Audience::Everyone)?;
        people(&deployment, "open")? + promise(comes_back_as_it_was(deployment)?)
    };
    let single = facts(&Deployment::up(&engine, SINGLE, Audience::Accounts)?)?;
    let public = public_facts(&Deployment::up(&engine, PUBLIC, Audience::Accounts)?)?;
    let changed = engine.end();
    for what in &changed {
        println!("FAILED: the machine is not as it was: {what}");
    }
    Ok(accounts + written + single + public + promise(changed.is_empty()))
}

/// Containers that run; they and what they kept are removed at the end.
struct Deployment<'engine> {
    engine: &'engine Engine,
    files: &'static [&'static str],
    audience: Audience,
    port: u16,
    /// Where it is reached from other machines, by http and by https, if it is.
    public: [u16; 2],
    routing: Routing,
}

/// Who may come in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Audience {
    /// Who has an account, as the files say when nothing is set.
    Accounts,
    /// Everyone.
    Everyone,
}

/// How the proxy chooses a server for Yjs clients.
#[derive(Clone, Copy)]
enum Routing {
    /// As the file says when nothing is set.
    Unset,
    /// By the document.
    ByDocument,
}

impl<'engine> Deployment<'engine> {
    fn up(
        engine: &'engine Engine,
        files: &'static [&'static str],
        audience: Audience,
    ) -> Result<Self, Failure> {
        let deployment = Self {
            engine,
            files,
            audience,
            port: free_port()?,
            public: [free_port()?, free_port()?],
            routing: Routing::Unset,
        };
        // What an interrupted run left behind.
        deployment.down(&["--volumes"])?;
        let told = files.join(" and ");
        step(&format!("the containers of {told}"), || {
            deployment.start(&["--build"])
        })?;
        Ok(deployment)
    }

    fn start(&self, words: &[&str]) -> Result<(), Failure> {
        let mut up = self.compose(&["up", "--detach"]);
        run(up.args(words), "read the message above")?;
        let until = Instant::now() + UP_WITHIN;
        while self.status_of("localhost", "/") != Some(200) {
            if Instant::now() > until {
                let mut logs = self.compose(&["logs", "--tail", "40"]);
                drop(run(&mut logs, ""));
                return Err(Failure::new(
                    "the containers run and no page comes",
                    "read what they said above",
                ));
            }
            thread::sleep(Duration::from_millis(LOOK_EVERY_MS));
        }
        Ok(())
    }

    fn down(&self, words: &[&str]) -> Result<(), Failure> {
        let mut down = self.compose(&["down", "--remove-orphans"]);
        run(down.args(words), "read the message above")
    }

    fn compose(&self, words: &[&str]) -> Command {
        let mut compose = self.engine.compose();
        // What is unsaid is how most people start it.
        if self.files != USUAL {
            for file in self.files {
                compose.args(["--file", file]);
            }
        }
        compose.args(words);
        self.prepare(&mut compose);
        compose
    }

    /// Says which containers are meant, and what a run of the suite does unlike an operator.
    fn prepare(&self, command: &mut Command) {
        command
            .env("COMPOSE_PROJECT_NAME", "sheaf-test")
            .env("SHEAF_PORT", self.port.to_string())
            .env("SHEAF_PROGRAM", "prebuilt");
        let [http, https] = self.public;
        if self.files == PUBLIC {
            command
                // For this name the proxy makes a certificate by itself.
                .env("SHEAF_DOMAIN", PUBLIC_NAME)
                .env("SHEAF_HTTP_PORT", http.to_string())
                .env("SHEAF_HTTPS_PORT", https.to_string());
        }
        if self.audience == Audience::Everyone {
            command.env("SHEAF_OPEN", "true");
        }
        match self.routing {
            Routing::Unset => {}
            Routing::ByDocument => {
                command.env("SHEAF_SYNC_ROUTING", "uri_hash");
            }
        }
    }

    /// The status that `path` is answered with when it is asked for at `host`.
    fn status_of(&self, host: &str, path: &str) -> Option<u16> {
        self.status_at(self.port, host, path)
    }

    fn status_at(&self, port: u16, host: &str, path: &str) -> Option<u16> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut line = TcpStream::connect_timeout(&address, ANSWER_WITHIN).ok()?;
        line.set_read_timeout(Some(ANSWER_WITHIN)).ok()?;
        write!(
            line,
            "GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
        )
        .ok()?;
        let mut answer = [0; 12];
        line.read_exact(&mut answer).ok()?;
        String::from_utf8_lossy(&answer)
            .strip_prefix("HTTP/1.1 ")?
            .parse()
            .ok()
    }
}

impl Drop for Deployment<'_> {
    fn drop(&mut self) {
        drop(self.down(&["--volumes"]));
    }
}

/// What must be so of every deployment, whatever is done with it.
fn facts(deployment: &Deployment<'_>) -> Result<Tally, Failure> {
    let size = deployment
        .engine
        .ask(&["image", "inspect", "--format", "{{.Size}}", "sheaf"])?;
    let size: u64 = size.trim().parse().unwrap_or(u64::MAX);
    println!("the program's image has {:.1} MB", size as f64 / 1e6);
    let mut wrong = Vec::new();
    if size > IMAGE_BYTES_MAX {
        wrong.push(format!("the image has {size} bytes"));
    }
    let containers = settled_containers(deployment)?;
    for one in &containers {
        wrong.extend(one.complaints());
    }
    let published = containers.iter().filter(|one| one.is_published()).count();
    if published != 1 {
        wrong.push(format!("{published} containers are published"));
    }
    for (host, path, expected) in [
        ("localhost", "/", 200),
        ("127.0.0.1", "/healthz", 200),
        // A foreign page's name that points at this machine.
        ("attacker.example", "/", 421),
    ] {
        let status = deployment.status_of(host, path);
        if status != Some(expected) {
            wrong.push(format!("http://{host}{path} is answered with {status:?}"));
        }
    }
    for complaint in &wrong {
        println!("FAILED: {complaint}");
    }
    Ok(promise(wrong.is_empty()))
}

/// What must be so where others come in: over https alone, and with no first account but by the code in the log.
fn public_facts(deployment: &Deployment<'_>) -> Result<Tally, Failure> {
    let mut wrong = Vec::new();
    for one in settled_containers(deployment)? {
        wrong.extend(one.complaints_but(Reached::Publicly));
    }
    let plain = deployment.status_at(deployment.public[0], PUBLIC_NAME, "/");
    if plain != Some(MOVED) {
        wrong.push(format!("by http it is answered with {plain:?}"));
    }
    let asked = format!("https://{PUBLIC_NAME}/api/first-run");
    let mut ask = deployment.compose(&["exec", "-T", "proxy", "wget", "-S", "-O", "-"]);
    ask.args(["--no-check-certificate", &asked]);
    let answer = all_output_of(&mut ask);
    for wanted in ["strict-transport-security", "\"code\":true"] {
        if !answer.to_lowercase().contains(wanted) {
            wrong.push(format!("{asked} is answered without {wanted}: {answer}"));
        }
    }
    let logs = all_output_of(&mut deployment.compose(&["logs", "--no-color"]));
    let way = format!("https://{PUBLIC_NAME}/welcome#");
    let codes: BTreeSet<&str> = logs
        .split(&way)
        .skip(1)
        .filter_map(|rest| rest.get(..CODE_CHARS))
        .collect();
    if codes.len() != 1 {
        wrong.push(format!(
            "the servers' logs tell {} set-up codes",
            codes.len()
        ));
    }
    for complaint in &wrong {
        println!("FAILED: {complaint}");
    }
    Ok(promise(wrong.is_empty()))
}

/// Who reaches the containers that are published.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reached {
    Here,
    Publicly,
}

/// What the engine says of one container.
struct Container {
    name: String,
    user: String,
    root: String,
    memory: String,
    ports: String,
    health: String,
}

/// All containers, once none of them is still being asked for the first time whether it is healthy.
fn settled_containers(deployment: &Deployment<'_>) -> Result<Vec<Container>, Failure> {
    let until = Instant::now() + UP_WITHIN;
    loop {
        let found = containers(deployment)?;
        let is_settled = found.iter().all(|one| one.health != "starting");
        if is_settled || Instant::now() > until {
            return Ok(found);
        }
        thread::sleep(Duration::from_millis(LOOK_EVERY_MS));
    }
}

fn containers(deployment: &Deployment<'_>) -> Result<Vec<Container>, Failure> {
    let ids = deployment
        .engine
        .read(&mut deployment.compose(&["ps", "--quiet"]))?;
    let mut found = Vec::new();
    for id in ids.split_whitespace() {
        let told = deployment.engine.ask(&[
            "inspect",
            "--format",
            "{{.Name}}|{{.Config.User}}|{{.HostConfig.ReadonlyRootfs}}|{{.HostConfig.Memory}}|\
             {{json .HostConfig.PortBindings}}|{{if .State.Health}}{{.State.Health.Status}}{{else}}ended{{end}}",
            id,
        ])?;
        let mut words = told.trim().split('|').map(str::to_owned);
        let mut word = || words.next().unwrap_or_default();
        found.push(Container {
            name: word(),
            user: word(),
            root: word(),
            memory: word(),
            ports: word(),
            health: word(),
        });
    }
    Ok(found)
}

impl Container {
    fn is_published(&self) -> bool {
        !matches!(self.ports.as_str(), "{}" | "null")
    }

    fn complaints(&self) -> Vec<String> {
        self.complaints_but(Reached::Here)
    }

    fn complaints_but(&self, reached: Reached) -> Vec<String> {
        let is_root =
            matches!(self.user.as_str(), "" | "root" | "0") || self.user.starts_with("0:");
        let is_published_widely = reached == Reached::Here
            && self.is_published()
            && self.ports.matches("\"HostIp\":\"127.0.0.1\"").count() != 1;
        [
            (is_root, "runs as root"),
            (self.root != "true", "may write into its image"),
            // What ends by itself needs none.
            (
                self.health != "ended" && self.memory == "0",
                "may take all memory",
            ),
            (
                !matches!(self.health.as_str(), "healthy" | "ended"),
                "is not healthy",
            ),
            (is_published_widely, "is reached from other machines"),
        ]
        .into_iter()
        .filter(|(is_so, _)| *is_so)
        .map(|(_, what)| format!("{} {what} ({})", self.name, self.health))
        .collect()
    }
}

/// Taken down and started again, with the proxy going by documents, it has all of them; their rows are sound, and who asks
/// for one by that way reaches a server.
fn comes_back_as_it_was(mut deployment: Deployment<'_>) -> Result<bool, Failure> {
    let verify = |deployment: &Deployment<'_>| {
        deployment.engine.read(&mut deployment.compose(&[
            "exec",
            "-T",
            "sheaf-1",
            "/usr/local/bin/sheaf",
            "verify",
        ]))
    };
    let before = verify(&deployment)?;
    deployment.down(&[])?;
    deployment.routing = Routing::ByDocument;
    deployment.start(&[])?;
    let after = verify(&deployment)?;
    let answered = deployment.status_of("localhost", "/sync/a-page");
    println!("before: {before}after:  {after}by document: {answered:?}");
    let documents = |told: &str| told.split(' ').next().map(str::to_owned);
    Ok(documents(&before) == documents(&after)
        && !before.starts_with("0 ")
        && answered == Some(NO_UPGRADE))
}

/// What `command` prints, in whichever way, whether it succeeds or not.
fn all_output_of(command: &mut Command) -> String {
    let told = command.output().map_or_else(
        |cause| vec![cause.to_string().into_bytes()],
        |output| vec![output.stdout, output.stderr],
    );
    let told: Vec<_> = told.iter().map(|it| String::from_utf8_lossy(it)).collect();
    told.join("\n")
}

fn promise(is_kept: bool) -> Tally {
    if is_kept {
        Tally::one_pass()
    } else {
        Tally::one_failure()
    }
}

fn free_port() -> Result<u16, Failure> {
    let probe = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|it| it.local_addr());
    probe.map(|address| address.port()).map_err(|cause| {
        Failure::new(
            format!("there is no free port: {cause}"),
            "look at what this machine is doing",
        )
    })
}
