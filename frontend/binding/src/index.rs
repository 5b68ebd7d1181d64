//! The lines of a flow as the surface shows them, without their text: how long each is and how it looks.
//!
//! Finding a line by number, flow offset or surface position, and replacing lines, cost a step over the chunks
//! and one over the lines of a chunk: a few microseconds at 30,000 blocks.

use std::ops::Range;
use std::rc::Rc;

use sheaf_shared::flow::delta::Attrs;
use yrs::Any;

use crate::surface::Look;

/// Lines in a chunk when chunks are made anew, and the most it may grow to.
const CHUNK_LINES: usize = 96;
const CHUNK_LINES_MAX: usize = 256;

/// An embed in a line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EmbedAt {
    /// Offset in the line.
    pub(crate) at: u32,
    /// Value and attributes, kept for dividers only: these are drawn as a block or as a piece of text,
    /// depending on what else is in the line.
    pub(crate) divider: Option<Rc<(Any, Attrs)>>,
}

/// One line: everything up to and with its newline.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// Units before the newline.
    pub(crate) len: u32,
    /// Whether the newline is in the flow. Only the last line of a flow can lack it.
    pub(crate) ended: bool,
    /// The newline's attributes as stored.
    pub(crate) stored: Rc<Attrs>,
    /// What the surface shows.
    pub(crate) look: Rc<Look>,
    /// In order of offset; nearly always empty.
    pub(crate) embeds: Vec<EmbedAt>,
}

impl Line {
    pub(crate) const fn flow_len(&self) -> u32 {
        self.len + self.ended as u32
    }

    pub(crate) fn view_len(&self) -> u32 {
        if self.look.is_leaf() { 1 } else { self.len + 2 }
    }

    /// The divider this line consists of, if that is all there is in it.
    pub(crate) fn lone_divider(&self) -> Option<&Rc<(Any, Attrs)>> {
        match self.embeds.as_slice() {
            [
                EmbedAt {
                    at: 0,
                    divider: Some(divider),
                },
            ] if self.len == 1 => Some(divider),
            _ => None,
        }
    }

    /// Cuts `range` out of the line's content.
    pub(crate) fn cut(&mut self, range: Range<u32>) {
        let gone = range.end - range.start;
        self.len -= gone;
        self.embeds.retain(|embed| !range.contains(&embed.at));
        for embed in &mut self.embeds {
            if embed.at >= range.end {
                embed.at -= gone;
            }
        }
    }

    /// Makes room for `len` units at `at` and puts `embeds` (offsets from `at`) there.
    pub(crate) fn open(&mut self, at: u32, len: u32, embeds: &[EmbedAt]) {
        let split = self.embeds.partition_point(|embed| embed.at < at);
        for embed in &mut self.embeds[split..] {
            embed.at += len;
        }
        let put = embeds.iter().map(|embed| EmbedAt {
            at: embed.at + at,
            ..embed.clone()
        });
        self.embeds.splice(split..split, put);
        self.len += len;
    }

    /// Puts the content of `other` behind this line's.
    pub(crate) fn append(&mut self, other: &Self) {
        let at = self.len;
        self.open(at, other.len, &other.embeds);
    }
}

/// Where something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Number of the line; the count of lines if it is behind them all.
    pub(crate) line: usize,
    /// Flow offset at which the line begins.
    pub(crate) flow: u32,
    /// Surface position at which the line begins.
    pub(crate) view: u32,
}

struct Chunk {
    lines: Vec<Line>,
    flow: u32,
    view: u32,
}

impl Chunk {
    fn new(lines: Vec<Line>) -> Self {
        let mut chunk = Self {
            lines,
            flow: 0,
            view: 0,
        };
        chunk.sum();
        chunk
    }

    fn sum(&mut self) {
        self.flow = self.lines.iter().map(Line::flow_len).sum();
        self.view = self.lines.iter().map(Line::view_len).sum();
    }
}

/// Every line, in order.
#[derive(Default)]
pub(crate) struct Index {
    chunks: Vec<Chunk>,
}

