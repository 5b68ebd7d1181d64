//! What the chip may say, and when.

use super::*;
use sheaf_shared::time::MonotonicMs;

const KEEPING: Storage = Storage::Keeping {
    persistent: Some(true),
};
const SINCE: MonotonicMs = MonotonicMs(0);

fn facts(statuses: &[DocStatus], waiting: usize, storage: Storage) -> Facts {
    Facts {
        statuses: statuses.to_vec(),
        waiting,
        unkept: 0,
        uncounted: 0,
        storage,
        way: Way::WebSocket,
    }
}

#[test]
fn saved_is_said_only_when_every_document_is_acknowledged_and_nothing_waits_anywhere() {
    let saved = DocStatus::Saved;
    assert_eq!(chip(&facts(&[saved, saved], 0, KEEPING)).label, "Saved");
    assert_eq!(
        chip(&facts(&[saved], 1, KEEPING)).label,
        "Saving…",
        "an edit not yet handed on"
    );
    let others = [
        DocStatus::Connecting { waiting: 0 },
        DocStatus::Saving { waiting: 1 },
        DocStatus::ServerStalled { waiting: 0 },
        DocStatus::Offline {
            waiting: 0,
            since: SINCE,
        },
        DocStatus::CannotReach {
            waiting: 0,
            since: SINCE,
            next_try: SINCE,
        },
        DocStatus::Refused {
            waiting: 1,
            why: Refused::ReadOnly,
        },
    ];
    for other in others {
        let chip = chip(&facts(&[saved, other], 0, KEEPING));
        assert!(
            !chip.label.starts_with("Saved"),
            "{other:?}: {}",
            chip.label
        );
    }
    assert!(
        !chip(&facts(&[], 0, KEEPING)).label.starts_with("Saved"),
        "nothing is known yet"
    );
}

#[test]
fn saved_is_not_said_while_a_log_of_this_device_is_still_unread() {
    let mut facts = facts(&[DocStatus::Saved], 0, KEEPING);
    facts.uncounted = 1;
    assert_eq!(chip(&facts).label, "Connecting…");
    facts.uncounted = 0;
    facts.storage = Storage::Opening;
    assert_eq!(chip(&facts).label, "Connecting…");
}

#[test]
fn offline_says_how_many_changes_are_kept_on_this_device() {
    let offline = DocStatus::Offline {
        waiting: 14,
        since: SINCE,
    };
    let chip = chip(&facts(&[offline], 14, KEEPING));
    assert_eq!(chip.label, "Offline: 14 changes kept on this device");
    assert_eq!(chip.tone, Tone::Away);
}

#[test]
fn only_what_is_on_this_devices_disk_is_called_kept_on_it() {
    let offline = DocStatus::Offline {
        waiting: 14,
        since: SINCE,
    };
    let mut facts = facts(&[offline], 14, KEEPING);
    facts.unkept = 1;
    let label = chip(&facts).label;
    assert_eq!(label, "Offline: 13 of 14 changes kept on this device");
    facts.unkept = 14;
    let label = chip(&facts).label;
    assert_eq!(label, "Offline: 14 changes being kept on this device");

    facts.statuses = vec![DocStatus::Saving { waiting: 14 }];
    let words = chip(&facts).details.join(" ");
    assert!(!words.contains("You may close"), "{words}");
}

#[test]
fn a_dead_server_is_told_apart_from_a_missing_network() {
    let dead = DocStatus::CannotReach {
        waiting: 1,
        since: SINCE,
        next_try: SINCE,
    };
    let chip = chip(&facts(&[dead, DocStatus::Saved], 1, KEEPING));
    assert_eq!(
        chip.label,
        "Can't reach the server… 1 change kept on this device"
    );
}

#[test]
fn a_browser_that_keeps_nothing_never_says_kept_on_this_device() {
    let statuses = [
        DocStatus::Saved,
        DocStatus::Saving { waiting: 2 },
        DocStatus::Offline {
            waiting: 2,
            since: SINCE,
        },
        DocStatus::CannotReach {
            waiting: 2,
            since: SINCE,
            next_try: SINCE,
        },
    ];
    let faults = [
        StorageFault::Refused,
        StorageFault::Full,
        StorageFault::Busy,
        StorageFault::Broken,
    ];
    for status in statuses {
        for fault in faults {
            let mut facts = facts(&[status], 2, Storage::Failed(fault));
            facts.unkept = 2;
            let chip = chip(&facts);
            assert_eq!(chip.tone, Tone::Warning);
            assert!(chip.label.contains("can't store offline"), "{}", chip.label);
            let words = chip.details.join(" ");
            assert!(!words.contains("kept on this device"), "{words}");
        }
    }
}

#[test]
fn a_browser_that_may_clear_its_copy_says_so_in_the_panel() {
    let chip = chip(&facts(
        &[DocStatus::Saved],
        0,
        Storage::Keeping {
            persistent: Some(false),
        },
    ));
    assert!(chip.details.iter().any(|line| line.contains("may clear")));
}

#[test]
fn a_device_that_fills_up_says_which_changes_it_kept_and_which_are_in_this_page_alone() {
    let storage = Storage::Failed(StorageFault::Full);
    let mut facts = facts(
        &[DocStatus::Offline {
            waiting: 14,
            since: SINCE,
        }],
        14,
        storage,
    );
    facts.unkept = 4;
    let told = chip(&facts);
    assert_eq!(
        told.label,
        "This browser can't store offline: 4 changes not saved"
    );
    let words = told.details.join(" ");
    assert!(
        words.contains("4 changes only in this open page"),
        "{words}"
    );
    assert!(
        words.contains("Kept on this device before that: 10 changes"),
        "{words}"
    );

    facts.unkept = 0;
    let told = chip(&facts);
    assert_eq!(
        told.label,
        "This browser can't store more offline: 14 changes kept on this device"
    );
}

#[test]
fn a_line_without_web_sockets_is_named_while_it_is_one_and_changes_no_other_word() {
    let said = |statuses: &[DocStatus], way| {
        let facts = Facts {
            way,
            ..facts(statuses, 1, KEEPING)
        };
        chip(&facts)
    };
    let names_it = |chip: &Chip| {
        let mut details = chip.details.iter();
        details.any(|line| line.contains("without WebSockets"))
    };
    let saving = [DocStatus::Saving { waiting: 1 }];
    let by_exchanges = said(&saving, Way::Exchanges);
    assert!(names_it(&by_exchanges));
    assert_eq!(by_exchanges.label, said(&saving, Way::WebSocket).label);
    assert!(!names_it(&said(&saving, Way::WebSocket)));
    let away = [DocStatus::CannotReach {
        waiting: 1,
        since: SINCE,
        next_try: SINCE,
    }];
    assert!(!names_it(&said(&away, Way::Exchanges)), "nothing works now");
}
