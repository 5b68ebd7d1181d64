//! The state chip: what is where, in words. Derived from facts alone; nothing here can make "Saved" true.

use sheaf_shared::sync::client::{DocStatus, Way};
use sheaf_shared::sync::facts::Refused;

use crate::local::db::StorageFault;

/// Whether this device keeps what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// Being opened.
    Opening,
    /// It does; `persistent` once the browser has said whether it may clear it.
    Keeping {
        /// The browser promised not to clear it by itself.
        persistent: Option<bool>,
    },
    /// It does not.
    Failed(StorageFault),
}

/// What the chip is derived from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Of each open document.
    pub statuses: Vec<DocStatus>,
    /// Edits on this device only, over all documents.
    pub waiting: usize,
    /// Those of them that not even this device has kept.
    pub unkept: usize,
    /// Documents whose edits are not counted yet.
    pub uncounted: usize,
    /// Whether this device keeps things.
    pub storage: Storage,
    /// How frames travel to the server.
    pub way: Way,
}

/// How the chip is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// All is where it should be.
    Good,
    /// Something is under way.
    Busy,
    /// Kept here, not there.
    Away,
    /// The person should read this.
    Warning,
}

/// The chip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chip {
    /// Its colour.
    pub tone: Tone,
    /// What stands in it.
    pub label: String,
    /// The same in two or three words, for narrow screens.
    pub short: String,
    /// Sentences for its panel: what is where, and what to do.
    pub details: Vec<String>,
}

/// How well the line to the server stands, over all open documents: the worst one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Line {
    Saved,
    Saving,
    Connecting,
    Stalled,
    Offline,
    CannotReach,
    Shut,
    Refused(Reason),
}

/// [`Refused`], ordered so that a line can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    Other,
    TooLarge,
    Full,
    ReadOnly,
}

fn line_of(status: DocStatus) -> Line {
    match status {
        DocStatus::Saved => Line::Saved,
        DocStatus::Saving { .. } => Line::Saving,
        DocStatus::Connecting { .. } => Line::Connecting,
        DocStatus::ServerStalled { .. } => Line::Stalled,
        DocStatus::Offline { .. } => Line::Offline,
        DocStatus::CannotReach { .. } => Line::CannotReach,
        DocStatus::Shut { .. } => Line::Shut,
        DocStatus::Refused { why, .. } => Line::Refused(match why {
            Refused::ReadOnly => Reason::ReadOnly,
            Refused::TooLarge => Reason::TooLarge,
            Refused::DocumentFull => Reason::Full,
            Refused::Invalid | Refused::NotYours | Refused::Unsaid => Reason::Other,
        }),
    }
}

/// Says where the text is.
#[must_use]
pub fn chip(facts: &Facts) -> Chip {
    let line = facts
        .statuses
        .iter()
        .copied()
        .map(line_of)
        .max()
        .unwrap_or(Line::Connecting);
    // While logs are still being read, nobody knows that nothing waits.
    let is_counted = facts.uncounted == 0 && facts.storage != Storage::Opening;
    let line = if is_counted {
        line
    } else {
        line.max(Line::Connecting)
    };
    let mut chip = match facts.storage {
        Storage::Failed(fault) if line != Line::Saved || facts.waiting > 0 => {
            unkeepable(facts, line, fault)
        }
        Storage::Failed(fault) => Chip {
            tone: Tone::Warning,
            label: "Saved, but this browser can't store offline".to_owned(),
            short: "Saved online only".to_owned(),
            details: vec![
                "Everything you wrote is on the server.".to_owned(),
                format!(
                    "{} Without a network, this page will not open here.",
                    said(fault)
                ),
            ],
        },
        Storage::Opening | Storage::Keeping { .. } => kept(facts, line),
    };
    if facts.way == Way::Exchanges && line < Line::Offline {
        chip.details.push(
            "Connected without WebSockets: your network blocks them. Everything works; what others change comes a little later."
                .to_owned(),
        );
    }
    if let Storage::Keeping {
        persistent: Some(false),
    } = facts.storage
    {
        chip.details.push(
            "This browser may clear its copy when the device runs short of room. What is on the server stays."
                .to_owned(),
        );
    }
    chip
}

/// The chip while this device keeps what is written.
fn kept(facts: &Facts, line: Line) -> Chip {
    match line {
        Line::Saved | Line::Saving | Line::Connecting => in_touch(facts, line),
        Line::Offline | Line::CannotReach => apart(facts, line),
        Line::Stalled | Line::Shut | Line::Refused(_) => not_taken(facts, line),
    }
}

fn chip_of(tone: Tone, label: String, short: &str, detail: String) -> Chip {
    Chip {
        tone,
        label,
        short: short.to_owned(),
        details: vec![detail],
    }
}

/// The server is there, or about to be.
fn in_touch(facts: &Facts, line: Line) -> Chip {
    let kept_here = on_device(facts);
    match (line, facts.waiting) {
        (Line::Connecting, 0) => chip_of(
            Tone::Busy,
            "Connecting…".to_owned(),
            "Connecting…",
            "You can write already; it is kept on this device.".to_owned(),
        ),
        (Line::Connecting, _) => chip_of(
            Tone::Busy,
            format!("Connecting… {kept_here}"),
            "Connecting…",
            format!("{kept_here}. They go to the server as soon as it answers."),
        ),
        (Line::Saved, 0) => chip_of(
            Tone::Good,
            "Saved".to_owned(),
            "Saved",
            "Everything you wrote is on the server's disk, and a copy is on this device."
                .to_owned(),
        ),
        (_, waiting) => chip_of(
            Tone::Busy,
            "Saving…".to_owned(),
            "Saving…",
            if facts.unkept == 0 {
                format!(
                    "{} on the way to the server, and kept on this device. You may close this page.",
                    changes(waiting)
                )
            } else {
                format!(
                    "{} on the way to the server and to this device's disk.",
                    changes(waiting)
                )
            },
        ),
    }
}

