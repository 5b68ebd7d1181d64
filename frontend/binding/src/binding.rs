//! One open page: keeps surface and flow in step.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sheaf_shared::flow::anchor::{Anchor, Stick};
use sheaf_shared::flow::delta::{Attrs, Content, DeltaOp, attrs_of};
use sheaf_shared::flow::{CONTENT, EditError, apply_delta, apply_fitting_delta, to_delta};
use sheaf_shared::replica::{Origin, Replica};
use sheaf_shared::time::MonotonicMs;
use yrs::types::Delta;
use yrs::{Any, Observable, Out, Text, TextRef};

use crate::caret::AnchoredSelection;
use crate::change::{Change, Precedence};
use crate::local::{Before, StepError};
use crate::shown::Shown;
use crate::surface::{SurfaceBlock, SurfaceStep};
use crate::undo::{Direction, History};

/// Name under which the binding watches a flow. One binding a replica.
const OBSERVER: &str = "binding";

/// Why the surface and the flow could not be kept in step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BindingError {
    /// A step was impossible; it and those after it were not taken. Show the document anew.
    #[error(transparent)]
    Step(#[from] StepError),
    /// The edit is too large, or holds something that can't be kept. Nothing was written; show the document anew.
    #[error(transparent)]
    Refused(#[from] EditError),
    /// The flow is not what the surface was told. Nothing was written; show the document anew.
    #[error("the surface and the document are out of step")]
    OutOfStep,
}

/// A selection in surface positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The end that stays when the selection is extended.
    pub anchor: u32,
    /// The end that moves.
    pub head: u32,
}

/// What surrounds an edit of the surface.
#[derive(Clone, Copy, Debug)]
pub struct EditContext {
    /// When it happened.
    pub now: MonotonicMs,
    /// Whether it may be undone together with the edit before it.
    pub join: Join,
    /// The selection before it.
    pub before: Option<Selection>,
    /// The selection after it.
    pub after: Option<Selection>,
    /// Where its steps begin and end.
    pub edges: Edges,
}

/// Where steps of the surface begin and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edges {
    /// Between characters: the surface has looked.
    Whole,
    /// Nobody has looked. One might stand inside a character of two units, so the page is read to find out.
    Unknown,
}

/// How an edit is undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// With the edit before it, if that was just now.
    Allowed,
    /// By itself or with what follows.
    Starts,
    /// By itself, whatever follows.
    Alone,
    /// With the edit before it, however long ago that was: more of the same composition.
    More,
}

/// What came of an edit of the surface.
#[derive(Clone, Debug, Default)]
pub struct LocalOutcome {
    /// For this device and others; `None` if the flow did not change.
    pub update: Option<Vec<u8>>,
    /// What the surface must still do to show the flow as it is.
    pub corrections: Vec<SurfaceStep>,
}

/// What came of going back or forth in history.
#[derive(Clone, Debug)]
pub struct UndoOutcome {
    /// For this device and others, in order. The surface hears of it by [`Binding::remote`].
    pub updates: Vec<Vec<u8>>,
    selection: Option<AnchoredSelection>,
}

type Arrived = Arc<Mutex<Vec<Vec<DeltaOp>>>>;

/// Keeps one surface and one flow in step. Must be [closed](Self::close) before its replica goes.
pub struct Binding {
    shown: Shown,
    /// What the flow has that the surface does not show yet.
    ahead: Change,
    arrived: Arrived,
    /// The binding itself is writing: that is no news, and telling what it was would walk over the page.
    is_writing: Arc<AtomicBool>,
    /// The flow offset that was fixed last, for as long as nothing else was written: to fix one walks over the page.
    fixed: Option<(u32, Anchor)>,
    text: TextRef,
    history: History,
}

