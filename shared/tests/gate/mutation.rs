//! Damaged and forged updates: what the gate lets through does yrs no harm.
//!
//! `SHEAF_MUTATIONS=10000000 cargo test -p sheaf-shared --test gate mutation -- --nocapture` goes on as long as
//! it says; `SHEAF_SEED` starts it elsewhere.

use sheaf_shared::bytes::{Reader, put_var_uint};
use sheaf_shared::gate;
use sheaf_shared::testing::Chance;
use yrs::updates::decoder::Decode;
use yrs::{ClientID, Doc, GetString, OffsetKind, Options, ReadTxn, StateVector, Transact, Update};

use crate::scribbler::Scribblers;
use crate::support::from_environment;
use crate::wall::{apply, catch};

/// How many updates are damaged unless the environment says otherwise.
const MUTATIONS: u64 = 20_000;
/// Mutations of the updates of one document.
const MUTATIONS_A_DOCUMENT: u64 = 2_000;
/// Applied to one copy before the next is loaded: damage can add up.
const APPLIED_A_COPY: u32 = 40;

#[derive(Default)]
struct Count {
    tried: u64,
    refused: u64,
    /// Passed the gate, but their predecessors are missing: they wait outside of yrs.
    waiting: u64,
    undecodable: u64,
    applied: u64,
    /// yrs said no: a parent that is no type. The copy is loaded anew.
    turned_down: u64,
}

#[test]
fn what_the_gate_lets_through_does_the_document_no_harm() {
    let wanted = from_environment("SHEAF_MUTATIONS", MUTATIONS);
    let mut seed = from_environment("SHEAF_SEED", 1);
    let mut count = Count::default();
    while count.tried < wanted {
        damage_one_document(seed, &mut count);
        seed += 1;
    }
    let Count {
        tried,
        refused,
        waiting,
        undecodable,
        applied,
        turned_down,
    } = count;
    println!(
        "{tried} damaged updates: {refused} refused, {waiting} left waiting, {undecodable} undecodable, \
         {applied} applied, {turned_down} turned down by yrs"
    );
    assert!(applied > tried / 100, "the search reaches the document");
}

fn damage_one_document(seed: u64, count: &mut Count) {
    let mut scribblers = Scribblers::careful(seed);
    let mut pool: Vec<Vec<u8>> = Vec::new();
    let mut whole = Vec::new();
    for step in 0..150 {
        // A copy from the middle, so that both what it knows and what is news to it comes up.
        if step == 100 {
            whole = scribblers.whole();
        }
        scribblers.step(&mut |sent| {
            if sent.len() < 2_000 {
                pool.push(sent.to_vec());
            }
        });
    }
    let mut chance = Chance::new(seed ^ 0xDA_AA6E);
    let mut copy = load(&whole);
    let mut applied_here = 0;
    for _ in 0..MUTATIONS_A_DOCUMENT {
        count.tried += 1;
        let damaged = damage(&pool, &mut chance);
        let Ok(inspected) = gate::update::inspect(&damaged) else {
            count.refused += 1;
            continue;
        };
        let version = copy.transact().state_vector();
        if !inspected.is_ready_for(|id| version.get(&ClientID::new(id.0))) {
            count.waiting += 1;
            continue;
        }
        match try_out(&copy, &damaged) {
            Outcome::Undecodable => count.undecodable += 1,
            Outcome::Applied => {
                count.applied += 1;
                applied_here += 1;
            }
            Outcome::TurnedDown => {
                count.turned_down += 1;
                applied_here = APPLIED_A_COPY;
            }
            Outcome::Failed(at) => panic!("seed {seed}: yrs failed ({at}) on {damaged:02x?}"),
        }
        if applied_here >= APPLIED_A_COPY {
            applied_here = 0;
            std::mem::forget(std::mem::replace(&mut copy, load(&whole)));
        }
    }
}

/// A copy as Sheaf makes them. Offsets must count UTF-16 units: counting bytes, yrs fails on a deletion that parts the
/// two halves of a character.
fn empty_copy() -> Doc {
    Doc::with_options(Options {
        offset_kind: OffsetKind::Utf16,
        cleanup_formatting: false,
        ..Options::with_client_id(ClientID::new(0xC0DE))
    })
}

fn load(state: &[u8]) -> Doc {
    let doc = empty_copy();
    assert!(apply(&doc, state), "an honest state loads");
    doc
}

