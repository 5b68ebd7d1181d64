//! Changes one after another and across each other, and steps as text: the laws the binding stands on.

#[cfg(target_arch = "wasm32")]
#[macro_use]
extern crate sheaf_test_in_wasm;

use sheaf_binding::change::{Change, Precedence};
use sheaf_binding::codec;
use sheaf_shared::flow::delta::{Attrs, Content, DeltaOp, attrs, embed};
use yrs::Any;

/// A small generator: the same changes in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % u64::from(limit)) as u32
    }

    fn attrs(&mut self) -> Attrs {
        let mut attrs = Attrs::new();
        if self.below(2) == 0 {
            let value = if self.below(3) == 0 {
                Any::Null
            } else {
                Any::from(self.below(3) as i64)
            };
            attrs.insert(["bold", "link"][self.below(2) as usize].to_owned(), value);
        }
        attrs
    }

    /// A change to a flow of `len` units.
    fn change(&mut self, len: u32, letter: &str) -> Change {
        let mut ops = Vec::new();
        let mut left = len;
        while left > 0 {
            let some = 1 + self.below(left.min(4));
            match self.below(4) {
                0 => ops.push(DeltaOp::Insert(
                    Content::Text(letter.repeat(1 + self.below(3) as usize)),
                    Attrs::new(),
                )),
                1 => {
                    ops.push(DeltaOp::Delete(some));
                    left -= some;
                }
                _ => {
                    ops.push(DeltaOp::Retain(some, self.attrs()));
                    left -= some;
                }
            }
        }
        Change::from_ops(ops)
    }
}

/// What `change` makes of `flow`, done the plain way: one unit with its attributes at a time.
fn applied(flow: &[(u16, Attrs)], change: &Change) -> Vec<(u16, Attrs)> {
    let (mut out, mut rest) = (Vec::new(), flow.iter());
    for op in change.ops() {
        match op {
            DeltaOp::Insert(Content::Text(text), attrs) => {
                out.extend(text.encode_utf16().map(|unit| (unit, attrs.clone())))
            }
            DeltaOp::Insert(Content::Embed(_), attrs) => out.push((0, attrs.clone())),
            DeltaOp::Delete(len) => rest.by_ref().take(*len as usize).for_each(drop),
            DeltaOp::Retain(len, set) => {
                for (unit, attrs) in rest.by_ref().take(*len as usize) {
                    let mut attrs = attrs.clone();
                    for (key, value) in set {
                        if *value == Any::Null {
                            attrs.remove(key);
                        } else {
                            attrs.insert(key.clone(), value.clone());
                        }
                    }
                    out.push((*unit, attrs));
                }
            }
        }
    }
    out.extend(rest.cloned());
    out
}

fn flow(text: &str) -> Vec<(u16, Attrs)> {
    text.encode_utf16()
        .map(|unit| (unit, Attrs::new()))
        .collect()
}

#[test]
fn a_flow_crosses_to_another_module_and_back_unchanged() {
    let attrs = attrs([("bold", Any::Bool(true)), ("start", Any::from(3_i64))]);
    let flow = vec![
        DeltaOp::text("two lines\nand \u{1f600}"),
        DeltaOp::text_with("\n", attrs.clone()),
        DeltaOp::Insert(Content::Embed(embed("image", "/a.png")), attrs),
        DeltaOp::embed("formula", 1.5),
    ];
    assert_eq!(codec::read_flow(&codec::write_flow(&flow)), Ok(flow));
    for json in ["", "{}", "[1]", "[[]]", r#"[["a"]]"#, r#"[{"attrs":{}}]"#] {
        assert!(codec::read_flow(json).is_err(), "{json}");
    }
}

#[test]
fn a_change_and_the_next_as_one_do_what_both_do() {
    let mut dice = Dice(7);
    for _ in 0..3_000 {
        let start = flow("the river rose");
        let first = dice.change(start.len() as u32, "a");
        let between = applied(&start, &first);
        let second = dice.change(between.len() as u32, "b");
        assert_eq!(
            applied(&between, &second),
            applied(&start, &first.then(&second)),
            "{first:?}\n{second:?}"
        );
    }
}

#[test]
fn two_changes_made_at_once_lead_to_the_same_flow_in_either_order() {
    let mut dice = Dice(11);
    for _ in 0..3_000 {
        let start = flow("the river rose");
        let (a, b) = (dice.change(14, "a"), dice.change(14, "b"));
        let a_first = applied(&applied(&start, &a), &b.across(&a, Precedence::Theirs));
        let b_first = applied(&applied(&start, &b), &a.across(&b, Precedence::Mine));
        assert_eq!(a_first, b_first, "{a:?}\n{b:?}");
    }
}

#[test]
fn what_is_split_around_a_held_stretch_adds_up_to_the_whole() {
    let mut dice = Dice(13);
    for _ in 0..3_000 {
        let start = flow("the river rose");
        let change = dice.change(14, "a");
        let from = dice.below(14);
        let held = from..from + dice.below(15 - from);
        let (now, later) = change.split_around(&held);
        let both = applied(&applied(&start, &now), &later);
        assert_eq!(applied(&start, &change), both, "{change:?} around {held:?}");
    }
}

#[test]
fn steps_read_from_text_and_written_again_are_the_same() {
    let json = r#"[["r",0,4,true,false,[[{"kind":"paragraph"},["plain",["bold",{"bold":true}]]],[{"indent":2,"kind":"ordered","start":7},[{"embed":{"break":true}}]]]],["b",3,{"kind":"heading","level":2,"quoted":true}],["m",1,5,"link","https://example.org"],["m",1,5,"bold",null]]"#;
    let steps = codec::read_steps(json).expect("reads");
    assert_eq!(steps.len(), 4);
    let written = codec::write_steps(&steps);
    assert_eq!(codec::read_steps(&written).expect("reads"), steps);
    let same = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("is JSON");
    assert_eq!(same(&written), same(json));
}

#[test]
fn a_newline_inside_a_block_is_never_let_in() {
    let steps = codec::read_steps(r#"[["r",1,1,true,true,[[{"kind":"paragraph"},["a\nb"]]]]]"#)
        .expect("reads");
    assert!(!codec::write_steps(&steps).contains("\\n"));
}

#[test]
fn what_is_no_list_of_steps_is_refused_and_breaks_nothing() {
    for json in [
        "",
        "{}",
        "null",
        "[1]",
        "[[]]",
        r#"[["x",1]]"#,
        r#"[["r",1,2]]"#,
        r#"[["r",-1,2,true,true,[]]]"#,
        r#"[["r",1,4294967296,true,true,[]]]"#,
        r#"[["b",1,{"kind":"spaceship"}]]"#,
        r#"[["b",1,{"kind":"heading"}]]"#,
        r#"[["m",1,2,3,null]]"#,
        r#"[["r",1,2,true,true,[[{"kind":"paragraph"},[7]]]]]"#,
        "[[\"b\",1,{\"kind\":\"callout\",\"tone\":\"\"}]]",
    ] {
        assert!(codec::read_steps(json).is_err(), "{json}");
    }
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    assert!(codec::read_steps(&deep).is_err());
}
