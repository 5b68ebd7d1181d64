//! What others did to the flow, told as steps for the surface: the fewest that show it, so that selection,
//! composition and scroll position hold.

use std::rc::Rc;

use sheaf_shared::flow::delta::{Attrs, Content, DeltaOp};

use crate::change::{Change, units};
use crate::format::changed;
use crate::index::{Line, Place};
use crate::shown::{Shown, measure};
use crate::surface::{Inline, Look, Slice, SurfaceBlock, SurfaceStep};

/// Inserted content cut at its newlines.
#[derive(Default)]
struct Arrival {
    /// Whole lines: content, and attributes of the newline.
    lines: Vec<(Vec<Inline>, Attrs)>,
    /// What comes behind the last newline.
    rest: Vec<Inline>,
}

impl Arrival {
    fn add(&mut self, content: &Content, attrs: &Attrs) {
        match content {
            Content::Embed(value) => {
                self.rest.push(Inline::Embed {
                    value: value.clone(),
                    attrs: attrs.clone(),
                });
            }
            Content::Text(text) => {
                let mut pieces = text.split('\n');
                let mut piece = pieces.next();
                while let Some(text) = piece {
                    if !text.is_empty() {
                        self.rest.push(Inline::Text {
                            text: text.to_owned(),
                            attrs: attrs.clone(),
                        });
                    }
                    piece = pieces.next();
                    if piece.is_some() {
                        self.lines
                            .push((std::mem::take(&mut self.rest), attrs.clone()));
                    }
                }
            }
        }
    }
}

impl Shown {
    /// Takes a change of the flow into the index. Returns the steps that show it, in order.
    pub(crate) fn show(&mut self, change: &Change) -> Vec<SurfaceStep> {
        let mut steps = Vec::new();
        let mut at = 0_u32;
        let mut ops = change.ops().iter().peekable();
        while let Some(op) = ops.next() {
            match op {
                DeltaOp::Retain(len, attrs) => {
                    if !attrs.is_empty() {
                        self.reformat(at, *len, attrs, &mut steps);
                    }
                    at += len;
                }
                DeltaOp::Delete(len) => self.remove(at, *len, &mut steps),
                DeltaOp::Insert(content, attrs) => {
                    let mut len = content_units(content);
                    let mut arrival = Arrival::default();
                    arrival.add(content, attrs);
                    while let Some(DeltaOp::Insert(content, attrs)) = ops.peek() {
                        len += content_units(content);
                        arrival.add(content, attrs);
                        ops.next();
                    }
                    self.add(at, arrival, &mut steps);
                    at += len;
                }
            }
        }
        self.drop_empty_end(&mut steps);
        steps.extend(self.settle());
        steps
    }

    /// A flow that ends with a newline has no line behind it.
    fn drop_empty_end(&mut self, steps: &mut Vec<SurfaceStep>) {
        let Some(last) = self.index.count().checked_sub(1).filter(|last| *last > 0) else {
            return;
        };
        if self
            .index
            .get(last)
            .is_some_and(|line| !line.ended && line.len == 0)
        {
            let place = self.index.at_line(last);
            self.replace_whole(place, 1, Vec::new(), Vec::new(), steps);
        }
    }

    /// Puts whole lines in place of `replaced` lines.
    fn replace_whole(
        &mut self,
        place: Place,
        replaced: usize,
        lines: Vec<Line>,
        blocks: Vec<SurfaceBlock>,
        steps: &mut Vec<SurfaceStep>,
    ) {
        let to = self.index.at_line(place.line + replaced).view;
        steps.push(SurfaceStep::Replace {
            from: place.view,
            to,
            slice: Slice {
                open_start: false,
                open_end: false,
                blocks,
            },
        });
        let count = lines.len();
        self.index.splice(place.line..place.line + replaced, lines);
        self.touch(place.line..place.line + count, replaced);
    }

    fn reformat(&mut self, at: u32, len: u32, attrs: &Attrs, steps: &mut Vec<SurfaceStep>) {
        let end = at + len;
        let mut place = self.index.at_flow(at);
        while place.flow < end {
            let Some(line) = self.index.get(place.line) else {
                return;
            };
            let next = Place {
                line: place.line + 1,
                flow: place.flow + line.flow_len(),
                view: place.view + line.view_len(),
            };
            let start = at.max(place.flow) - place.flow;
            let stop = (end - place.flow).min(line.len);
            let ended_inside = line.ended && end >= next.flow;
            if start < stop {
                if !line.look.is_leaf() {
                    let text = place.view + 1;
                    for (key, value) in attrs {
                        steps.push(SurfaceStep::Mark {
                            from: text + start,
                            to: text + stop,
                            key: key.clone(),
                            value: value.clone(),
                        });
                    }
                }
                if !line.embeds.is_empty() {
                    self.mark_dividers(place.line, &(start..stop), attrs);
                }
            }
            if ended_inside {
                let stored = self
                    .index
                    .get(place.line)
                    .map(|line| changed(&line.stored, attrs))
                    .unwrap_or_default();
                let (stored, _) = self.format(stored);
                self.index.update(place.line, |line| line.stored = stored);
                self.touch(place.line..place.line + 1, 1);
            }
            place = next;
        }
    }

