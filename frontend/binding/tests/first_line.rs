//! The first line of a page, while a second person has come to write at its end.
#![expect(
    clippy::expect_used,
    reason = "a page that is out of step ends the test"
)]

#[cfg(target_arch = "wasm32")]
#[macro_use]
extern crate sheaf_test_in_wasm;

use sheaf_binding::surface::{BlockKind, Inline, Look, Slice, SurfaceBlock, SurfaceStep};
use sheaf_binding::{Binding, Edges, EditContext, Join};
use sheaf_shared::flow::delta::Attrs;
use sheaf_shared::flow::{self, block::Block};
use sheaf_shared::ids::ReplicaId;
use sheaf_shared::replica::{Origin, Replica};
use sheaf_shared::time::MonotonicMs;

struct Writer {
    replica: Replica,
    binding: Binding,
}

impl Writer {
    fn new(number: u32) -> Self {
        let replica = Replica::new(ReplicaId(number));
        let (binding, _) = Binding::open(&replica);
        Self { replica, binding }
    }

    fn does(&mut self, step: SurfaceStep) -> Option<Vec<u8>> {
        let context = EditContext {
            now: MonotonicMs(1_000),
            join: Join::Starts,
            before: None,
            after: None,
            edges: Edges::Whole,
        };
        let outcome = self
            .binding
            .local(&mut self.replica, &[step], &context)
            .expect("the step fits");
        outcome.update
    }

    fn hears(&mut self, update: Option<Vec<u8>>) {
        if let Some(update) = update {
            self.replica
                .apply(&update, Origin::Remote)
                .expect("an update of the other");
        }
        self.binding
            .remote(&self.replica, None)
            .expect("the surface is in step");
    }

    fn page(&self) -> Vec<Block> {
        flow::read(&self.replica)
    }
}

fn block(kind: BlockKind, text: &str) -> SurfaceBlock {
    let piece = Inline::Text {
        text: text.to_owned(),
        attrs: Attrs::new(),
    };
    SurfaceBlock {
        look: Look::plain(kind).into(),
        content: if text.is_empty() {
            Vec::new()
        } else {
            vec![piece]
        },
    }
}

fn put(at: u32, blocks: Vec<SurfaceBlock>) -> SurfaceStep {
    SurfaceStep::Replace {
        from: at,
        to: at,
        slice: Slice {
            open_start: true,
            open_end: true,
            blocks,
        },
    }
}

/// Ada writes the first words, Ben sees them and writes at their end, while Ada does `step`. What both have then.
fn together(ada: u32, ben: u32, step: SurfaceStep) -> String {
    let (mut ada, mut ben) = (Writer::new(ada), Writer::new(ben));
    let first = ada.does(put(1, vec![block(BlockKind::Paragraph, "one")]));
    ben.hears(first);
    let theirs = ben.does(put(4, vec![block(BlockKind::Paragraph, " two")]));
    let hers = ada.does(step);
    ada.hears(theirs);
    ben.hears(hers);
    assert_eq!(ada.page(), ben.page());
    sheaf_shared::markdown::write(&ada.page())
}

#[test]
fn turning_the_first_line_into_a_heading_leaves_what_another_writes_at_its_end_in_it() {
    for (ada, ben) in [(1, 2), (2, 1)] {
        let look = Look::plain(BlockKind::Heading(1)).into();
        let page = together(ada, ben, SurfaceStep::SetBlock { at: 0, look });
        assert_eq!(page.trim_end(), "# one two");
    }
}

#[test]
fn leaving_the_first_line_leaves_what_another_writes_at_its_end_in_it() {
    for (ada, ben) in [(1, 2), (2, 1)] {
        let halves = vec![
            block(BlockKind::Paragraph, ""),
            block(BlockKind::Paragraph, ""),
        ];
        let page = together(ada, ben, put(4, halves));
        assert_eq!(page.trim_end(), "one two");
    }
}
