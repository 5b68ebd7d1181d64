//! What an engine may change about the machine that it runs on, and is to leave as it was: the firewall, whether packets
//! are passed on, and the network's interfaces.

use std::collections::BTreeSet;
use std::fs;

use crate::command::{command, output_of};

const IS_PASSED_ON: &str = "/proc/sys/net/ipv4/ip_forward";
const INTERFACES: &str = "/sys/class/net";

/// The bridge that an engine makes when it starts, and leaves behind.
pub(super) const BRIDGE: &str = "docker0";

/// How the machine was at some time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Machine {
    facts: BTreeSet<String>,
}

impl Machine {
    /// How it is now. What cannot be asked for here is left out.
    pub(super) fn now() -> Self {
        let mut facts = BTreeSet::new();
        for program in ["/usr/sbin/iptables-save", "/usr/sbin/ip6tables-save"] {
            let told = output_of(&mut command(program)).unwrap_or_default();
            facts.extend(rules(&told).map(|rule| format!("{program}: {rule}")));
        }
        let passed_on = fs::read_to_string(IS_PASSED_ON).unwrap_or_default();
        facts.insert(format!("{IS_PASSED_ON}: {}", passed_on.trim()));
        let interfaces = fs::read_dir(INTERFACES).into_iter().flatten().flatten();
        facts.extend(
            interfaces.map(|one| format!("{INTERFACES}: {}", one.file_name().to_string_lossy())),
        );
        Self { facts }
    }

    /// Whether the engine's bridge is there.
    pub(super) fn has_bridge(&self) -> bool {
        self.facts.contains(&format!("{INTERFACES}: {BRIDGE}"))
    }

    /// What is there now and was not then, or the other way round.
    pub(super) fn differences(&self, now: &Self) -> Vec<String> {
        let gone = self.facts.difference(&now.facts);
        let new = now.facts.difference(&self.facts);
        gone.map(|fact| format!("this is gone: {fact}"))
            .chain(new.map(|fact| format!("this is new: {fact}")))
            .collect()
    }
}

/// The rules and policies in what `iptables-save` prints, without its remarks and counters.
fn rules(told: &str) -> impl Iterator<Item = String> + '_ {
    let mut table = "";
    told.lines().filter_map(move |line| {
        if line.starts_with('*') {
            table = line;
        }
        let is_rule = line.starts_with('-') || line.starts_with(':');
        let rule = line.split(" [").next().unwrap_or_default();
        is_rule.then(|| format!("{table} {rule}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(told: &str) -> Machine {
        Machine {
            facts: rules(told).collect(),
        }
    }

    #[test]
    fn a_policy_that_an_engine_changed_is_noticed_and_traffic_is_not() {
        let told =
            "# made at noon\n*filter\n:FORWARD ACCEPT [0:0]\n-A INPUT -i lo -j ACCEPT\nCOMMIT\n";
        let before = machine(told);
        let later = machine(&told.replace("noon", "night").replace("[0:0]", "[7:420]"));
        assert_eq!(before.differences(&later), Vec::<String>::new());
        let after = machine(&told.replace("FORWARD ACCEPT", "FORWARD DROP"));
        assert_eq!(
            before.differences(&after),
            [
                "this is gone: *filter :FORWARD ACCEPT",
                "this is new: *filter :FORWARD DROP"
            ]
        );
    }
}
