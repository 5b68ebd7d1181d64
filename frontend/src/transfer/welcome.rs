//! The first page: a short tour that is itself a page to write on.
//!
//! Two people may ask for it at the same moment, out of each other's reach. So it is made of two updates that
//! are the same in every browser, of one page with one id: applied twice, they are there once.

use sheaf_shared::flow;
use sheaf_shared::ids::{DocName, PageId, ReplicaId};
use sheaf_shared::replica::{Origin, Replica};
use wasm_bindgen_futures::spawn_local;

use crate::router::Route;
use crate::stores::shell::Shell;

/// Title of the tour.
const TITLE: &str = "Welcome to Sheaf";

/// The tour's place in the page tree: one update of the space's document. The tests say how it is made.
const PLACE: &[u8] = include_bytes!("welcome.place.bin");
/// What the tour says, as in `welcome.md`: one update of the page's document.
const BODY: &[u8] = include_bytes!("welcome.body.bin");
/// The name under which both were written. A tour with other words needs another: what one replica wrote first
/// must be the same everywhere. Drawn from the words themselves.
const WRITER: ReplicaId = ReplicaId(include!("welcome.writer"));

/// Which page the tour of `writer` is: tours with other words are other pages.
fn tour_of(writer: ReplicaId) -> PageId {
    PageId::from_bits(0x5EAF_0000_0000_0000_0000_0000_0000_0000 | u128::from(writer.0))
}

/// Makes the tour and shows it. Only called when a person asks for it, and only while no page stands in the tree.
pub fn start_with_tour(shell: Shell) {
    let page = tour_of(WRITER);
    shell.tree.take_made(PLACE);
    let stands = {
        let tree = shell.tree.tree_now();
        tree.page(page).is_some() && !tree.is_binned(page)
    };
    if !stands {
        // It was thrown away before: then it is a page like any other, made anew.
        let fresh = super::new_page_with(shell, None, TITLE, words());
        shell.go(Route::Page(fresh));
        return;
    }
    let document = shell.workspace().open(&DocName::of_page(page));
    spawn_local(async move {
        document.loaded().await;
        document.local_edit_made(BODY);
    });
    shell.go(Route::Page(page));
}

/// What the tour says, to be written by whoever.
fn words() -> Vec<flow::delta::DeltaOp> {
    let mut replica = Replica::new(ReplicaId(1));
    match replica.apply(BODY, Origin::Remote) {
        Ok(_) => flow::to_delta(&replica),
        Err(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sheaf_shared::space::{self, NewPage, Place};
    use sheaf_shared::time::UnixMs;
    use std::path::Path;

    const SOURCE: &str = include_str!("welcome.md");

    /// A name for whoever writes these words (FNV-1a), never 0.
    fn writer_of(words: &str) -> u32 {
        let hash = words.bytes().fold(0x811C_9DC5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
        hash.max(1)
    }

    fn holding(updates: &[&[u8]]) -> Replica {
        let mut replica = Replica::new(ReplicaId(7));
        for update in updates {
            assert!(!replica.apply(update, Origin::Remote).unwrap().has_missing);
        }
        replica
    }

    fn words_of(replica: &Replica) -> String {
        sheaf_shared::markdown::write(&flow::read(replica))
    }

    /// After a change of `welcome.md`: `cargo test -p sheaf-frontend --lib write_the_tour -- --ignored`
    #[test]
    #[ignore = "writes the files that the other tests read"]
    fn write_the_tour() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/transfer");
        let writer = writer_of(SOURCE);
        std::fs::write(folder.join("welcome.writer"), format!("{writer}\n")).unwrap();
        let mut body = Replica::new(ReplicaId(writer));
        let content = sheaf_shared::markdown::read(SOURCE).unwrap();
        for update in super::super::first_edits(&mut body, &content) {
            assert!(!update.is_empty());
        }
        std::fs::write(folder.join("welcome.body.bin"), body.encode()).unwrap();
        let mut place = Replica::new(ReplicaId(writer));
        let page = NewPage {
            id: tour_of(ReplicaId(writer)),
            title: TITLE.to_owned(),
            parent: None,
            place: Place::Last,
            created_by: String::new(),
            created_at: UnixMs(0),
        };
        space::create(&mut place, Origin::Local, &page).unwrap();
        std::fs::write(folder.join("welcome.place.bin"), place.encode()).unwrap();
    }

    #[test]
    fn the_tour_says_what_its_source_says_under_a_name_of_its_own() {
        assert_eq!(WRITER.0, writer_of(SOURCE), "run write_the_tour");
        assert_eq!(words_of(&holding(&[BODY])), SOURCE);
        let tree = space::read(&holding(&[PLACE]));
        assert_eq!(tree.page(tour_of(WRITER)).unwrap().title, TITLE);
    }

    #[test]
    fn two_browsers_that_make_the_tour_at_once_have_one_page_with_its_words_once() {
        assert_eq!(words_of(&holding(&[BODY, BODY])), SOURCE);
        let mut twice = holding(&[PLACE, PLACE]);
        assert_eq!(space::read(&twice).len(), 1);

        // One of them has named it before the other's tour comes.
        space::set_title(&mut twice, Origin::Local, tour_of(WRITER), "Ours").unwrap();
        twice.apply(PLACE, Origin::Remote).unwrap();
        assert_eq!(
            space::read(&twice).page(tour_of(WRITER)).unwrap().title,
            "Ours"
        );
    }

    #[test]
    fn a_tour_that_was_deleted_for_good_does_not_come_back_by_itself() {
        let mut space = holding(&[PLACE]);
        space::delete_for_good(&mut space, Origin::Local, tour_of(WRITER)).unwrap();
        space.apply(PLACE, Origin::Remote).unwrap();
        assert!(space::read(&space).is_empty());
        assert!(!words().is_empty(), "made anew, it says the same");
    }
}
