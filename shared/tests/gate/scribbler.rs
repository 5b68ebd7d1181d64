//! Honest writers: seeded random edits of every kind that yrs can make, on several copies of one document.

use std::collections::HashMap;
use std::sync::Arc;

use sheaf_shared::gate;
use sheaf_shared::testing::Chance;
use yrs::types::Attrs;
use yrs::{
    Any, Array, ArrayPrelim, ArrayRef, ClientID, Doc, In, Map, MapPrelim, MapRef, OffsetKind,
    Options, ReadTxn, StateVector, Text, TextPrelim, TextRef, Transact, TransactionMut, WriteTxn,
    Xml, XmlElementPrelim, XmlElementRef, XmlFragment, XmlFragmentRef, XmlOut, XmlTextPrelim,
};

use crate::wall::apply;

/// Copies of one document, and the updates that were made and not yet delivered everywhere.
pub(crate) struct Scribblers {
    chance: Chance,
    ids_given: u64,
    yrs_failures: u64,
    recklessness: f64,
    copies: Vec<Copy>,
}

struct Copy {
    doc: Doc,
    /// Updates of others that have not arrived here.
    inbox: Vec<Arc<[u8]>>,
    /// It was given something before its predecessors.
    reckless: bool,
}

impl Copy {
    /// Takes what fits on what is here. The rest waits: mostly outside of yrs, sometimes inside, so that states
    /// with blocks put aside are sent as well. yrs can fail on those; then it says no.
    fn take(
        &mut self,
        update: Arc<[u8]>,
        chance: &mut Chance,
        recklessness: f64,
    ) -> Result<(), YrsFailed> {
        let Ok(inspected) = gate::update::inspect(&update) else {
            return Ok(());
        };
        let version = self.doc.transact().state_vector();
        let is_ready = inspected.is_ready_for(|id| version.get(&ClientID::new(id.0)));
        if is_ready {
            return apply(&self.doc, &update).then_some(()).ok_or(YrsFailed {
                was_ready: !self.reckless,
            });
        }
        // Where a panic ends the program, yrs gets nothing that it may panic on.
        if chance.chance(recklessness) && cfg!(panic = "unwind") {
            self.reckless = true;
            return apply(&self.doc, &update)
                .then_some(())
                .ok_or(YrsFailed { was_ready: false });
        }
        self.inbox.push(update);
        Ok(())
    }
}

struct YrsFailed {
    was_ready: bool,
}

