//! Several people at one page, each with a replica, a binding and a surface; what they send lies in queues.

use sheaf_binding::surface::{Inline, SurfaceStep};
use sheaf_binding::{Binding, Direction, Edges, EditContext, Join, Selection};
use sheaf_shared::flow;
use sheaf_shared::ids::ReplicaId;
use sheaf_shared::replica::{Origin, Replica};
use sheaf_shared::time::MonotonicMs;

use crate::edits::{foreign_edit, surface_edit};
use crate::model::Model;
use crate::plan::Action;

pub(crate) struct Writer {
    pub(crate) replica: Replica,
    pub(crate) binding: Binding,
    pub(crate) model: Model,
    number: usize,
    waiting: Vec<Vec<u8>>,
    now: u64,
}

impl Writer {
    pub(crate) fn new(number: usize, replica: Replica) -> Self {
        let (binding, blocks) = Binding::open(&replica);
        let model = Model::new(&blocks);
        let writer = Self {
            replica,
            binding,
            model,
            number,
            waiting: Vec::new(),
            now: 0,
        };
        writer.check();
        writer
    }

    /// Does `steps` as the surface would. Returns what others must hear.
    pub(crate) fn edit(&mut self, steps: &[SurfaceStep]) -> Vec<Vec<u8>> {
        let edges = self.edges(steps);
        for step in steps {
            self.model.apply(step);
        }
        self.now += 200;
        let end = self.model.size() - 1;
        let caret = Some(Selection {
            anchor: 1.min(end),
            head: end,
        });
        let context = EditContext {
            now: MonotonicMs(self.now),
            join: Join::Allowed,
            before: None,
            after: caret,
            edges,
        };
        let outcome = self
            .binding
            .local(&mut self.replica, steps, &context)
            .expect("steps fit");
        for step in &outcome.corrections {
            self.model.apply(step);
        }
        self.check();
        outcome.update.into_iter().collect()
    }

    /// As a surface tells it: the model's text is looked at where the steps begin and end.
    fn edges(&self, steps: &[SurfaceStep]) -> Edges {
        let mut model = self.model.clone();
        for step in steps {
            if model.cuts_character(step) {
                return Edges::Unknown;
            }
            model.apply(step);
        }
        Edges::Whole
    }

    pub(crate) fn show(&mut self, composing: Option<u32>) {
        let untouched = composing.map(|at| {
            let spot = self.model.spot(at);
            self.model.blocks[spot.block].clone()
        });
        let steps = self
            .binding
            .remote(&self.replica, composing)
            .expect("in step");
        for step in &steps {
            self.model.apply(step);
        }
        if let Some(block) = untouched {
            assert!(
                self.model.blocks.iter().any(|it| it.units == block.units),
                "a block changed while someone was composing in it"
            );
        } else {
            assert!(!self.binding.is_behind());
        }
        self.check();
    }

    pub(crate) fn check(&self) {
        if !self.binding.is_behind() {
            let rendering = Model::rendering(&self.replica);
            assert_eq!(
                self.model.as_drawn(),
                rendering.as_drawn(),
                "writer {}",
                self.number
            );
        }
    }

    /// How often each letter stands in the document.
    fn letters(&self) -> [usize; 128] {
        let mut count = [0; 128];
        for block in flow::read(&self.replica) {
            for piece in block.content {
                if let Inline::Text { text, .. } = piece {
                    for byte in text.bytes().filter(u8::is_ascii) {
                        count[byte as usize] += 1;
                    }
                }
            }
        }
        count
    }

    fn letter(&self) -> char {
        char::from(b'a' + self.number as u8)
    }