    fn remove(&mut self, at: u32, len: u32, steps: &mut Vec<SurfaceStep>) {
        let from = self.index.at_flow(at);
        let to = self.index.at_flow(at + len);
        let (start, end) = (at - from.flow, at + len - to.flow);
        let count = self.index.count();
        if from.line == to.line {
            return self.remove_inside(from, start, end, steps);
        }
        if start == 0 {
            if from.line == 0 && to.line == count {
                let line = self.line_without_newline(0, Vec::new());
                let block = SurfaceBlock {
                    look: Rc::clone(&line.look),
                    content: Vec::new(),
                };
                return self.replace_whole(from, count, vec![line], vec![block], steps);
            }
            self.replace_whole(from, to.line - from.line, Vec::new(), Vec::new(), steps);
            if end > 0 {
                self.remove_inside(self.index.at_line(from.line), 0, end, steps);
            }
            return;
        }
        self.open_leaf(from, steps);
        if to.line == count {
            // The newline of the first line goes and no other takes its place.
            let text_end = self.index.get(from.line).map_or(start, |line| line.len);
            self.remove_inside(from, start, text_end, steps);
            let behind = self.index.at_line(from.line + 1);
            if behind.line < count {
                self.replace_whole(behind, count - behind.line, Vec::new(), Vec::new(), steps);
            }
            let (stored, _) = self.format(Attrs::new());
            self.index.update(from.line, |line| {
                line.ended = false;
                line.stored = stored;
            });
            self.touch(from.line..from.line + 1, 1);
            return;
        }
        self.open_leaf(self.index.at_line(to.line), steps);
        let to = self.index.at_line(to.line);
        let (Some(first), Some(last)) = (self.index.get(from.line), self.index.get(to.line)) else {
            return;
        };
        let (mut line, mut tail) = (first.clone(), last.clone());
        line.cut(start..line.len);
        tail.cut(0..end);
        line.append(&tail);
        let line = Line {
            stored: tail.stored,
            ended: tail.ended,
            ..line
        };
        steps.push(SurfaceStep::Replace {
            from: from.view + 1 + start,
            to: to.view + 1 + end,
            slice: Slice::default(),
        });
        let replaced = to.line + 1 - from.line;
        self.index
            .splice(from.line..from.line + replaced, vec![line]);
        self.touch(from.line..from.line + 1, replaced);
    }

    fn remove_inside(&mut self, place: Place, start: u32, end: u32, steps: &mut Vec<SurfaceStep>) {
        if start == end {
            return;
        }
        self.open_leaf(place, steps);
        let text = place.view + 1;
        steps.push(SurfaceStep::Replace {
            from: text + start,
            to: text + end,
            slice: Slice::default(),
        });
        self.index.update(place.line, |line| line.cut(start..end));
        self.touch(place.line..place.line + 1, 1);
    }

    fn add(&mut self, at: u32, arrival: Arrival, steps: &mut Vec<SurfaceStep>) {
        let place = self.index.at_flow(at);
        let Some(line) = self.index.get(place.line).cloned() else {
            return self.add_at_end(place, 0, arrival, steps);
        };
        let offset = at - place.flow;
        if arrival.lines.is_empty() {
            return self.add_inside(place, offset, arrival.rest, steps);
        }
        if offset == 0 {
            if line.len == 0 && !line.ended {
                return self.add_at_end(place, 1, arrival, steps);
            }
            let Arrival { lines, rest } = arrival;
            let before = place
                .line
                .checked_sub(1)
                .and_then(|number| self.index.get(number));
            let before = before.map(|line| Rc::clone(&line.look));
            let (new, blocks) = self.whole_lines(lines, before);
            let count = new.len();
            self.replace_whole(place, 0, new, blocks, steps);
            return self.add_inside(self.index.at_line(place.line + count), 0, rest, steps);
        }
        self.add_split(place, offset, arrival, steps);
    }

