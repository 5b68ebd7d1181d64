//! Cuts one block: a text, a list of values, or a run. The second piece stands behind the first, as if its writer had
//! stopped for a moment in between.

use super::{Gate, OrRefuse, Refusal, STORED, Taken};
use crate::bytes::{Reader, put_text, put_var_uint};
use crate::gate::update::content::{ANY, DELETED, STRING, utf16_units};
use crate::gate::update::{COLLECTED, HAS_ORIGIN, HAS_PARENT_KEY, HAS_RIGHT_ORIGIN, Id};
use crate::limits::{RUN_CLOCKS_MAX, UPDATE_VALUES_MAX};

/// A piece of a block: a block too.
pub(super) struct Piece {
    pub(super) taken: Taken,
    pub(super) bytes: Vec<u8>,
}

/// Cuts a block into pieces of at most about `room` bytes; each holds a character or a value at least. One that can't be cut is
/// its only piece.
pub(super) fn split(update: &[u8], block: &Taken, room: usize) -> Result<Vec<Piece>, Refusal> {
    let mut cutter = Cutter::new(&update[block.bytes.clone()], block, room)?;
    match cutter.kind {
        COLLECTED | DELETED => cutter.run(block.clocks),
        STRING => cutter.text()?,
        ANY => cutter.values()?,
        _ => {
            let whole = update[block.bytes.clone()].to_vec();
            let (clocks, values) = (block.clocks, block.values);
            cutter.pieces.push(cutter.piece(whole, clocks, values));
        }
    }
    Ok(cutter.pieces)
}

struct Cutter<'a> {
    block: &'a [u8],
    room: usize,
    id: Id,
    /// The kind of its content.
    kind: u8,
    /// What stands before the content.
    head: &'a [u8],
    /// Its right neighbour, as it stands there; may be empty.
    right: &'a [u8],
    content_at: usize,
    pieces: Vec<Piece>,
}

impl<'a> Cutter<'a> {
    fn new(block: &'a [u8], taken: &Taken, room: usize) -> Result<Self, Refusal> {
        let mut reader = Reader::new(block);
        let info = reader.byte().or_refuse(0)?;
        let mut right: &[u8] = &[];
        if info != COLLECTED {
            if info & HAS_ORIGIN != 0 {
                skip_id(&mut reader)?;
            }
            if info & HAS_RIGHT_ORIGIN != 0 {
                let from = reader.at();
                skip_id(&mut reader)?;
                right = &block[from..reader.at()];
            }
            if info & (HAS_ORIGIN | HAS_RIGHT_ORIGIN) == 0 {
                skip_parent(&mut reader, info)?;
            }
        }
        let content_at = reader.at();
        Ok(Self {
            block,
            room,
            id: taken.id,
            kind: info & 0x0f,
            head: &block[..content_at],
            right,
            content_at,
            pieces: Vec::new(),
        })
    }

    /// What stands before the content of the piece at `clock`.
    fn head_at(&self, clock: u32) -> Vec<u8> {
        if self.kind == COLLECTED || clock == self.id.clock {
            return self.head.to_vec();
        }
        let info = self.head[0] & (HAS_RIGHT_ORIGIN | HAS_PARENT_KEY | 0x0f);
        let mut head = vec![info | HAS_ORIGIN];
        put_var_uint(&mut head, self.id.client);
        put_var_uint(&mut head, u64::from(clock - 1));
        head.extend_from_slice(self.right);
        head
    }

    /// Clock of the next piece.
    fn clock(&self) -> u32 {
        self.pieces.last().map_or(self.id.clock, |piece| {
            piece.taken.id.clock + piece.taken.clocks
        })
    }

    fn piece(&self, bytes: Vec<u8>, clocks: u32, values: u32) -> Piece {
        let id = Id {
            client: self.id.client,
            clock: self.clock(),
        };
        Piece {
            taken: Taken {
                id,
                clocks,
                values,
                bytes: 0..bytes.len(),
            },
            bytes,
        }
    }

    fn run(&mut self, clocks: u32) {
        let mut left = clocks;
        while left > 0 {
            let clocks = left.min(RUN_CLOCKS_MAX);
            let mut bytes = self.head_at(self.clock());
            put_var_uint(&mut bytes, u64::from(clocks));
            self.pieces.push(self.piece(bytes, clocks, 0));
            left -= clocks;
        }
    }

    fn text(&mut self) -> Result<(), Refusal> {
        let mut reader = Reader::new(&self.block[self.content_at..]);
        let mut left = reader.text().or_refuse(self.content_at)?;
        while !left.is_empty() {
            let mut bytes = self.head_at(self.clock());
            let room = self.room.saturating_sub(bytes.len() + super::COUNT_BYTES);
            let first = left.chars().next().map_or(0, char::len_utf8);
            let mut end = room.min(left.len());
            // Never inside a character: its halves would be lost.
            while !left.is_char_boundary(end) {
                end -= 1;
            }
            let end = end.max(first);
            let (piece, rest) = left.split_at(end);
            put_text(&mut bytes, piece);
            self.pieces.push(self.piece(bytes, utf16_units(piece), 0));
            left = rest;
        }
        Ok(())
    }

    fn values(&mut self) -> Result<(), Refusal> {
        let mut gate = Gate::new(self.block, &STORED);
        gate.reader.go_to(self.content_at);
        let mut left = gate.reader.var_u32().or_refuse(self.content_at)?;
        while left > 0 {
            let mut bytes = self.head_at(self.clock());
            let room = self.room.saturating_sub(bytes.len() + super::COUNT_BYTES);
            let from = gate.reader.at();
            gate.tally.values = 0;
            let (mut count, mut values, mut end) = (0, 0, from);
            while count < left {
                gate.value(1)?;
                let is_too_much =
                    gate.reader.at() - from > room || gate.tally.values > UPDATE_VALUES_MAX;
                if is_too_much && count > 0 {
                    break;
                }
                (count, values, end) = (count + 1, gate.tally.values, gate.reader.at());
            }
            gate.reader.go_to(end);
            put_var_uint(&mut bytes, u64::from(count));
            bytes.extend_from_slice(&self.block[from..end]);
            self.pieces.push(self.piece(bytes, count, values));
            left -= count;
        }
        Ok(())
    }
}

fn skip_id(reader: &mut Reader<'_>) -> Result<(), Refusal> {
    let at = reader.at();
    reader.var_uint().or_refuse(at)?;
    reader.var_uint().map(drop).or_refuse(at)
}

fn skip_parent(reader: &mut Reader<'_>, info: u8) -> Result<(), Refusal> {
    let at = reader.at();
    if reader.var_u32().or_refuse(at)? == 1 {
        reader.text().or_refuse(at)?;
    } else {
        skip_id(reader)?;
    }
    if info & HAS_PARENT_KEY != 0 {
        reader.text().or_refuse(at)?;
    }
    Ok(())
}
