//! What Markdown must keep: any flow through Markdown and back, any Markdown through a flow and back.

mod documents;
pub(crate) mod flows;
mod hostile;
mod readings;

use super::{read, write};
use crate::flow::block::{self, Block};
use flows::{normal, random_flow};

use crate::testing::Chance;

/// Reads Markdown as blocks.
fn blocks(source: &str) -> Vec<Block> {
    block::from_delta(&read(source).unwrap())
}

/// Fails with both texts if a flow does not come back from its Markdown.
fn check_flow(flow: &[Block], what: &str) {
    let flow = normal(flow);
    let written = write(&flow);
    let back = blocks(&written);
    if back != flow {
        let at = back.iter().zip(&flow).take_while(|(a, b)| a == b).count();
        panic!(
            "{what}: block {at} of {} came back changed\nwanted {:?}\ngot    {:?}\nMarkdown:\n{written}",
            flow.len(),
            flow.get(at),
            back.get(at)
        );
    }
}

/// Takes blocks away while the flow still does not come back, so that a failure is small.
fn shrink(mut flow: Vec<Block>) -> Vec<Block> {
    let fails = |flow: &[Block]| {
        let flow = normal(flow);
        blocks(&write(&flow)) != flow
    };
    let mut at = 0;
    while at < flow.len() {
        let mut smaller = flow.clone();
        smaller.remove(at);
        if !smaller.is_empty() && fails(&smaller) {
            flow = smaller;
        } else {
            at += 1;
        }
    }
    for at in 0..flow.len() {
        let mut inline = 0;
        while inline < flow[at].content.len() {
            let mut smaller = flow.clone();
            smaller[at].content.remove(inline);
            if fails(&smaller) {
                flow = smaller;
            } else {
                inline += 1;
            }
        }
    }
    flow
}

#[test]
fn any_flow_comes_back_from_markdown_as_it_was() {
    let rounds = std::env::var("SHEAF_ROUNDS").map_or(1_500, |rounds| rounds.parse().unwrap());
    for seed in 0..rounds {
        let flow = random_flow(&mut Chance::new(seed));
        let normal_flow = normal(&flow);
        if blocks(&write(&normal_flow)) != normal_flow {
            check_flow(&shrink(flow), &format!("seed {seed}"));
        }
    }
}

#[test]
fn any_markdown_is_settled_after_one_pass() {
    let rounds = std::env::var("SHEAF_ROUNDS").map_or(1_500, |rounds| rounds.parse().unwrap());
    for seed in 0..rounds {
        let source = flows::random_markdown(&mut Chance::new(seed));
        let first = write(&blocks(&source));
        let second = write(&blocks(&first));
        assert_eq!(first, second, "seed {seed}, source:\n{source}");
    }
}