impl Scribblers {
    pub(crate) fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let count = 2 + chance.index_below(3);
        let mut scribblers = Self {
            chance,
            ids_given: 0,
            yrs_failures: 0,
            recklessness: 0.1,
            copies: Vec::new(),
        };
        for _ in 0..count {
            let doc = scribblers.new_doc();
            scribblers.copies.push(Copy {
                doc,
                inbox: Vec::new(),
                reckless: false,
            });
        }
        scribblers
    }

    /// Writers none of whose copies is given anything before its predecessors.
    pub(crate) fn careful(seed: u64) -> Self {
        Self {
            recklessness: 0.0,
            ..Self::new(seed)
        }
    }

    /// Does one thing and hands every update that a peer could be sent to `sent`.
    pub(crate) fn step(&mut self, sent: &mut impl FnMut(&[u8])) {
        let at = self.chance.index_below(self.copies.len());
        match self.chance.weighted(&[60, 25, 3, 4, 3, 1]) {
            0 => self.edit(at, sent),
            1 => self.receive(at),
            2 => self.catch_up(at, sent),
            3 => self.merge_inbox(at, sent),
            4 => self.encode_whole(at, sent),
            _ => self.restart(at, sent),
        }
    }

    /// What each copy holds.
    pub(crate) fn versions(&self) -> impl Iterator<Item = StateVector> {
        self.copies
            .iter()
            .map(|copy| copy.doc.transact().state_vector())
    }

    /// All that the first copy holds.
    pub(crate) fn whole(&self) -> Vec<u8> {
        self.copies[0]
            .doc
            .transact()
            .encode_diff_v1(&StateVector::default())
    }

    /// What the first copy knows.
    pub(crate) fn whole_version(&self) -> StateVector {
        self.copies[0].doc.transact().state_vector()
    }

    /// All that the first copy holds and one at `version` lacks.
    pub(crate) fn missing_for(&self, version: &StateVector) -> Vec<u8> {
        self.copies[0].doc.transact().encode_diff_v1(version)
    }

    /// How often yrs failed on what was put aside in it.
    pub(crate) const fn yrs_failures(&self) -> u64 {
        self.yrs_failures
    }

    fn edit(&mut self, at: usize, sent: &mut impl FnMut(&[u8])) {
        let edits = 1 + self.chance.index_below(3);
        let doc = &self.copies[at].doc;
        let mut txn = doc.transact_mut();
        for _ in 0..edits {
            edit(&mut txn, &mut self.chance);
        }
        txn.commit();
        let update: Arc<[u8]> = txn.encode_update_v1().into();
        drop(txn);
        sent(&update);
        for (other, copy) in self.copies.iter_mut().enumerate() {
            let is_lost = self.chance.chance(0.02);
            if other != at && !is_lost {
                copy.inbox.push(Arc::clone(&update));
            }
        }
    }

    /// Takes some waiting updates, in any order, now and then twice.
    fn receive(&mut self, at: usize) {
        for _ in 0..6 {
            let inbox = &mut self.copies[at].inbox;
            if inbox.is_empty() {
                return;
            }
            let update = inbox.swap_remove(self.chance.index_below(inbox.len()));
            if self.chance.chance(0.1) {
                self.give(at, Arc::clone(&update));
            }
            self.give(at, update);
        }
    }

    fn give(&mut self, at: usize, update: Arc<[u8]>) {
        if let Err(YrsFailed { was_ready }) =
            self.copies[at].take(update, &mut self.chance, self.recklessness)
        {
            assert!(!was_ready, "yrs takes what is ready");
            self.yrs_failures += 1;
            let doc = self.new_doc();
            let lost = std::mem::replace(&mut self.copies[at].doc, doc);
            std::mem::forget(lost);
            self.copies[at].reckless = false;
        }
    }

    /// Gets what is missing from another copy, as a protocol's second step does.
    fn catch_up(&mut self, at: usize, sent: &mut impl FnMut(&[u8])) {
        let from = self.chance.index_below(self.copies.len());
        let version = self.copies[at].doc.transact().state_vector();
        let txn = self.copies[from].doc.transact();
        let update = match self.chance.coin() {
            true => txn.encode_diff_v1(&version),
            false => txn.encode_state_as_update_v1(&version),
        };
        drop(txn);
        sent(&update);
        self.give(at, update.into());
    }

    /// Several waiting updates become one, with gaps where others are still on their way.
    fn merge_inbox(&mut self, at: usize, sent: &mut impl FnMut(&[u8])) {
        let copy = &mut self.copies[at];
        self.chance.shuffle(&mut copy.inbox);
        let some = copy.inbox.len().min(2 + self.chance.index_below(6));
        let taken: Vec<_> = copy.inbox.drain(..some).collect();
        let Ok(merged) = yrs::merge_updates_v1(&taken) else {
            panic!("honest updates merge")
        };
        sent(&merged);
        let version = StateVector::default();
        let txn = copy.doc.transact();
        let version = if self.chance.coin() {
            txn.state_vector()
        } else {
            version
        };
        drop(txn);
        let version = yrs::updates::encoder::Encode::encode_v1(&version);
        let Ok(diff) = yrs::diff_updates_v1(&merged, &version) else {
            panic!("and can be cut")
        };
        sent(&diff);
        self.give(at, merged.into());
    }

    /// What a snapshot or a fresh client's first answer holds, pending blocks included.
    fn encode_whole(&self, at: usize, sent: &mut impl FnMut(&[u8])) {
        let txn = self.copies[at].doc.transact();
        sent(&txn.encode_state_as_update_v1(&StateVector::default()));
    }

    /// The copy is loaded anew, under a new client id, from what it held.
    fn restart(&mut self, at: usize, sent: &mut impl FnMut(&[u8])) {
        let txn = self.copies[at].doc.transact();
        let state = txn.encode_state_as_update_v1(&StateVector::default());
        drop(txn);
        sent(&state);
        self.copies[at].doc = self.new_doc();
        self.copies[at].reckless = false;
        self.give(at, state.into());
    }

    /// An empty copy under an id nobody had.
    fn new_doc(&mut self) -> Doc {
        self.ids_given += 1;
        // As Yjs and Sheaf draw ids; as yrs does; and small ones, as tests and old documents hold.
        let high = match self.chance.below(4) {
            0 => self.chance.below(1 << 45),
            1 => 0,
            _ => self.chance.below(1 << 24),
        };
        let id = (high << 8) + self.ids_given % 256;
        Doc::with_options(Options {
            offset_kind: OffsetKind::Utf16,
            skip_gc: self.chance.chance(0.2),
            ..Options::with_client_id(ClientID::new(id))
        })
    }
}

