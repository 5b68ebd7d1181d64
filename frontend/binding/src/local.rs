//! What the surface did, told as a change to the flow.
//!
//! Each step costs what it touches. Structure is told so that it keeps clear of what others do at the same time: a
//! newline stays the newline it was wherever that is possible, and only attributes that differ are set.

use std::rc::Rc;

use sheaf_shared::flow::delta::{Attrs, Content, DeltaOp};

use crate::change::Change;
use crate::format::{change_between, changed, newline_attrs};
use crate::index::{Line, Place};
use crate::shown::{Shown, measure};
use crate::surface::{Inline, Look, Slice, SurfaceBlock, SurfaceStep};

/// Why a step was not taken. Nothing was changed by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// A position lies outside the document, or two stand the wrong way round.
    #[error("a step names a place that is not there")]
    NoSuchPlace,
    /// A slice is open where its place is not, or the reverse; or a text block was to become a divider.
    #[error("a step would make a document that cannot be")]
    DoesNotFit,
}

/// What there was of a page before an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    /// Nothing at all: nobody has written in it, as far as is known here.
    NothingWritten,
    /// Something.
    Begun,
}

/// A position of the surface: before a line, or at an offset inside it.
#[derive(Clone, Copy)]
struct Spot {
    place: Place,
    inside: Option<u32>,
}

impl Spot {
    fn flow(&self) -> u32 {
        self.place.flow + self.inside.unwrap_or(0)
    }
}

impl Shown {
    fn spot(&self, position: u32) -> Result<Spot, StepError> {
        let place = self.index.at_view(position);
        if position == place.view {
            return Ok(Spot {
                place,
                inside: None,
            });
        }
        match self.index.get(place.line) {
            Some(line) if !line.look.is_leaf() => Ok(Spot {
                place,
                inside: Some(position - place.view - 1),
            }),
            _ => Err(StepError::NoSuchPlace),
        }
    }

    /// Takes one step into the index. Returns what it means for the flow.
    pub(crate) fn take(&mut self, step: &SurfaceStep) -> Result<Change, StepError> {
        match step {
            SurfaceStep::Replace { from, to, slice } => {
                if from > to {
                    return Err(StepError::NoSuchPlace);
                }
                let (from, to) = (self.spot(*from)?, self.spot(*to)?);
                self.replace(from, to, slice)
            }
            SurfaceStep::SetBlock { at, look } => self.set_block(*at, look),
            SurfaceStep::Mark {
                from,
                to,
                key,
                value,
            } => {
                if from > to || *to > self.index.end().view {
                    return Err(StepError::NoSuchPlace);
                }
                let attrs = Attrs::from([(key.clone(), value.clone())]);
                Ok(self.mark(*from, *to, &attrs))
            }
        }
    }

    /// A line at the end that was emptied, or opened by Enter, needs a newline to be there at all. The first words of a
    /// page bring theirs along: without it, whoever turns or leaves that line while another writes at its end would
    /// put a newline between the line and those words.
    pub(crate) fn end_last_line(&mut self, before: Before) -> Option<Change> {
        let number = self.index.count().checked_sub(1)?;
        let line = self.index.get(number)?;
        let lacks_one = match (before, line.len) {
            (Before::NothingWritten, len) => number > 0 || len > 0,
            (Before::Begun, len) => number > 0 && len == 0,
        };
        if line.ended || !lacks_one {
            return None;
        }
        let mut change = Change::default();
        change.retain(self.index.end().flow);
        change.push(newline(Attrs::new()));
        self.index.update(number, |line| line.ended = true);
        Some(change)
    }

    /// The flow offset of a surface position; between two blocks: that of the second's start.
    pub(crate) fn flow_offset(&self, position: u32) -> u32 {
        let place = self.index.at_view(position);
        match self.index.get(place.line) {
            Some(line) if position > place.view && !line.look.is_leaf() => {
                place.flow + (position - place.view - 1).min(line.len)
            }
            _ => place.flow,
        }
    }