    /// Lines come inside a line, behind its first `offset` units.
    fn add_split(
        &mut self,
        place: Place,
        offset: u32,
        arrival: Arrival,
        steps: &mut Vec<SurfaceStep>,
    ) {
        self.open_leaf(place, steps);
        let Some(line) = self.index.get(place.line).cloned() else {
            return;
        };
        let Arrival { mut lines, rest } = arrival;
        let (own, attrs) = lines.remove(0);
        let (own_len, own_embeds) = measure(&own);
        let mut first = line.clone();
        first.cut(offset..line.len);
        first.open(offset, own_len, &own_embeds);
        (first.stored, _) = self.format(attrs);
        first.ended = true;
        let (mut new, mut blocks) = self.whole_lines(lines, None);
        new.insert(0, first);
        blocks.insert(
            0,
            SurfaceBlock {
                look: Rc::clone(&line.look),
                content: own,
            },
        );

        let (len, embeds) = measure(&rest);
        let mut last = line.clone();
        last.cut(0..offset);
        last.open(0, len, &embeds);
        // What is left of a divider's line is no divider; settling tells.
        blocks.push(SurfaceBlock {
            look: Rc::clone(&line.look),
            content: rest,
        });
        new.push(last);
        let position = place.view + 1 + offset;
        steps.push(SurfaceStep::Replace {
            from: position,
            to: position,
            slice: Slice {
                open_start: true,
                open_end: true,
                blocks,
            },
        });
        let count = new.len();
        self.index.splice(place.line..place.line + 1, new);
        self.touch(place.line..place.line + count, 1);
    }

    fn add_inside(
        &mut self,
        place: Place,
        offset: u32,
        content: Vec<Inline>,
        steps: &mut Vec<SurfaceStep>,
    ) {
        if content.is_empty() {
            return;
        }
        if self.index.get(place.line).is_none() {
            return self.add_at_end(
                place,
                0,
                Arrival {
                    lines: Vec::new(),
                    rest: content,
                },
                steps,
            );
        }
        self.open_leaf(place, steps);
        let (len, embeds) = measure(&content);
        let position = place.view + 1 + offset;
        let look = self.index.get(place.line).map_or_else(
            || Rc::new(Look::plain(crate::surface::BlockKind::Paragraph)),
            |line| Rc::clone(&line.look),
        );
        steps.push(SurfaceStep::Replace {
            from: position,
            to: position,
            slice: Slice {
                open_start: true,
                open_end: true,
                blocks: vec![SurfaceBlock { look, content }],
            },
        });
        self.index
            .update(place.line, |line| line.open(offset, len, &embeds));
        self.touch(place.line..place.line + 1, 1);
    }

    /// Lines come behind the last newline, in place of the `replaced` empty lines there.
    fn add_at_end(
        &mut self,
        place: Place,
        replaced: usize,
        arrival: Arrival,
        steps: &mut Vec<SurfaceStep>,
    ) {
        let before = place
            .line
            .checked_sub(1)
            .and_then(|number| self.index.get(number));
        let before = before.map(|line| Rc::clone(&line.look));
        let (mut lines, mut blocks) = self.whole_lines(arrival.lines, before);
        if !arrival.rest.is_empty() {
            let (len, embeds) = measure(&arrival.rest);
            let line = self.line_without_newline(len, embeds);
            let look = Rc::clone(&line.look);
            lines.push(line);
            blocks.push(SurfaceBlock {
                look,
                content: arrival.rest,
            });
        }
        self.replace_whole(place, replaced, lines, blocks, steps);
    }

    fn whole_lines(
        &mut self,
        lines: Vec<(Vec<Inline>, Attrs)>,
        mut before: Option<Rc<Look>>,
    ) -> (Vec<Line>, Vec<SurfaceBlock>) {
        lines
            .into_iter()
            .map(|(content, attrs)| {
                let (len, embeds) = measure(&content);
                let (stored, look) = self.format(attrs);
                let mut line = Line {
                    len,
                    ended: true,
                    stored,
                    look,
                    embeds,
                };
                if line.lone_divider().is_some() || before.is_some() {
                    let divider = line.lone_divider().is_some();
                    let stored = Rc::clone(&line.stored);
                    (_, line.look) = self.look_behind(&stored, divider, before.as_deref());
                }
                before = Some(Rc::clone(&line.look));
                let look = Rc::clone(&line.look);
                (line, SurfaceBlock { look, content })
            })
            .unzip()
    }
}

fn content_units(content: &Content) -> u32 {
    match content {
        Content::Text(text) => units(text),
        Content::Embed(_) => 1,
    }
}