fn edit(txn: &mut TransactionMut<'_>, chance: &mut Chance) {
    match chance.weighted(&[45, 12, 15, 15, 13]) {
        0 => {
            let text = txn.get_or_insert_text("content");
            edit_text(txn, &text, chance);
        }
        1 => {
            let text = txn.get_or_insert_text(chance.one_of(&["title", "né", ""]).to_owned());
            edit_text(txn, &text, chance);
        }
        2 => {
            let map = txn.get_or_insert_map("meta");
            edit_map(txn, &map, chance, 0);
        }
        3 => {
            let array = txn.get_or_insert_array("rows");
            edit_array(txn, &array, chance, 0);
        }
        _ => {
            let xml = txn.get_or_insert_xml_fragment("xml");
            edit_fragment(txn, &xml, chance);
        }
    }
}

fn edit_text<T: Text>(txn: &mut TransactionMut<'_>, text: &T, chance: &mut Chance) {
    let len = text.len(txn);
    let at = chance.below(u64::from(len) + 1) as u32;
    let run = 1 + chance.below(20) as u32;
    let run = run.min(len.saturating_sub(at));
    match chance.weighted(&[40, 15, 20, 12, 8, 2]) {
        0 => text.insert(txn, at, &chance.lines(12)),
        1 => text.insert_with_attributes(txn, at, &chance.lines(12), attrs(chance)),
        2 if run > 0 => text.remove_range(txn, at, run),
        3 if run > 0 => text.format(txn, at, run, attrs(chance)),
        4 => {
            text.insert_embed_with_attributes(txn, at, any(chance, 0), attrs(chance));
        }
        5 => {
            let pasted = chance.lines(2_000);
            text.insert(txn, at, &pasted);
        }
        _ => text.push(txn, "."),
    }
}

fn attrs(chance: &mut Chance) -> Attrs {
    let names = ["bold", "italic", "link", "header", "list", "indent"];
    (0..1 + chance.below(2))
        .map(|_| ((*chance.one_of(&names)).into(), any(chance, 2)))
        .collect()
}

/// A value as applications store them.
fn any(chance: &mut Chance, depth: usize) -> Any {
    let kinds = if depth < 4 { 10 } else { 8 };
    match chance.below(kinds) {
        0 => Any::Null,
        1 => Any::Bool(chance.coin()),
        2 => Any::from(chance.below(300) as f64 - 150.0),
        3 => Any::from(chance.bits() as i64 >> chance.below(64)),
        4 => Any::from(chance.below(1 << 40) as f64 / 7.0),
        5 | 6 => {
            let chars = chance.index_below(20);
            Any::from(format!("{}\"\\[{{", chance.text(chars)))
        }
        7 => Any::Undefined,
        8 => (0..chance.below(4))
            .map(|_| any(chance, depth + 1))
            .collect::<Vec<_>>()
            .into(),
        _ => {
            let pairs = (0..chance.below(4)).map(|_| (chance.text(3), any(chance, depth + 1)));
            Any::from(pairs.collect::<HashMap<_, _>>())
        }
    }
}