/// The server is out of reach; nothing is wrong with what is written.
fn apart(facts: &Facts, line: Line) -> Chip {
    let waiting = facts.waiting;
    let kept_here = on_device(facts);
    let is_offline = line == Line::Offline;
    let (what, short) = if is_offline {
        ("Offline", "Offline")
    } else {
        ("Can't reach the server…", "No server")
    };
    if waiting == 0 {
        let detail = if is_offline {
            "Go on writing: it is kept on this device and joins up when you are back."
        } else {
            "Go on writing: it is kept on this device. The server is tried again and again."
        };
        return chip_of(Tone::Away, what.to_owned(), short, detail.to_owned());
    }
    let (label, detail) = if is_offline {
        (
            format!("Offline: {kept_here}"),
            format!("{kept_here}. They join up by themselves when the network is back."),
        )
    } else {
        (
            format!("{what} {kept_here}"),
            format!("{kept_here}. The server is tried again and again; you need do nothing."),
        )
    };
    chip_of(Tone::Away, label, &format!("{short}: {waiting}"), detail)
}

/// The server is there and does not take what is written.
fn not_taken(facts: &Facts, line: Line) -> Chip {
    let kept_here = on_device(facts);
    match line {
        Line::Stalled => chip_of(
            Tone::Warning,
            format!("The server can't store right now: {kept_here}"),
            "Server can't store",
            format!("{kept_here}. The server's disk does not take writes at the moment."),
        ),
        Line::Refused(reason) => chip_of(
            Tone::Warning,
            format!("Not taken by the server: {kept_here}"),
            "Not taken",
            format!(
                "{} {kept_here}. You can download your copy.",
                refusal(reason)
            ),
        ),
        _ => chip_of(
            Tone::Warning,
            format!("The server closed this page: {kept_here}"),
            "Closed by server",
            format!("{kept_here}. Download your copy, then try again."),
        ),
    }
}

/// "14 changes kept on this device": said when all of them are on its disk, and until then how many are.
fn on_device(facts: &Facts) -> String {
    let kept = facts.waiting.saturating_sub(facts.unkept);
    match (kept, facts.unkept) {
        (_, 0) => format!("{} kept on this device", changes(kept)),
        (0, unkept) => format!("{} being kept on this device", changes(unkept)),
        (_, _) => format!("{kept} of {} kept on this device", changes(facts.waiting)),
    }
}

/// The chip while this device keeps nothing and not everything is on the server.
fn unkeepable(facts: &Facts, line: Line, fault: StorageFault) -> Chip {
    let mut details = vec![said(fault).to_owned()];
    let at_risk = facts.unkept;
    let kept_before = facts.waiting.saturating_sub(at_risk);
    if at_risk > 0 {
        details.push(format!(
            "{} only in this open page. Keep it open until they are saved, or download your copy.",
            changes(at_risk)
        ));
    }
    if kept_before > 0 {
        details.push(format!(
            "Kept on this device before that: {}.",
            changes(kept_before)
        ));
    }
    let where_to = match line {
        Line::Saved | Line::Saving | Line::Connecting => "They are on the way to the server.",
        Line::Offline => "There is no network.",
        Line::CannotReach => "The server does not answer.",
        Line::Stalled => "The server can't store at the moment.",
        Line::Shut => "The server closed this page.",
        Line::Refused(reason) => refusal(reason),
    };
    details.push(where_to.to_owned());
    let label = if facts.waiting == 0 {
        "This browser can't store offline".to_owned()
    } else if at_risk == 0 {
        format!(
            "This browser can't store more offline: {}",
            on_device(facts)
        )
    } else {
        format!(
            "This browser can't store offline: {} not saved",
            changes(at_risk)
        )
    };
    Chip {
        tone: Tone::Warning,
        label,
        short: "Can't store here".to_owned(),
        details,
    }
}

const fn refusal(reason: Reason) -> &'static str {
    match reason {
        Reason::ReadOnly => "You may read this page, not change it.",
        Reason::TooLarge => "A change is larger than the server takes.",
        Reason::Full => "This page has reached the server's size limit.",
        Reason::Other => "The server did not take a change.",
    }
}

const fn said(fault: StorageFault) -> &'static str {
    match fault {
        StorageFault::Refused => {
            "This browser refuses to store anything here (a private window, perhaps)."
        }
        StorageFault::Full => "This device has no room left for Sheaf.",
        StorageFault::Busy => {
            "Another tab runs an older Sheaf and holds the storage: close it, then reload."
        }
        StorageFault::Broken => "This browser's storage does not work at the moment.",
    }
}

/// "1 change", "14 changes".
#[must_use]
pub fn changes(count: usize) -> String {
    if count == 1 {
        "1 change".to_owned()
    } else {
        format!("{count} changes")
    }
}

#[cfg(test)]
mod tests;
