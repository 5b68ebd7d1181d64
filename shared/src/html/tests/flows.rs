//! Any flow that HTML can carry, through it and back.

use super::super::{read, write};
use crate::flow::block::{Block, Inline, from_delta};
use crate::markdown::tests::flows::{normal, random_flow};
use crate::testing::Chance;

/// What HTML can carry of a flow thrown together by chance.
fn carried(mut flow: Vec<Block>) -> Vec<Block> {
    for block in &mut flow {
        for inline in &mut block.content {
            let (Inline::Text { attrs, .. } | Inline::Embed { attrs, .. }) = inline;
            // Programs underline every link, so that there it says nothing.
            if attrs.contains_key("link") {
                attrs.remove("underline");
            }
            // Blanks of other kinds are folded, or stand for what keeps blanks.
            if let Inline::Text { text, .. } = inline {
                *text = text.replace(['\t', '\u{a0}'], "x");
            }
        }
        // Editors write a blank where there is nothing.
        let blank =
            |inline: &Inline| matches!(inline, Inline::Text { text, .. } if text.trim().is_empty());
        if block.content.iter().all(blank) {
            block.content.clear();
        }
    }
    normal(&flow)
}

fn comes_back(flow: &[Block]) -> bool {
    from_delta(&read(&write(flow)).unwrap()) == flow
}

/// Takes blocks away while the flow still does not come back.
fn shrink(mut flow: Vec<Block>) -> Vec<Block> {
    let mut at = 0;
    while at < flow.len() {
        let mut smaller = flow.clone();
        smaller.remove(at);
        let smaller = normal(&smaller);
        if comes_back(&smaller) {
            at += 1;
        } else {
            flow = smaller;
        }
    }
    flow
}

#[test]
fn any_flow_that_html_can_carry_comes_back_from_it() {
    let rounds = std::env::var("SHEAF_ROUNDS").map_or(1_500, |rounds| rounds.parse().unwrap());
    for seed in 0..rounds {
        let flow = carried(random_flow(&mut Chance::new(seed)));
        if !comes_back(&flow) {
            let flow = shrink(flow);
            let html = write(&flow);
            let back = from_delta(&read(&html).unwrap());
            panic!("seed {seed}\nwanted {flow:?}\ngot    {back:?}\nHTML:\n{html}");
        }
    }
}