/// Something to put into a map or an array.
fn input(chance: &mut Chance) -> In {
    match chance.below(8) {
        0 => TextPrelim::new(chance.lines(10)).into(),
        1 => MapPrelim::from([("a", any(chance, 1)), ("b", any(chance, 1))]).into(),
        2 => ArrayPrelim::from(vec![any(chance, 1), any(chance, 1)]).into(),
        3 => XmlElementPrelim::empty(chance.text(3)).into(),
        4 => {
            let length = chance.index_below(30);
            Any::from(chance.bytes(length)).into()
        }
        _ => any(chance, 0).into(),
    }
}

fn edit_map(txn: &mut TransactionMut<'_>, map: &MapRef, chance: &mut Chance, depth: usize) {
    let key = *chance.one_of(&["a", "b", "ключ", "", "rows"]);
    let inner = map.get(txn, key);
    match (chance.below(5), inner) {
        (0..=1, Some(inner)) if depth < 40 => edit_inner(txn, inner, chance, depth),
        (2, Some(_)) => {
            map.remove(txn, key);
        }
        _ => {
            map.insert(txn, key, input(chance));
        }
    }
}

fn edit_array(txn: &mut TransactionMut<'_>, array: &ArrayRef, chance: &mut Chance, depth: usize) {
    let len = array.len(txn);
    let at = chance.below(u64::from(len) + 1) as u32;
    match (chance.below(6), array.get(txn, at)) {
        (0..=1, Some(inner)) if depth < 40 => edit_inner(txn, inner, chance, depth),
        (2, Some(_)) => {
            let run = 1 + chance.below(3) as u32;
            array.remove_range(txn, at, run.min(len - at));
        }
        (3, _) => {
            let values: Vec<Any> = (0..1 + chance.below(5)).map(|_| any(chance, 0)).collect();
            array.insert_range(txn, at, values);
        }
        _ => {
            array.insert(txn, at, input(chance));
        }
    }
}

fn edit_inner(txn: &mut TransactionMut<'_>, inner: yrs::Out, chance: &mut Chance, depth: usize) {
    match inner {
        yrs::Out::YMap(map) => edit_map(txn, &map, chance, depth + 1),
        yrs::Out::YArray(array) => edit_array(txn, &array, chance, depth + 1),
        yrs::Out::YText(text) => edit_text::<TextRef>(txn, &text, chance),
        yrs::Out::YXmlElement(element) => edit_element(txn, &element, chance, depth + 1),
        _ => {}
    }
}

fn edit_fragment(txn: &mut TransactionMut<'_>, xml: &XmlFragmentRef, chance: &mut Chance) {
    edit_children(txn, xml, chance, 0);
}

fn edit_element(
    txn: &mut TransactionMut<'_>,
    element: &XmlElementRef,
    chance: &mut Chance,
    depth: usize,
) {
    match chance.below(4) {
        0 => {
            element.insert_attribute(txn, *chance.one_of(&["class", "level"]), chance.text(4));
        }
        _ => edit_children(txn, element, chance, depth),
    }
}

fn edit_children<X: XmlFragment>(
    txn: &mut TransactionMut<'_>,
    xml: &X,
    chance: &mut Chance,
    depth: usize,
) {
    let len = xml.len(txn);
    let at = chance.below(u64::from(len) + 1) as u32;
    match (chance.below(7), xml.get(txn, at)) {
        (0..=3, Some(XmlOut::Element(element))) if depth < 60 => {
            edit_element(txn, &element, chance, depth + 1);
        }
        (0..=3, Some(XmlOut::Text(text))) => edit_text(txn, &text, chance),
        (4, Some(_)) => xml.remove_range(txn, at, 1),
        (5, _) => {
            xml.insert(txn, at, XmlTextPrelim::new(chance.lines(8)));
        }
        _ => {
            xml.insert(
                txn,
                at,
                XmlElementPrelim::empty(*chance.one_of(&["p", "ul", "表"])),
            );
        }
    }
}