enum Outcome {
    Undecodable,
    Applied,
    TurnedDown,
    Failed(&'static str),
}

/// Applies the update, and then asks of the document what a server asks.
fn try_out(doc: &Doc, damaged: &[u8]) -> Outcome {
    let Some(decoded) = catch(|| Update::decode_v1(damaged)) else {
        return Outcome::Failed("panic while decoding");
    };
    let Ok(decoded) = decoded else {
        return Outcome::Undecodable;
    };
    let mut txn = std::mem::ManuallyDrop::new(doc.transact_mut());
    match catch(|| txn.apply_update(decoded).map(|()| txn.commit())) {
        None => return Outcome::Failed("panic while applying"),
        Some(Err(_)) => return Outcome::TurnedDown,
        Some(Ok(())) => drop(std::mem::ManuallyDrop::into_inner(txn)),
    }
    let Some((state, version)) = catch(|| {
        let txn = doc.transact();
        let diff = txn.encode_diff_v1(&StateVector::default());
        let state = txn.encode_state_as_update_v1(&StateVector::default());
        assert_eq!(diff, state, "nothing was put aside");
        for (_, root) in txn.root_refs() {
            let _ = root.to_string(&txn);
        }
        let _ = txn.get_text("content").map(|text| text.get_string(&txn));
        (state, txn.state_vector())
    }) else {
        return Outcome::Failed("panic while encoding");
    };
    if let Err(refusal) = gate::update::check_stored(&state) {
        return Outcome::Failed(refusal.reason);
    }
    let again = empty_copy();
    if !apply(&again, &state) {
        std::mem::forget(again);
        return Outcome::Failed("loading the state that came of it");
    }
    if again.transact().state_vector() != version {
        return Outcome::Failed("loading a different state");
    }
    Outcome::Applied
}

/// Takes an honest update and does something to it, once or a few times.
fn damage(pool: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = chance.one_of(pool).clone();
    for _ in 0..1 + chance.below(3) {
        let at = chance.index_below(bytes.len() + 1);
        match chance.below(9) {
            0 => change_number(&mut bytes, at, chance),
            1 | 2 => change_byte(&mut bytes, at, chance),
            3 => bytes.truncate(at),
            4 => bytes.insert(at, chance.bits() as u8),
            5 => {
                let until = (at + 1 + chance.index_below(8)).min(bytes.len());
                bytes.drain(at..until);
            }
            6 => {
                let until = (at + 1 + chance.index_below(24)).min(bytes.len());
                let again: Vec<u8> = bytes[at..until].to_vec();
                bytes.splice(at..at, again);
            }
            7 => {
                let other = chance.one_of(pool);
                let from = chance.index_below(other.len());
                let until = (from + 1 + chance.index_below(40)).min(other.len());
                bytes.splice(at..at, other[from..until].iter().copied());
            }
            _ => {
                let other: &Vec<u8> = chance.one_of(pool);
                bytes = put_together(&bytes, other, chance);
            }
        }
    }
    bytes
}

fn change_byte(bytes: &mut [u8], at: usize, chance: &mut Chance) {
    let Some(byte) = bytes.get_mut(at) else {
        return;
    };
    *byte = match chance.below(3) {
        0 => *byte ^ (1 << chance.below(8)),
        // Small numbers and the first bytes of blocks.
        1 => *chance.one_of(&[
            0, 1, 2, 4, 5, 6, 7, 8, 10, 0x24, 0x44, 0x81, 0x84, 0x87, 0xc4,
        ]),
        _ => byte.wrapping_add(chance.below(5) as u8).wrapping_sub(2),
    };
}

/// Puts another number where one stands: a little more or less, or an end of its range.
fn change_number(bytes: &mut Vec<u8>, at: usize, chance: &mut Chance) {
    let mut reader = Reader::new(&bytes[at..]);
    let Ok(number) = reader.var_uint() else {
        return;
    };
    let length = reader.at();
    let ends = [
        0,
        1,
        127,
        128,
        (1 << 26) - 1,
        1 << 26,
        (1 << 31) - 1,
        1 << 31,
        u64::from(u32::MAX),
    ];
    let number = match chance.below(3) {
        0 => *chance.one_of(&ends),
        1 => number.saturating_add(chance.below(4)),
        _ => number.saturating_sub(chance.below(4)),
    };
    let mut other = Vec::new();
    put_var_uint(&mut other, number);
    bytes.splice(at..at + length, other);
}

/// One update that lists the writers of two: lawful if they are others, a writer listed twice if not.
fn put_together(one: &[u8], other: &[u8], chance: &mut Chance) -> Vec<u8> {
    let (Some((&writers, one_rest)), Some((&more, other_rest))) =
        (one.split_first(), other.split_first())
    else {
        return one.to_vec();
    };
    // The second without what it deletes, when that is nothing.
    let [other_blocks @ .., 0] = other_rest else {
        return one.to_vec();
    };
    let total = writers.wrapping_add(more) & 0x7f;
    match chance.coin() {
        true => [&[total], other_blocks, one_rest].concat(),
        false => [&[total], one_rest, other_blocks].concat(),
    }
}