    fn go(&mut self, direction: Direction) -> Vec<Vec<u8>> {
        let before = self.letters();
        self.now += 1_000;
        let Some(outcome) = self
            .binding
            .go(&mut self.replica, direction, MonotonicMs(self.now))
        else {
            return Vec::new();
        };
        let after = self.letters();
        let own = self.letter() as usize;
        if direction == Direction::Undo {
            for letter in (b'a'..b'f')
                .map(usize::from)
                .filter(|letter| *letter != own)
            {
                assert!(
                    after[letter] >= before[letter],
                    "undo took away what somebody else wrote"
                );
            }
        }
        self.show(None);
        if let Some(selection) = self.binding.selection_of(&self.replica, &outcome) {
            assert!(selection.anchor < self.model.size() && selection.head < self.model.size());
        }
        outcome.updates
    }
}

pub(crate) struct World {
    writers: Vec<Writer>,
}

impl World {
    pub(crate) fn new(writers: usize) -> Self {
        let writers = (0..writers)
            .map(|number| Writer::new(number, Replica::new(ReplicaId(10 + number as u32))))
            .collect();
        Self { writers }
    }

    pub(crate) fn act(&mut self, action: Action) {
        let count = self.writers.len();
        match action {
            Action::Edit { who, what, a, b, c } => {
                let writer = &mut self.writers[who % count];
                let steps = surface_edit(&writer.model, writer.letter(), what, a, b, c);
                let updates = writer.edit(&steps);
                self.send(who % count, updates);
            }
            Action::Foreign { who, what, a, b } => {
                let writer = &mut self.writers[who % count];
                let change = foreign_edit(flow::length(&writer.replica), what, a, b);
                let update = flow::apply_delta(&mut writer.replica, Origin::Remote, &change);
                self.send(
                    who % count,
                    update.expect("makes sense").into_iter().collect(),
                );
            }
            Action::Deliver { who, which } => {
                let writer = &mut self.writers[who % count];
                if !writer.waiting.is_empty() {
                    let update = writer.waiting.swap_remove(which % writer.waiting.len());
                    writer
                        .replica
                        .apply(&update, Origin::Remote)
                        .expect("taken");
                }
            }
            Action::Show { who } => self.writers[who % count].show(None),
            Action::ShowWhileComposing { who, at } => {
                let writer = &mut self.writers[who % count];
                let at = at % writer.model.size();
                writer.show(Some(at));
            }
            Action::Undo { who } => {
                let updates = self.writers[who % count].go(Direction::Undo);
                self.send(who % count, updates);
            }
            Action::Redo { who } => {
                let updates = self.writers[who % count].go(Direction::Redo);
                self.send(who % count, updates);
            }
        }
    }

    fn send(&mut self, from: usize, updates: Vec<Vec<u8>>) {
        for (number, writer) in self.writers.iter_mut().enumerate() {
            if number != from {
                writer.waiting.extend(updates.iter().cloned());
            }
        }
    }

    /// Everything arrives and is shown; then all are equal.
    pub(crate) fn settle(&mut self) {
        for writer in &mut self.writers {
            for update in std::mem::take(&mut writer.waiting) {
                writer
                    .replica
                    .apply(&update, Origin::Remote)
                    .expect("taken");
            }
        }
        // yrs may leave updates waiting that came in another order than they were made; people's programs ask
        // for what is missing then.
        for asking in 0..self.writers.len() {
            if !self.writers[asking].replica.has_missing() {
                continue;
            }
            let version = self.writers[asking].replica.version();
            for answering in 0..self.writers.len() {
                let missing = self.writers[answering]
                    .replica
                    .missing_for(&version)
                    .expect("reads");
                self.writers[asking]
                    .replica
                    .apply(&missing, Origin::Remote)
                    .expect("taken");
            }
        }
        for writer in &mut self.writers {
            writer.show(None);
        }
        for writer in &self.writers[1..] {
            assert_eq!(
                writer.replica.canonical(),
                self.writers[0].replica.canonical()
            );
            assert_eq!(writer.model.as_drawn(), self.writers[0].model.as_drawn());
        }
        for writer in self.writers.drain(..) {
            writer.binding.close(&writer.replica);
        }
    }
}