impl Binding {
    /// Begins to watch `replica`'s flow. Returns what the surface should show.
    #[must_use]
    pub fn open(replica: &Replica) -> (Self, Vec<SurfaceBlock>) {
        let text = replica.doc().get_or_insert_text(CONTENT);
        let arrived = Arrived::default();
        let sink = Arc::clone(&arrived);
        let is_writing = Arc::new(AtomicBool::new(false));
        let is_known = Arc::clone(&is_writing);
        text.observe(OBSERVER, move |txn, event| {
            if is_known.load(Ordering::Relaxed) {
                return;
            }
            let ops = event.delta(txn).iter().map(read_op).collect();
            sink.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(ops);
        });
        let history = History::open(replica.doc(), &text);
        let mut binding = Self {
            shown: Shown::empty(),
            ahead: Change::default(),
            arrived,
            is_writing,
            fixed: None,
            text,
            history,
        };
        let blocks = binding.show_anew(replica);
        (binding, blocks)
    }

    /// Forgets what the surface shows and returns what it should. History stays.
    pub fn show_anew(&mut self, replica: &Replica) -> Vec<SurfaceBlock> {
        self.take_arrived();
        self.fixed = None;
        self.ahead = Change::default();
        self.shown = Shown::empty();
        let steps = self.shown.show(&Change::from_ops(to_delta(replica)));
        whole_document(steps, &self.shown)
    }

    /// Takes what the surface did.
    ///
    /// # Errors
    /// [`BindingError`] when a step was impossible. The replica is unchanged then, and the surface must be
    /// [shown anew](Self::show_anew).
    pub fn local(
        &mut self,
        replica: &mut Replica,
        steps: &[SurfaceStep],
        context: &EditContext,
    ) -> Result<LocalOutcome, BindingError> {
        self.catch_up();
        let before = self.fix(replica, context.before);
        let page = if self.shown.index.end().flow == 0 && self.ahead.is_empty() {
            Before::NothingWritten
        } else {
            Before::Begun
        };
        let mut changes = Vec::with_capacity(steps.len());
        for step in steps {
            changes.push(self.shown.take(step)?);
        }
        changes.extend(self.shown.end_last_line(page));
        let change = in_sequence(&changes);
        let corrections = self.shown.settle();
        let theirs = std::mem::take(&mut self.ahead);
        // What the surface shows is the whole page then, and its edges are the page's.
        let edges = if theirs.is_empty() {
            context.edges
        } else {
            Edges::Unknown
        };
        let mine = change.across(&theirs, Precedence::Mine);
        self.ahead = theirs.across(&change, Precedence::Theirs);
        match context.join {
            Join::Allowed => self.history.tell(context.now),
            Join::Starts | Join::Alone => {
                self.history.tell(context.now);
                self.history.stop_capturing();
            }
            // The clock stands still, so no time has passed.
            Join::More => {}
        }
        let update = self.write(replica, &mine, edges)?;
        if update.is_some() {
            let after = self.fix(replica, context.after);
            self.history.remember(before, after);
        }
        if context.join == Join::Alone {
            self.history.stop_capturing();
        }
        self.check(replica)?;
        Ok(LocalOutcome {
            update,
            corrections,
        })
    }

    /// Takes what was done to the flow since the last call, by others or by undoing. Returns the steps that show
    /// it. What concerns the block in which someone is composing, at position `composing`, is kept for later.
    ///
    /// # Errors
    /// [`BindingError::OutOfStep`]: show the document anew.
    pub fn remote(
        &mut self,
        replica: &Replica,
        composing: Option<u32>,
    ) -> Result<Vec<SurfaceStep>, BindingError> {
        self.catch_up();
        let ahead = std::mem::take(&mut self.ahead);
        let now = match composing.map(|position| self.shown.index.at_view(position)) {
            None => ahead,
            Some(place) => {
                let line = self.shown.index.get(place.line).map_or(0, |line| line.len);
                // The newline before and the one behind count: without them the block is another.
                let held = place.flow.saturating_sub(1)..place.flow + line + 1;
                let (now, later) = ahead.split_around(&held);
                self.ahead = later;
                now
            }
        };
        let steps = self.shown.show(&now);
        self.check(replica)?;
        Ok(steps)
    }

