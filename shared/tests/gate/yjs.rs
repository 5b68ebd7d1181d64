//! Nothing that Yjs itself makes is refused, and yrs takes it.
//!
//! `npm run fixtures` in e2e/clients makes the corpus anew; `SHEAF_YJS_UPDATES=FILE` checks another.

use sheaf_shared::gate::update;
use yrs::Doc;

use crate::wall::apply;

const CORPUS: &str = include_str!("../fixtures/yjs-updates.txt");

fn updates(corpus: &str) -> impl Iterator<Item = Vec<u8>> {
    corpus.lines().map(|line| {
        let digits = line
            .as_bytes()
            .chunks(2)
            .map(|pair| std::str::from_utf8(pair).unwrap_or(""));
        digits
            .map(|pair| u8::from_str_radix(pair, 16).unwrap_or_else(|_| panic!("{line}")))
            .collect()
    })
}

#[test]
fn no_update_made_by_yjs_is_refused() {
    let other = std::env::var("SHEAF_YJS_UPDATES")
        .ok()
        .map(std::fs::read_to_string);
    let other = other.transpose().unwrap();
    let (mut checked, mut blocks, mut with_gaps) = (0, 0, 0);
    for update in updates(other.as_deref().unwrap_or(CORPUS)) {
        match update::inspect(&update) {
            Ok(inspected) => blocks += u64::from(inspected.blocks()),
            Err(refusal) => panic!("{refusal}: {update:02x?}"),
        }
        let inspected = update::inspect(&update).unwrap();
        let fits_nowhere_new = !inspected.is_ready_for(|_| 0);
        with_gaps += u32::from(fits_nowhere_new);
        if !fits_nowhere_new {
            assert!(
                apply(&Doc::with_client_id(1), &update),
                "yrs takes it: {update:02x?}"
            );
        }
        checked += 1;
    }
    assert!(checked >= 400, "{checked} updates");
    println!("{checked} updates of {blocks} blocks passed; {with_gaps} need what came before");
}