    /// The surface position of a flow offset: inside a text block, before a divider.
    pub(crate) fn view_position(&self, offset: u32) -> u32 {
        let place = self.index.at_flow(offset);
        match self.index.get(place.line) {
            Some(line) if !line.look.is_leaf() => {
                place.view + 1 + (offset - place.flow).min(line.len)
            }
            Some(_) => place.view,
            None => place.view.saturating_sub(1),
        }
    }

    fn mark(&mut self, from: u32, to: u32, attrs: &Attrs) -> Change {
        let first = self.index.at_view(from);
        let mut change = Change::default();
        change.retain(first.flow);
        let mut view = first.view;
        let mut with_embeds = Vec::new();
        for (number, line) in (first.line..).zip(self.index.lines(first.line..usize::MAX)) {
            if view >= to {
                break;
            }
            if line.look.is_leaf() {
                change.retain(line.flow_len());
            } else {
                let inside = |position: u32| position.saturating_sub(view + 1).min(line.len);
                let (start, end) = (inside(from), inside(to));
                change.retain(start);
                change.push(DeltaOp::Retain(end - start, attrs.clone()));
                change.retain(line.flow_len() - end);
                if !line.embeds.is_empty() {
                    with_embeds.push((number, start..end));
                }
            }
            view += line.view_len();
        }
        for (number, range) in with_embeds {
            self.mark_dividers(number, &range, attrs);
        }
        Change::from_ops(change.ops().iter().cloned())
    }

    fn set_block(&mut self, at: u32, look: &Rc<Look>) -> Result<Change, StepError> {
        let Spot {
            place,
            inside: None,
        } = self.spot(at)?
        else {
            return Err(StepError::NoSuchPlace);
        };
        let Some(line) = self.index.get(place.line) else {
            return Err(StepError::NoSuchPlace);
        };
        if line.look.is_leaf() != look.is_leaf() {
            return Err(StepError::DoesNotFit);
        }
        let mut change = Change::default();
        change.retain(place.flow + line.len);
        let line = self.relook(line.clone(), look, &mut change);
        self.index.splice(place.line..place.line + 1, vec![line]);
        self.touch(place.line..place.line + 1, 1);
        Ok(Change::from_ops(change.ops().iter().cloned()))
    }

    /// `line` as it is once it looks like `look`; what that takes is added to `change`, which stands before
    /// the line's newline.
    fn relook(&mut self, line: Line, look: &Rc<Look>, change: &mut Change) -> Line {
        let set = change_between(&line.stored, &line.look, look);
        let look = Rc::clone(look);
        if set.is_empty() {
            return Line { look, ..line };
        }
        let (stored, _) = self.format(changed(&line.stored, &set));
        if line.ended {
            change.push(DeltaOp::Retain(1, set));
        } else {
            change.push(newline((*stored).clone()));
        }
        Line {
            stored,
            look,
            ended: true,
            ..line
        }
    }

    fn replace(&mut self, from: Spot, to: Spot, slice: &Slice) -> Result<Change, StepError> {
        let opens = if slice.blocks.is_empty() {
            (from.inside.is_some(), to.inside.is_some())
        } else {
            (slice.open_start, slice.open_end)
        };
        if opens != (from.inside.is_some(), to.inside.is_some())
            || (slice.blocks.is_empty() && opens.0 != opens.1)
            || (slice.blocks.len() == 1 && opens.0 && !opens.1 && to.place.line <= from.place.line)
        {
            return Err(StepError::DoesNotFit);
        }
        let mut change = Change::default();
        let lines = if let (Some(start), Some(end)) = (from.inside, to.inside) {
            self.replace_inside(from, start, to, end, &slice.blocks, &mut change)?
        } else {
            self.replace_lines(from, to, &slice.blocks, &mut change)?
        };
        let first = from.place.line;
        let replaced = to.place.line + usize::from(to.inside.is_some()) - first;
        let count = lines.len();
        self.index.splice(first..first + replaced, lines);
        self.touch(first..first + count, replaced);
        Ok(Change::from_ops(change.ops().iter().cloned()))
    }

