//! What one undo takes back.
#![expect(
    clippy::expect_used,
    reason = "a page that is out of step ends the test"
)]

#[cfg(target_arch = "wasm32")]
#[macro_use]
extern crate sheaf_test_in_wasm;

use sheaf_binding::surface::{BlockKind, Inline, Look, Slice, SurfaceBlock, SurfaceStep};
use sheaf_binding::{Binding, Direction, Edges, EditContext, Join};
use sheaf_shared::flow;
use sheaf_shared::flow::delta::Attrs;
use sheaf_shared::ids::ReplicaId;
use sheaf_shared::replica::Replica;
use sheaf_shared::time::MonotonicMs;

struct Page {
    replica: Replica,
    binding: Binding,
}

impl Page {
    fn empty() -> Self {
        let replica = Replica::new(ReplicaId(1));
        let (binding, _) = Binding::open(&replica);
        Self { replica, binding }
    }

    /// Puts `text` in place of what stands between two positions of the surface.
    fn type_in(&mut self, (from, to): (u32, u32), text: &str, join: Join, now: u64) {
        let piece = Inline::Text {
            text: text.to_owned(),
            attrs: Attrs::new(),
        };
        let step = SurfaceStep::Replace {
            from,
            to,
            slice: Slice {
                open_start: true,
                open_end: true,
                blocks: vec![SurfaceBlock {
                    look: Look::plain(BlockKind::Paragraph).into(),
                    content: vec![piece],
                }],
            },
        };
        let context = EditContext {
            now: MonotonicMs(now),
            join,
            before: None,
            after: None,
            edges: Edges::Whole,
        };
        self.binding
            .local(&mut self.replica, &[step], &context)
            .expect("the step fits");
    }

    fn go(&mut self, direction: Direction) -> String {
        let now = MonotonicMs(1_000_000);
        assert!(
            self.binding.go(&mut self.replica, direction, now).is_some(),
            "there is something to take back"
        );
        self.binding
            .remote(&self.replica, None)
            .expect("the surface is in step");
        self.text()
    }

    fn text(&self) -> String {
        sheaf_shared::text::write(&flow::read(&self.replica))
            .trim_end()
            .to_owned()
    }
}

#[test]
fn a_composition_is_taken_back_whole_however_long_it_took() {
    let mut page = Page::empty();
    page.type_in((1, 1), "cat ", Join::Allowed, 1_000);
    page.type_in((5, 5), "k", Join::Starts, 9_000);
    page.type_in((5, 6), "か", Join::More, 19_000);
    page.type_in((5, 6), "かん", Join::More, 29_000);
    page.type_in((5, 7), "缶", Join::More, 39_000);
    page.type_in((6, 6), "!", Join::Starts, 39_010);
    assert_eq!(page.text(), "cat 缶!");
    assert_eq!(page.go(Direction::Undo), "cat 缶");
    assert_eq!(page.go(Direction::Undo), "cat");
    assert_eq!(page.go(Direction::Redo), "cat 缶");
}

#[test]
fn letters_typed_in_one_breath_are_taken_back_together_and_a_pause_sets_them_apart() {
    let mut page = Page::empty();
    page.type_in((1, 1), "a", Join::Allowed, 1_000);
    page.type_in((2, 2), "b", Join::Allowed, 1_400);
    page.type_in((3, 3), "c", Join::Allowed, 2_400);
    assert_eq!(page.go(Direction::Undo), "ab");
    assert_eq!(page.go(Direction::Undo), "");
}