    /// Whether the flow has something that the surface does not show yet.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        !self.ahead.is_empty()
            || !self
                .arrived
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .is_empty()
    }

    /// How many operations [`remote`](Self::remote) would have to show.
    #[must_use]
    pub fn waiting(&mut self) -> usize {
        self.catch_up();
        self.ahead.ops().len()
    }

    /// Takes back or makes again the last edit of this person. `None` if there is none.
    pub fn go(
        &mut self,
        replica: &mut Replica,
        direction: Direction,
        now: MonotonicMs,
    ) -> Option<UndoOutcome> {
        self.history.tell(now);
        self.fixed = None;
        let (updates, selection) = self.history.go(replica, direction)?;
        Some(UndoOutcome { updates, selection })
    }

    /// Whether there is an edit to take back or make again.
    #[must_use]
    pub fn can_go(&self, direction: Direction) -> bool {
        self.history.can_go(direction)
    }

    /// The next edit is undone by itself or with what follows.
    pub fn stop_capturing(&mut self) {
        self.history.stop_capturing();
    }

    /// Where the selection was that belongs to an undone edit. Call it after [`remote`](Self::remote).
    #[must_use]
    pub fn selection_of(&self, replica: &Replica, outcome: &UndoOutcome) -> Option<Selection> {
        self.find(replica, outcome.selection.as_ref()?)
    }

    /// A selection of the surface as JSON for others.
    #[must_use]
    pub fn publish(&mut self, replica: &Replica, selection: Selection) -> String {
        self.catch_up();
        self.fix_selection(replica, selection).to_json()
    }

    /// Where somebody's selection stands on the surface. `None` if it can't be told (yet).
    #[must_use]
    pub fn locate(&mut self, replica: &Replica, json: &str) -> Option<Selection> {
        self.catch_up();
        self.find(replica, &AnchoredSelection::from_json(json)?)
    }

    /// Lets go of the replica.
    pub fn close(self, replica: &Replica) {
        if !replica.is_broken() {
            self.text.unobserve(OBSERVER);
        }
        self.history.close(replica);
    }

    fn fix(
        &mut self,
        replica: &Replica,
        selection: Option<Selection>,
    ) -> Option<AnchoredSelection> {
        selection.map(|selection| self.fix_selection(replica, selection))
    }

    fn fix_selection(&mut self, replica: &Replica, selection: Selection) -> AnchoredSelection {
        let (anchor, head) = self.to_flow(replica, selection);
        AnchoredSelection::new(
            self.fix_offset(replica, anchor),
            self.fix_offset(replica, head),
        )
    }

    /// An anchor that sticks to what is before it, so that what others type right there comes behind.
    fn fix_offset(&mut self, replica: &Replica, offset: u32) -> Anchor {
        if let Some((fixed, anchor)) = &self.fixed
            && *fixed == offset
        {
            return anchor.clone();
        }
        let anchor = Anchor::at(replica, offset, Stick::Left);
        self.fixed = Some((offset, anchor.clone()));
        anchor
    }

    fn to_flow(&self, replica: &Replica, selection: Selection) -> (u32, u32) {
        let length = self.text.len(&replica.read());
        let place = |position| {
            self.ahead
                .carry(self.shown.flow_offset(position))
                .min(length)
        };
        (place(selection.anchor), place(selection.head))
    }

    fn find(&self, replica: &Replica, selection: &AnchoredSelection) -> Option<Selection> {
        let (anchor, head) = selection.offsets(replica)?;
        let place = |offset| self.shown.view_position(self.ahead.carry_back(offset));
        Some(Selection {
            anchor: place(anchor),
            head: place(head),
        })
    }

    fn take_arrived(&mut self) -> Vec<Vec<DeltaOp>> {
        std::mem::take(&mut *self.arrived.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds what arrived to what the surface has yet to show.
    fn catch_up(&mut self) {
        let arrived: Vec<Change> = self
            .take_arrived()
            .into_iter()
            .map(Change::from_ops)
            .collect();
        if !arrived.is_empty() {
            self.fixed = None;
            self.ahead = self.ahead.then(&in_sequence(&arrived));
        }
    }

    /// Writes a change that the surface shows already.
    fn write(
        &mut self,
        replica: &mut Replica,
        change: &Change,
        edges: Edges,
    ) -> Result<Option<Vec<u8>>, BindingError> {
        if change.is_empty() {
            return Ok(None);
        }
        self.fixed = None;
        // yrs would panic, and a page can't survive that.
        if change.reach() > self.text.len(&replica.read()) {
            return Err(BindingError::OutOfStep);
        }
        let clock = replica.own_clock();
        self.is_writing.store(true, Ordering::Relaxed);
        let written = match edges {
            Edges::Whole => apply_fitting_delta(replica, Origin::Local, change.ops()),
            Edges::Unknown => apply_delta(replica, Origin::Local, change.ops()),
        };
        self.is_writing.store(false, Ordering::Relaxed);
        let update = written?;
        if let Some((at, units)) = typing(change.ops())
            // Formatting takes clocks of its own: the last unit written is then not the last one typed.
            && replica.own_clock() == clock.wrapping_add(units)
        {
            let anchor = Anchor::behind_last_written(replica);
            self.fixed = anchor.map(|anchor| (at + units, anchor));
        }
        Ok(update)
    }

    /// Lengths must agree whenever the surface shows everything.
    fn check(&self, replica: &Replica) -> Result<(), BindingError> {
        let length = self.text.len(&replica.read());
        if self.ahead.is_empty() && self.shown.index.end().flow != length {
            return Err(BindingError::OutOfStep);
        }
        Ok(())
    }
}

/// A flow as blocks, for what is about to be put into a surface.
#[must_use]
pub fn blocks_of(flow: &[DeltaOp]) -> Vec<SurfaceBlock> {
    let mut shown = Shown::empty();
    let steps = shown.show(&Change::from_ops(flow.iter().cloned()));
    whole_document(steps, &shown)
}

/// Where text is put in, and how many units, if that is all a change does.
fn typing(change: &[DeltaOp]) -> Option<(u32, u32)> {
    match change {
        [DeltaOp::Insert(text, _)] => Some((0, text.length())),
        [DeltaOp::Retain(at, set), DeltaOp::Insert(text, _)] if set.is_empty() => {
            Some((*at, text.length()))
        }
        _ => None,
    }
}

/// All changes as one; each was made to the result of the one before.
fn in_sequence(changes: &[Change]) -> Change {
    match changes {
        [] => Change::default(),
        [only] => only.clone(),
        // By halves, so that a thousand steps don't each copy what the others did.
        _ => {
            let (first, second) = changes.split_at(changes.len() / 2);
            in_sequence(first).then(&in_sequence(second))
        }
    }
}

/// The document that `steps` make of an empty one.
fn whole_document(steps: Vec<SurfaceStep>, shown: &Shown) -> Vec<SurfaceBlock> {
    let mut blocks = Vec::new();
    for step in steps {
        if let SurfaceStep::Replace { slice, .. } = step {
            blocks = slice.blocks;
        }
    }
    if blocks.is_empty() {
        blocks.extend(shown.index.lines(0..1).map(|line| SurfaceBlock {
            look: std::rc::Rc::clone(&line.look),
            content: Vec::new(),
        }));
    }
    blocks
}

fn read_op(op: &Delta) -> DeltaOp {
    let attrs = |attrs: &Option<Box<yrs::types::Attrs>>| -> Attrs {
        attrs_of(
            attrs
                .iter()
                .flat_map(|attrs| attrs.iter())
                .map(|(key, value)| (key.to_string(), value.clone())),
        )
    };
    match op {
        Delta::Deleted(len) => DeltaOp::Delete(*len),
        Delta::Retain(len, set) => DeltaOp::Retain(*len, attrs(set)),
        Delta::Inserted(value, set) => {
            let content = match value {
                Out::Any(Any::String(text)) => Content::Text(text.to_string()),
                Out::Any(value) => Content::Embed(value.clone()),
                _ => Content::Embed(Any::Undefined),
            };
            DeltaOp::Insert(content, attrs(set))
        }
    }
}
