//! A document's state in one fixed order, whatever way it came about.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use yrs::types::text::YChange;
use yrs::{Any, Array, Map, Number, Out, ReadTxn, StateVector, Text, Xml, XmlFragment, XmlOut};

/// A state vector as bytes, highest client first.
pub(super) fn encode_version(version: &StateVector) -> Vec<u8> {
    let mut clocks = BTreeMap::new();
    for (client, clock) in version.iter() {
        clocks.insert(client.get(), *clock);
    }
    let mut bytes = Vec::with_capacity(1 + clocks.len() * 8);
    push_varint(&mut bytes, clocks.len() as u64);
    for (client, clock) in clocks.into_iter().rev() {
        push_varint(&mut bytes, client);
        push_varint(&mut bytes, u64::from(clock));
    }
    bytes
}

fn push_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// See [`super::Replica::canonical`].
pub(super) fn describe<T: ReadTxn>(txn: &T) -> String {
    let snapshot = txn.snapshot();
    let mut out = String::new();
    let clocks: BTreeMap<u64, u32> = snapshot
        .state_map
        .iter()
        .map(|(client, clock)| (client.get(), *clock))
        .collect();
    let _ = writeln!(out, "version {clocks:?}");
    for (client, ranges) in snapshot.delete_set.iter() {
        let ranges: Vec<_> = ranges.iter().collect();
        let _ = writeln!(out, "deleted {} {ranges:?}", client.get());
    }
    let mut roots: Vec<&str> = txn.root_refs().map(|(name, _)| name).collect();
    roots.sort_unstable();
    for name in roots {
        // A root has no type until somebody names it, so both of its sides are read.
        let mut root = String::new();
        if let Some(text) = txn.get_text(name) {
            text_of(txn, &text, &mut root);
        }
        if let Some(map) = txn.get_map(name) {
            map_of(txn, &map, &mut root);
        }
        if root != "[]{}" {
            let _ = writeln!(out, "root {name:?} {root}");
        }
    }
    if txn.has_missing_updates() {
        out.push_str("waiting\n");
    }
    out
}

fn text_of<T: ReadTxn, X: Text>(txn: &T, text: &X, out: &mut String) {
    out.push('[');
    // Neighbours with equal attributes are one piece, however many items hold them.
    let mut open: Option<(BTreeMap<String, String>, String)> = None;
    for piece in text.diff(txn, YChange::identity) {
        let attrs: BTreeMap<String, String> = piece
            .attributes
            .iter()
            .flat_map(|attrs| attrs.iter())
            .map(|(key, value)| (key.to_string(), any_text(value)))
            .collect();
        if let Out::Any(Any::String(characters)) = &piece.insert {
            match &mut open {
                Some((same, written)) if *same == attrs => written.push_str(characters),
                _ => {
                    flush(open.take(), out);
                    open = Some((attrs, characters.to_string()));
                }
            }
        } else {
            flush(open.take(), out);
            value_of(txn, &piece.insert, out);
            let _ = write!(out, "{attrs:?}");
        }
    }
    flush(open, out);
    out.push(']');
}

fn flush(piece: Option<(BTreeMap<String, String>, String)>, out: &mut String) {
    if let Some((attrs, characters)) = piece {
        let _ = write!(out, "{characters:?}{attrs:?}");
    }
}

fn map_of<T: ReadTxn, M: Map>(txn: &T, map: &M, out: &mut String) {
    let entries: BTreeMap<&str, Out> = map.iter(txn).collect();
    out.push('{');
    for (key, value) in entries {
        let _ = write!(out, "{key:?}:");
        value_of(txn, &value, out);
        out.push(',');
    }
    out.push('}');
}

// Goes as deep as the document does, which the gate bounds by `TREE_DEPTH_MAX`.
fn value_of<T: ReadTxn>(txn: &T, value: &Out, out: &mut String) {
    match value {
        Out::Any(any) => out.push_str(&any_text(any)),
        Out::YText(text) => text_of(txn, text, out),
        Out::YXmlText(text) => text_of(txn, text, out),
        Out::YMap(map) => map_of(txn, map, out),
        Out::YArray(array) => {
            out.push('(');
            for item in array.iter(txn) {
                value_of(txn, &item, out);
                out.push(',');
            }
            out.push(')');
        }
        Out::YXmlElement(element) => {
            let _ = write!(out, "<{}", element.tag());
            let attributes: BTreeMap<String, Out> = element
                .attributes(txn)
                .map(|(key, value)| (key.to_string(), value))
                .collect();
            for (key, value) in attributes {
                let _ = write!(out, " {key:?}=");
                value_of(txn, &value, out);
            }
            out.push('>');
            children_of(txn, element, out);
        }
        Out::YXmlFragment(fragment) => children_of(txn, fragment, out),
        Out::YDoc(_) => out.push_str("sub-document"),
        Out::UndefinedRef(_) => out.push_str("undefined"),
    }
}

fn children_of<T: ReadTxn, F: XmlFragment>(txn: &T, parent: &F, out: &mut String) {
    out.push('(');
    for child in parent.children(txn) {
        let child = match child {
            XmlOut::Element(element) => Out::YXmlElement(element),
            XmlOut::Fragment(fragment) => Out::YXmlFragment(fragment),
            XmlOut::Text(text) => Out::YXmlText(text),
        };
        value_of(txn, &child, out);
        out.push(',');
    }
    out.push(')');
}

fn any_text(value: &Any) -> String {
    match value {
        Any::Null => "null".to_owned(),
        Any::Undefined => "undefined".to_owned(),
        Any::Bool(value) => value.to_string(),
        Any::Number(Number::Int(value)) => value.to_string(),
        Any::Number(Number::Float(value)) => value.to_string(),
        Any::String(value) => format!("{value:?}"),
        Any::Buffer(value) => format!("bytes{value:?}"),
        Any::Array(items) => {
            let items: Vec<String> = items.iter().map(any_text).collect();
            format!("[{}]", items.join(","))
        }
        Any::Map(entries) => {
            let entries: BTreeMap<&String, String> = entries
                .iter()
                .map(|(key, value)| (key, any_text(value)))
                .collect();
            format!("{entries:?}")
        }
    }
}
