//! Any change to any page does what a list of units with attributes would do.

use sheaf_shared::flow::anchor::Anchor;
use sheaf_shared::flow::delta::{self, Attrs, Content, DeltaOp};
use sheaf_shared::flow::{self, apply_delta};
use sheaf_shared::ids::ReplicaId;
use sheaf_shared::replica::{Origin, Replica};
use sheaf_shared::testing::Chance;
use std::sync::{Arc, Mutex};
use yrs::types::Delta;
use yrs::{Any, Observable as _, Out, Transact as _, WriteTxn as _};

/// One unit: a letter, a newline, or an embed, with its attributes.
type Unit = (Content, Attrs);

fn model(units: &mut Vec<Unit>, change: &[DeltaOp]) {
    let mut at = 0;
    for op in change {
        match op {
            DeltaOp::Insert(content, attrs) => {
                let mut attrs = attrs.clone();
                attrs.retain(|_, value| *value != Any::Null);
                for unit in split(content) {
                    units.insert(at, (unit, attrs.clone()));
                    at += 1;
                }
            }
            DeltaOp::Retain(len, attrs) => {
                let to = (at + *len as usize).min(units.len());
                for (_, stored) in &mut units[at..to] {
                    stored.extend(attrs.clone());
                    stored.retain(|_, value| *value != Any::Null);
                }
                at = to;
            }
            DeltaOp::Delete(len) => {
                units.drain(at..(at + *len as usize).min(units.len()));
            }
        }
    }
}

fn split(content: &Content) -> Vec<Content> {
    match content {
        Content::Text(text) => text.chars().map(|c| Content::Text(c.to_string())).collect(),
        Content::Embed(_) => vec![content.clone()],
    }
}

fn as_delta(units: &[Unit]) -> Vec<DeltaOp> {
    let mut joined = Vec::new();
    for (content, attrs) in units {
        delta::push(&mut joined, DeltaOp::Insert(content.clone(), attrs.clone()));
    }
    joined
}

fn random_attrs(chance: &mut Chance) -> Attrs {
    let mut attrs = Attrs::new();
    for key in ["bold", "italic", "header"] {
        match chance.below(5) {
            0 => attrs.insert(key.to_owned(), Any::Bool(true)),
            1 => attrs.insert(key.to_owned(), 2.into()),
            2 => attrs.insert(key.to_owned(), Any::Null),
            _ => None,
        };
    }
    attrs
}

fn random_change(chance: &mut Chance) -> Vec<DeltaOp> {
    (0..1 + chance.below(6))
        .map(|_| match chance.below(6) {
            0 => {
                let letters: String = (0..chance.below(4))
                    .map(|_| *chance.one_of(&['a', 'b', 'é', '\n']))
                    .collect();
                DeltaOp::text_with(letters, random_attrs(chance))
            }
            1 => {
                let embed = Content::Embed(delta::embed("image", "/a"));
                DeltaOp::Insert(embed, random_attrs(chance))
            }
            2 => DeltaOp::Retain(chance.below(6) as u32, random_attrs(chance)),
            3 => DeltaOp::skip(chance.below(8) as u32),
            _ => DeltaOp::Delete(chance.below(4) as u32),
        })
        .collect()
}

#[test]
fn a_change_does_to_a_page_what_it_says_and_nothing_else() {
    for seed in 0..150 {
        let mut chance = Chance::new(seed);
        let mut replica = Replica::new(ReplicaId(1));
        let mut other = Replica::new(ReplicaId(2));
        let mut units = Vec::new();
        for turn in 0..25 {
            let change = random_change(&mut chance);
            let before = as_delta(&units);
            model(&mut units, &change);
            let (writer, reader) = match chance.coin() {
                true => (&mut replica, &mut other),
                false => (&mut other, &mut replica),
            };
            if let Some(update) = apply_delta(writer, Origin::Local, &change).unwrap() {
                reader.apply(&update, Origin::Remote).unwrap();
            }
            let expected = as_delta(&units);
            let case = format!("seed {seed}, turn {turn}: {change:?} on {before:?}");
            assert_eq!(flow::to_delta(writer), expected, "{case}");
            assert_eq!(flow::to_delta(reader), expected, "{case}");
            assert_eq!(flow::length(writer) as usize, units.len());
        }
    }
}