impl Index {
    pub(crate) fn count(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.lines.len()).sum()
    }

    pub(crate) fn end(&self) -> Place {
        self.seek(|_, _| false)
    }

    /// The line in which flow offset `offset` lies (at its newline still counts); the end if it is behind the
    /// last newline.
    pub(crate) fn at_flow(&self, offset: u32) -> Place {
        let last = self.count().saturating_sub(1);
        self.seek(|place, line| {
            let end = place.flow + line.flow_len();
            offset < end || (!line.ended && place.line == last && offset == end)
        })
    }

    /// The line that holds surface position `position`, or begins there.
    pub(crate) fn at_view(&self, position: u32) -> Place {
        self.seek(|place, line| position < place.view + line.view_len())
    }

    pub(crate) fn at_line(&self, number: usize) -> Place {
        let mut place = Place {
            line: 0,
            flow: 0,
            view: 0,
        };
        for chunk in &self.chunks {
            if place.line + chunk.lines.len() > number {
                for line in &chunk.lines[..number - place.line] {
                    advance(&mut place, line);
                }
                return place;
            }
            skip(&mut place, chunk);
        }
        place
    }

    /// The first line for which `found` holds. It must hold for all lines behind that one too.
    fn seek(&self, found: impl Fn(&Place, &Line) -> bool) -> Place {
        let mut place = Place {
            line: 0,
            flow: 0,
            view: 0,
        };
        for chunk in &self.chunks {
            let Some(last) = chunk.lines.last() else {
                continue;
            };
            let mut at_last = place;
            at_last.line += chunk.lines.len() - 1;
            at_last.flow += chunk.flow - last.flow_len();
            at_last.view += chunk.view - last.view_len();
            if !found(&at_last, last) {
                skip(&mut place, chunk);
                continue;
            }
            for line in &chunk.lines {
                if found(&place, line) {
                    return place;
                }
                advance(&mut place, line);
            }
        }
        place
    }

    fn locate(&self, number: usize) -> Option<(usize, usize)> {
        let mut first = 0;
        for (at, chunk) in self.chunks.iter().enumerate() {
            if number < first + chunk.lines.len() {
                return Some((at, number - first));
            }
            first += chunk.lines.len();
        }
        None
    }

    pub(crate) fn get(&self, number: usize) -> Option<&Line> {
        let (chunk, slot) = self.locate(number)?;
        self.chunks[chunk].lines.get(slot)
    }

    /// Changes one line in place.
    pub(crate) fn update(&mut self, number: usize, change: impl FnOnce(&mut Line)) {
        let Some((chunk, slot)) = self.locate(number) else {
            return;
        };
        let chunk = &mut self.chunks[chunk];
        let line = &mut chunk.lines[slot];
        let (flow, view) = (line.flow_len(), line.view_len());
        change(line);
        chunk.flow = chunk.flow - flow + line.flow_len();
        chunk.view = chunk.view - view + line.view_len();
    }

    /// The lines of `range`, in order.
    pub(crate) fn lines(&self, range: Range<usize>) -> impl Iterator<Item = &Line> {
        let (mut first, len) = (range.start, range.end.saturating_sub(range.start));
        let skipped = self
            .chunks
            .iter()
            .position(|chunk| {
                let here = first < chunk.lines.len();
                if !here {
                    first -= chunk.lines.len();
                }
                here
            })
            .unwrap_or(self.chunks.len());
        self.chunks[skipped..]
            .iter()
            .flat_map(|chunk| &chunk.lines)
            .skip(first)
            .take(len)
    }

    /// Puts `lines` in place of those of `range`.
    pub(crate) fn splice(&mut self, range: Range<usize>, lines: Vec<Line>) {
        let count = self.count();
        let range = range.start.min(count)..range.end.min(count);
        let Some((from, from_slot)) = self
            .locate(range.start)
            .or_else(|| self.locate(count.checked_sub(1)?))
        else {
            self.chunks = chunked(lines);
            return;
        };
        let from_slot = if range.start == count {
            self.chunks[from].lines.len()
        } else {
            from_slot
        };
        let (mut to, mut to_slot) = (from, from_slot + (range.end - range.start));
        while to_slot > self.chunks[to].lines.len() {
            to_slot -= self.chunks[to].lines.len();
            to += 1;
        }
        if from == to {
            let chunk = &mut self.chunks[from];
            chunk.lines.splice(from_slot..to_slot, lines);
            chunk.sum();
            if !chunk.lines.is_empty() && chunk.lines.len() <= CHUNK_LINES_MAX {
                return;
            }
            let lines = std::mem::take(&mut chunk.lines);
            self.chunks.splice(from..=from, chunked(lines));
            return;
        }
        let mut all = self.chunks[from].lines[..from_slot].to_vec();
        all.extend(lines);
        all.extend_from_slice(&self.chunks[to].lines[to_slot..]);
        self.chunks.splice(from..=to, chunked(all));
    }
}

fn advance(place: &mut Place, line: &Line) {
    place.line += 1;
    place.flow += line.flow_len();
    place.view += line.view_len();
}

const fn skip(place: &mut Place, chunk: &Chunk) {
    place.line += chunk.lines.len();
    place.flow += chunk.flow;
    place.view += chunk.view;
}

fn chunked(lines: Vec<Line>) -> Vec<Chunk> {
    let mut chunks = Vec::with_capacity(lines.len() / CHUNK_LINES + 1);
    let mut rest = lines.into_iter();
    loop {
        let some: Vec<Line> = rest.by_ref().take(CHUNK_LINES).collect();
        if some.is_empty() {
            return chunks;
        }
        chunks.push(Chunk::new(some));
    }
}