    /// Both ends lie inside text blocks: what is before `start` and what is behind `end` stays.
    fn replace_inside(
        &mut self,
        from: Spot,
        start: u32,
        to: Spot,
        end: u32,
        blocks: &[SurfaceBlock],
        change: &mut Change,
    ) -> Result<Vec<Line>, StepError> {
        let first = self
            .index
            .get(from.place.line)
            .cloned()
            .ok_or(StepError::NoSuchPlace)?;
        let last = self
            .index
            .get(to.place.line)
            .cloned()
            .ok_or(StepError::NoSuchPlace)?;
        let mut head = first.clone();
        head.cut(start..first.len);
        let mut tail = last.clone();
        tail.cut(0..end);
        change.retain(from.flow());

        let [before @ .., ending] = blocks else {
            return Ok(vec![self.join(from, head, to, tail, change)]);
        };
        if tail.len == 0 && last.ended && from.place.line == to.place.line && first.len == start {
            return Ok(self.add_behind(head, blocks, change));
        }
        let mut lines = Vec::with_capacity(blocks.len());
        for (number, block) in before.iter().enumerate() {
            let continued = (number == 0).then_some(&head);
            lines.push(self.put_block(block, continued, change));
        }
        let look = if before.is_empty() {
            &head.look
        } else {
            &ending.look
        };
        let mut line = if before.is_empty() {
            head.clone()
        } else {
            tail_of_nothing(&tail)
        };
        line.append(&put_content(&ending.content, change, &tail));
        change.push(DeltaOp::Delete(to.flow() - from.flow()));
        change.retain(tail.len);
        line.append(&tail);
        let line = Line {
            stored: tail.stored,
            ended: tail.ended,
            look: tail.look,
            ..line
        };
        let look = Rc::clone(look);
        lines.push(self.relook(line, &look, change));
        Ok(lines)
    }

    /// Nothing comes in place of the range: head and tail become one line that looks like the head's.
    fn join(&mut self, from: Spot, head: Line, to: Spot, tail: Line, change: &mut Change) -> Line {
        let mut line = head.clone();
        line.append(&tail);
        let first_len = self.index.get(from.place.line).map_or(0, |first| first.len);
        if from.place.line < to.place.line && tail.len == 0 && tail.ended {
            // The line that goes is empty, so its newline can go and the other stay what it was.
            change.push(DeltaOp::Delete(first_len - head.len));
            change.retain(1);
            let behind_first = from.place.flow + first_len + 1;
            change.push(DeltaOp::Delete(to.flow() + 1 - behind_first));
            return line;
        }
        change.push(DeltaOp::Delete(to.flow() - from.flow()));
        change.retain(tail.len);
        let look = Rc::clone(&head.look);
        let line = Line {
            stored: tail.stored,
            ended: tail.ended,
            look: tail.look,
            ..line
        };
        self.relook(line, &look, change)
    }

    /// Puts blocks behind the text of a whole line, whose newline stays its own.
    fn add_behind(
        &mut self,
        head: Line,
        blocks: &[SurfaceBlock],
        change: &mut Change,
    ) -> Vec<Line> {
        let mut first = head.clone();
        let [own, others @ ..] = blocks else {
            return vec![head];
        };
        first.append(&put_content(&own.content, change, &head));
        if !others.is_empty() {
            change.retain(1);
        }
        let mut lines = vec![first];
        lines.extend(
            others
                .iter()
                .map(|block| self.put_block(block, None, change)),
        );
        lines
    }

