//! Where the servers live: each in a network namespace of its own behind a switch whose plugs can be pulled, if this machine
//! gives us namespaces (Linux, root); else all at the loopback address, and what would be a pulled plug is a line that passes
//! nothing.

use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};

/// Addresses of a network that routers anywhere pass nothing to or from: for measuring between machines of one's own.
const NETWORK: [u8; 2] = [198, 18];

/// The network between servers and everything else.
pub(super) struct Network {
    switch: Option<Switch>,
}

/// A bridge in a namespace, and the namespaces of the servers that are plugged into it.
struct Switch {
    third: u8,
    bridge: Namespace,
    servers: Vec<Namespace>,
}

/// A network namespace: it lives as long as the process that holds it, and goes with this program.
struct Namespace(Child);

impl Namespace {
    fn make() -> Option<Self> {
        let held = Command::new("unshare")
            .args(["--net", "sh", "-c", "echo made && read -r _"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut namespace = Self(held.ok()?);
        let mut said = String::new();
        let stdout = namespace.0.stdout.take()?;
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut said).ok()?;
        (said == "made\n").then_some(namespace)
    }

    /// A command that runs inside.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/proc/{}/ns/net", self.0.id()));
        command.arg("--").arg(program);
        command
    }

    /// Runs `ip` inside.
    fn ip(&self, words: &str) -> Option<()> {
        succeeds(self.command("ip").args(words.split(' ')))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn succeeds(command: &mut Command) -> Option<()> {
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.ok()?.success().then_some(())
}

impl Network {
    /// For so many servers.
    pub(super) fn make(servers: usize) -> Self {
        let switch = Switch::make(servers);
        Self { switch }
    }

    /// What it is, in words.
    pub(super) const fn told(&self) -> &'static str {
        match self.switch {
            Some(_) => "network namespaces: plugs are pulled",
            None => {
                "no network namespaces here (they take Linux and root): lines that pass nothing instead"
            }
        }
    }

    pub(super) const fn has_plugs(&self) -> bool {
        self.switch.is_some()
    }

    /// Where a server listens.
    pub(super) fn address_of(&self, server: usize) -> IpAddr {
        let here = |switch: &Switch| switch.address(server + 1);
        self.switch
            .as_ref()
            .map_or(Ipv4Addr::LOCALHOST.into(), here)
    }

    /// Where servers find what listens here.
    pub(super) fn our_address(&self) -> IpAddr {
        let here = |switch: &Switch| switch.address(254);
        self.switch
            .as_ref()
            .map_or(Ipv4Addr::LOCALHOST.into(), here)
    }

    /// A command that runs where this server lives.
    pub(super) fn command(&self, server: usize, program: &str) -> Command {
        let inside = |switch: &Switch| switch.servers[server].command(program);
        self.switch
            .as_ref()
            .map_or_else(|| Command::new(program), inside)
    }

    /// Nothing passes to or from this server any more; nobody is told.
    pub(super) fn pull_plug(&self, server: usize) {
        self.plug_with(server, "nomaster");
    }

    pub(super) fn put_plug_back(&self, server: usize) {
        self.plug_with(server, "master br0");
    }

    fn plug_with(&self, server: usize, state: &str) {
        let switch = self.switch.as_ref().expect("there are no plugs");
        let done = switch.bridge.ip(&format!("link set plug{server} {state}"));
        done.expect("the plug does not move");
    }
}

impl Switch {
    fn make(servers: usize) -> Option<Self> {
        let switch = Self {
            third: u8::try_from(std::process::id() % 250).ok()?,
            bridge: Namespace::make()?,
            servers: (0..servers)
                .map(|_| Namespace::make())
                .collect::<Option<_>>()?,
        };
        switch.wire().filter(|()| switch.works()).map(|()| switch)
    }

    fn address(&self, last: usize) -> IpAddr {
        let [first, second] = NETWORK;
        let last = u8::try_from(last).unwrap_or(0);
        Ipv4Addr::new(first, second, self.third, last).into()
    }

    /// Cables from here and from each server to the bridge.
    fn wire(&self) -> Option<()> {
        let bridge = &self.bridge;
        bridge.ip("link add br0 type bridge")?;
        bridge.ip("link set br0 up")?;
        // Our end goes with the other, when that namespace ends.
        let ours = format!("sheaf{}", self.third);
        let at_bridge = bridge.0.id().to_string();
        let cable = [
            "link", "add", &ours, "type", "veth", "peer", "name", "us", "netns",
        ];
        succeeds(Command::new("ip").args(cable).arg(&at_bridge))?;
        bridge.ip("link set us master br0 up")?;
        let address = format!("{}/24", self.address(254));
        succeeds(Command::new("ip").args(["addr", "add", &address, "dev", &ours]))?;
        succeeds(Command::new("ip").args(["link", "set", &ours, "up"]))?;
        for (number, server) in self.servers.iter().enumerate() {
            let inside = server.0.id();
            bridge.ip(&format!(
                "link add plug{number} type veth peer name eth0 netns {inside}"
            ))?;
            bridge.ip(&format!("link set plug{number} master br0 up"))?;
            let address = self.address(number + 1);
            server.ip(&format!("addr add {address}/24 dev eth0"))?;
            server.ip("link set eth0 up")?;
            server.ip("link set lo up")?;
        }
        Some(())
    }

    /// Whether every server reaches us.
    fn works(&self) -> bool {
        let Ok(listener) = TcpListener::bind((self.address(254), 0)) else {
            return false;
        };
        let Ok(address) = listener.local_addr() else {
            return false;
        };
        let call = format!("exec 3<>/dev/tcp/{}/{}", address.ip(), address.port());
        self.servers.iter().all(|server| {
            let mut dialling = server.command("timeout");
            succeeds(dialling.args(["10", "bash", "-c", &call])).is_some()
        })
    }
}