#[test]
fn an_anchor_made_up_by_anyone_harms_nothing() {
    let mut chance = Chance::new(3);
    let mut replica = Replica::new(ReplicaId(1));
    for _ in 0..60 {
        apply_delta(&mut replica, Origin::Local, &random_change(&mut chance)).unwrap();
    }
    // Something that waits for what never came.
    let mut far = Replica::new(ReplicaId(7));
    let mut updates = (0..3)
        .filter_map(|_| apply_delta(&mut far, Origin::Local, &[DeltaOp::text("x\n")]).unwrap());
    let (_, second) = (updates.next(), updates.next().unwrap());
    assert!(replica.apply(&second, Origin::Remote).unwrap().has_missing);
    for _ in 0..5000 {
        let client = *chance.one_of(&[0, 1, 7, 8, u64::from(u32::MAX), (1 << 53) - 1]);
        let clock = if chance.coin() {
            chance.below(300)
        } else {
            chance.bits() >> 32
        };
        let id = serde_json::json!({ "client": client, "clock": clock });
        let assoc = *chance.one_of(&[0, -1]);
        let key = *chance.one_of(&["item", "type"]);
        let json = serde_json::json!({ key: id, "assoc": assoc }).to_string();
        let anchor = Anchor::from_json(&sheaf_shared::json::read(&json).unwrap()).unwrap();
        if let Some(offset) = anchor.resolve(&replica) {
            assert!(offset <= flow::length(&replica));
        }
    }
}

/// The editor follows a page by what yrs tells of each change, so that must be true to the letter.
#[test]
fn what_yrs_tells_of_a_change_leads_from_the_old_page_to_the_new_one() {
    for seed in 0..150 {
        let mut chance = Chance::new(seed);
        let mut here = Replica::new(ReplicaId(1));
        let mut there = Replica::new(ReplicaId(2));
        let told = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&told);
        let text = here.doc().transact_mut().get_or_insert_text(flow::CONTENT);
        text.observe("test", move |txn, event| {
            sink.lock()
                .unwrap()
                .push(event.delta(txn).iter().map(as_op).collect::<Vec<_>>());
        });
        let mut units = Vec::new();
        for turn in 0..20 {
            let change = random_change(&mut chance);
            if chance.coin() {
                apply_delta(&mut here, Origin::Local, &change).unwrap();
            } else {
                apply_delta(&mut there, Origin::Local, &change).unwrap();
            }
            // Now and then the two have written without each other.
            if chance.coin() {
                let for_here = there.missing_for(&here.version()).unwrap();
                let for_there = here.missing_for(&there.version()).unwrap();
                here.apply(&for_here, Origin::Remote).unwrap();
                there.apply(&for_there, Origin::Remote).unwrap();
            }
            for change in std::mem::take(&mut *told.lock().unwrap()) {
                model(&mut units, &change);
            }
            assert_eq!(
                as_delta(&units),
                flow::to_delta(&here),
                "seed {seed}, turn {turn}"
            );
        }
    }
}

fn as_op(told: &Delta<Out>) -> DeltaOp {
    let attrs = |attrs: &Option<Box<yrs::types::Attrs>>| -> Attrs {
        let pairs = attrs.iter().flat_map(|attrs| attrs.iter());
        pairs
            .map(|(key, value)| (key.to_string(), value.clone()))
            .collect()
    };
    match told {
        Delta::Inserted(Out::Any(Any::String(text)), with) => {
            DeltaOp::text_with(text.to_string(), attrs(with))
        }
        Delta::Inserted(Out::Any(value), with) => {
            DeltaOp::Insert(Content::Embed(value.clone()), attrs(with))
        }
        Delta::Inserted(other, _) => panic!("nothing else is ever written: {other}"),
        Delta::Retain(len, with) => DeltaOp::Retain(*len, attrs(with)),
        Delta::Deleted(len) => DeltaOp::Delete(*len),
    }
}
