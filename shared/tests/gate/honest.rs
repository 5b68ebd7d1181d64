//! Nothing that an honest client sends is refused.
//!
//! `SHEAF_HONEST_UPDATES=1000000 cargo test -p sheaf-shared --release --test gate honest` checks as many updates as it says.

use sheaf_shared::gate::{state_vector, update};
use yrs::updates::encoder::Encode;

use crate::scribbler::Scribblers;

/// How many updates are checked unless the environment says otherwise.
const UPDATES: u64 = 20_000;
/// Steps after which a document is left for a new one.
const STEPS_A_DOCUMENT: u32 = 400;

#[test]
fn no_honest_update_is_refused() {
    let wanted = crate::support::from_environment("SHEAF_HONEST_UPDATES", UPDATES);
    let mut checked = 0;
    let mut blocks = 0;
    let mut yrs_failures = 0;
    let mut seed = 0;
    while checked < wanted {
        seed += 1;
        let mut scribblers = Scribblers::new(seed);
        for _ in 0..STEPS_A_DOCUMENT {
            scribblers.step(&mut |sent| {
                checked += 1;
                match update::inspect(sent) {
                    Ok(inspected) => blocks += u64::from(inspected.blocks()),
                    Err(refusal) => panic!("seed {seed}: {refusal}: {sent:02x?}"),
                }
            });
        }
        for version in scribblers.versions() {
            let version = version.encode_v1();
            assert_eq!(
                state_vector::check(&version),
                Ok(()),
                "seed {seed}: {version:02x?}"
            );
        }
        yrs_failures += scribblers.yrs_failures();
    }
    println!("yrs failed {yrs_failures} times on blocks it had put aside");
    println!("{checked} honest updates of {blocks} blocks from {seed} documents passed");
}