    /// At least one end lies between blocks: whole lines go, whole lines come.
    fn replace_lines(
        &mut self,
        from: Spot,
        to: Spot,
        blocks: &[SurfaceBlock],
        change: &mut Change,
    ) -> Result<Vec<Line>, StepError> {
        let mut head = None;
        if let Some(start) = from.inside {
            let mut line = self
                .index
                .get(from.place.line)
                .cloned()
                .ok_or(StepError::NoSuchPlace)?;
            line.cut(start..line.len);
            head = Some(line);
        }
        change.retain(from.flow());
        let whole = if to.inside.is_some() {
            blocks.len() - 1
        } else {
            blocks.len()
        };
        let mut lines = Vec::with_capacity(blocks.len());
        // A line must not come to stand behind one without a newline.
        if from.inside.is_none()
            && let Some(number) = from.place.line.checked_sub(1)
            && whole > 0
            && self.index.get(number).is_some_and(|line| !line.ended)
        {
            change.push(newline(Attrs::new()));
            self.index.update(number, |line| line.ended = true);
        }
        for (number, block) in blocks[..whole].iter().enumerate() {
            let continued = if number == 0 { head.as_ref() } else { None };
            lines.push(self.put_block(block, continued, change));
        }
        if let (Some(end), [.., ending]) = (to.inside, blocks) {
            let last = self
                .index
                .get(to.place.line)
                .cloned()
                .ok_or(StepError::NoSuchPlace)?;
            let mut tail = last.clone();
            tail.cut(0..end);
            let mut line = put_content(&ending.content, change, &tail);
            change.push(DeltaOp::Delete(to.flow() - from.flow()));
            change.retain(tail.len);
            line.append(&tail);
            let line = Line {
                stored: tail.stored,
                ended: tail.ended,
                look: tail.look,
                ..line
            };
            let look = Rc::clone(&ending.look);
            lines.push(self.relook(line, &look, change));
        } else {
            change.push(DeltaOp::Delete(to.flow() - from.flow()));
        }
        if lines.is_empty() && from.place.line == 0 && to.place.line == self.index.count() {
            lines.push(self.line_without_newline(0, Vec::new()));
        }
        Ok(lines)
    }

    /// Writes one whole block, newline included, behind `continued` if that is there.
    fn put_block(
        &mut self,
        block: &SurfaceBlock,
        continued: Option<&Line>,
        change: &mut Change,
    ) -> Line {
        let look = continued.map_or(&block.look, |head| &head.look);
        let (stored, _) = self.format(newline_attrs(look));
        let (len, embeds) = put_inline(&block.content, change);
        change.push(newline((*stored).clone()));
        let look = Rc::clone(look);
        let mut line = Line {
            len: 0,
            ended: true,
            stored,
            look,
            embeds: Vec::new(),
        };
        if let Some(head) = continued {
            line.append(head);
        }
        line.open(line.len, len, &embeds);
        line
    }
}

fn tail_of_nothing(like: &Line) -> Line {
    Line {
        len: 0,
        embeds: Vec::new(),
        ..like.clone()
    }
}

/// Writes content; returns a line that holds just that and is otherwise like `like`.
fn put_content(content: &[Inline], change: &mut Change, like: &Line) -> Line {
    let (len, embeds) = put_inline(content, change);
    Line {
        len,
        embeds,
        ..like.clone()
    }
}

fn put_inline(content: &[Inline], change: &mut Change) -> (u32, Vec<crate::index::EmbedAt>) {
    for piece in content {
        change.push(match piece {
            Inline::Text { text, attrs } => {
                DeltaOp::Insert(Content::Text(text.clone()), attrs.clone())
            }
            Inline::Embed { value, attrs } => {
                DeltaOp::Insert(Content::Embed(value.clone()), attrs.clone())
            }
        });
    }
    measure(content)
}

fn newline(attrs: Attrs) -> DeltaOp {
    DeltaOp::Insert(Content::Text("\n".to_owned()), attrs)
}
