//! Cuts a long update into parts, each of which passes the gate, and fits a document that was given those before it.
//!
//! Blocks go in an order in which each finds what it refers to, deleted ranges last. What a part may not hold
//! for the gate (bytes, blocks, values, writers, long runs) begins the next one; a block that is too long alone is
//! cut, if its kind can be.
//!
//! The same packing makes strides of an update that would take long to apply at once.

mod split;

use std::collections::BTreeMap;

use super::inspected::Facts;
use super::order::{LeftOut, Taken, Walk};
use super::{Gate, OrRefuse, Refusal, STORED, inspect, inspect_stored};
use crate::bytes::{Reader, put_var_uint, var_uint_bytes};
use crate::ids::ClientId;
use crate::limits::{
    CATCH_UP_PART_BYTES, CATCH_UP_WHOLE_BYTES, LIKE_WRITERS_MAX, RUN_CLOCKS_MAX, UPDATE_BLOCKS_MAX,
    UPDATE_BYTES_MAX, UPDATE_DELETIONS_MAX, UPDATE_VALUES_MAX, UPDATE_WRITERS_MAX,
};

/// How long messages of a catch-up may be, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartBytes {
    /// What is no longer goes whole.
    pub whole_max: usize,
    /// Each part of what is longer.
    pub part_max: usize,
}

impl PartBytes {
    /// What both ends of Sheaf use.
    pub const USUAL: Self = Self {
        whole_max: CATCH_UP_WHOLE_BYTES,
        part_max: CATCH_UP_PART_BYTES,
    };

    /// Everything in one message if it has no more than `bytes`, and no part longer than that.
    #[must_use]
    pub const fn at_most(bytes: usize) -> Self {
        Self {
            whole_max: bytes,
            part_max: if bytes < CATCH_UP_PART_BYTES {
                bytes
            } else {
                CATCH_UP_PART_BYTES
            },
        }
    }
}

/// Cuts an update into parts; one that is short enough and passes the gate stays as it is. A part is longer than asked only
/// when it holds one thing that can't be cut: a picture, an embed.
///
/// Whoever can take `update` whole can take the parts one after the other, nothing waits for a later one, and in the end
/// both hold the same. It may have grown, in many lawful updates, beyond what one update may be.
///
/// # Errors
/// [`Refusal`] if the bytes are no update, or one with stretches left out.
pub fn in_parts(update: Vec<u8>, bytes: PartBytes) -> Result<Vec<Vec<u8>>, Refusal> {
    if update.len() <= bytes.whole_max && inspect(&update).is_ok() {
        return Ok(vec![update]);
    }
    let facts = inspect_stored(&update)?.facts;
    let mut packer = Packer {
        update: &update,
        bytes_max: bytes.part_max.min(UPDATE_BYTES_MAX),
        blocks_max: UPDATE_BLOCKS_MAX,
        too_long: TooLong::IsCut,
        done: Vec::new(),
        part: Part::default(),
    };
    packer.pack(&facts)?;
    if packer.done.is_empty() {
        packer.done.push(Part::default().encode());
    }
    Ok(packer.done)
}

/// Longest stride, in bytes, unless a single block is longer; and most blocks in one. While a transaction of `yrs` 0.28.1
/// commits, it joins neighbouring blocks from right to left and copies what it has joined each time: 260,000 letters
/// that were typed one by one take seconds at once, and a few milliseconds in strides.
const STRIDE_BYTES: usize = 16 * 1024;
const STRIDE_BLOCKS: u32 = 256;

/// Cuts an update into strides if more than [`STRIDE_BLOCKS`] of its blocks will be joined: short ones, to be applied one
/// after the other, in which everything finds what it refers to.
///
/// None for one with stretches left out, or whose blocks wait for each other: nobody sends such updates many blocks long.
pub(super) fn in_strides(update: &[u8], facts: &Facts) -> Option<Vec<Vec<u8>>> {
    if facts.joins <= STRIDE_BLOCKS {
        return None;
    }
    let mut packer = Packer {
        update,
        bytes_max: STRIDE_BYTES,
        blocks_max: STRIDE_BLOCKS,
        too_long: TooLong::StaysWhole,
        done: Vec::new(),
        part: Part::default(),
    };
    packer.pack(facts).ok()?;
    Some(packer.done)
}

struct Packer<'a> {
    update: &'a [u8],
    bytes_max: usize,
    blocks_max: u32,
    too_long: TooLong,
    done: Vec<Vec<u8>>,
    part: Part,
}

/// What becomes of a block that is longer than a part may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TooLong {
    IsCut,
    StaysWhole,
}

/// A part that is being put together.
#[derive(Default)]
struct Part {
    sections: BTreeMap<u64, Listed>,
    deleted: BTreeMap<u64, Listed>,
    /// At least as many bytes as it will have beside [`Part::EMPTY_BYTES`].
    bytes: usize,
    blocks: u32,
    values: u32,
    ranges: u32,
    /// Writers by the low bits of their ids, of the blocks and of the deleted ranges.
    alike: [BTreeMap<u64, u32>; 2],
}

/// One writer's blocks, or deleted ranges.
struct Listed {
    /// Of the first block.
    clock: u32,
    count: u32,
    body: Vec<u8>,
}

impl Listed {
    const fn from(clock: u32) -> Self {
        Self {
            clock,
            count: 0,
            body: Vec::new(),
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.count += 1;
        self.body.extend_from_slice(bytes);
    }
}

/// By which `yrs` finds a writer.
const fn low_bits(client: u64) -> u64 {
    client & 0xFFFF
}

/// Most bytes of a number of at most 32 bits.
const COUNT_BYTES: usize = 5;

impl Part {
    /// Most bytes of the two counts of writers.
    const EMPTY_BYTES: usize = 2 * COUNT_BYTES;

    fn is_empty(&self) -> bool {
        self.sections.is_empty() && self.deleted.is_empty()
    }

    /// Bytes that the head of a writer's blocks takes in addition.
    fn head_bytes(&self, client: u64, clock: u32) -> usize {
        if self.sections.contains_key(&client) {
            0
        } else {
            COUNT_BYTES + var_uint_bytes(client) + var_uint_bytes(u64::from(clock))
        }
    }

    fn takes_writer(listed: usize, alike: &BTreeMap<u64, u32>, client: u64) -> bool {
        listed < UPDATE_WRITERS_MAX
            && alike
                .get(&low_bits(client))
                .is_none_or(|count| (*count as usize) < LIKE_WRITERS_MAX)
    }

    fn takes_block(&self, client: u64, values: u32, blocks_max: u32) -> bool {
        self.blocks < blocks_max
            && self.values.saturating_add(values) <= UPDATE_VALUES_MAX
            && (self.sections.contains_key(&client)
                || Self::takes_writer(self.sections.len(), &self.alike[0], client))
    }

    fn takes_range(&self, client: u64) -> bool {
        self.ranges < UPDATE_DELETIONS_MAX
            && (self.deleted.contains_key(&client)
                || Self::takes_writer(self.deleted.len(), &self.alike[1], client))
    }

    fn encode(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::EMPTY_BYTES + self.bytes);
        put_var_uint(&mut bytes, self.sections.len() as u64);
        // Highest first, as every encoder of the family does.
        for (client, section) in self.sections.into_iter().rev() {
            put_var_uint(&mut bytes, u64::from(section.count));
            put_var_uint(&mut bytes, client);
            put_var_uint(&mut bytes, u64::from(section.clock));
            bytes.extend_from_slice(&section.body);
        }
        put_var_uint(&mut bytes, self.deleted.len() as u64);
        for (client, deleted) in self.deleted.into_iter().rev() {
            put_var_uint(&mut bytes, client);
            put_var_uint(&mut bytes, u64::from(deleted.count));
            bytes.extend_from_slice(&deleted.body);
        }
        bytes
    }
}

impl Packer<'_> {
    fn pack(&mut self, facts: &Facts) -> Result<(), Refusal> {
        self.blocks(facts)?;
        self.deletions(facts)?;
        self.close();
        Ok(())
    }

    fn blocks(&mut self, facts: &Facts) -> Result<(), Refusal> {
        let sections = &facts.sections;
        let mut from = BTreeMap::new();
        for section in sections {
            from.insert(ClientId(section.client), section.clock);
        }
        // Whoever takes the update knows what it builds on.
        let known = |client: ClientId| from.get(&client).copied().unwrap_or(u32::MAX);
        let mut walk = Walk::new(self.update, sections, known, LeftOut::Lacks);
        while let Some(taken) = walk.next() {
            self.block(&taken)?;
        }
        if walk.is_through() {
            Ok(())
        } else {
            Err(Refusal::new("its blocks can't be put in order", 0))
        }
    }

    fn block(&mut self, taken: &Taken) -> Result<(), Refusal> {
        let length = taken.bytes.len();
        if self.has_room(taken, length) {
            let block = &self.update[taken.bytes.clone()];
            self.put(taken, block);
            return Ok(());
        }
        if !self.part.is_empty() {
            self.close();
            return self.block(taken);
        }
        if self.too_long == TooLong::StaysWhole {
            let block = &self.update[taken.bytes.clone()];
            self.put(taken, block);
            return Ok(());
        }
        // Later pieces have longer clocks.
        let room = self.room_for(taken).saturating_sub(COUNT_BYTES);
        for piece in split::split(self.update, taken, room)? {
            self.close();
            self.put(&piece.taken, &piece.bytes);
        }
        Ok(())
    }

    /// Bytes left for a block.
    fn room_for(&self, taken: &Taken) -> usize {
        let used = Part::EMPTY_BYTES
            + self.part.bytes
            + self.part.head_bytes(taken.id.client, taken.id.clock);
        self.bytes_max.saturating_sub(used)
    }

    fn has_room(&self, taken: &Taken, length: usize) -> bool {
        // Only blocks without content have more clocks than bytes.
        let is_long_run = taken.clocks > RUN_CLOCKS_MAX;
        !is_long_run
            && length <= self.room_for(taken)
            && (self.part).takes_block(taken.id.client, taken.values, self.blocks_max)
    }

    fn put(&mut self, taken: &Taken, block: &[u8]) {
        let client = taken.id.client;
        self.part.bytes += block.len() + self.part.head_bytes(client, taken.id.clock);
        self.part.blocks += 1;
        self.part.values = self.part.values.saturating_add(taken.values);
        let alike = &mut self.part.alike[0];
        let section = self.part.sections.entry(client).or_insert_with(|| {
            *alike.entry(low_bits(client)).or_insert(0) += 1;
            Listed::from(taken.id.clock)
        });
        section.take(block);
    }

    fn deletions(&mut self, facts: &Facts) -> Result<(), Refusal> {
        let mut reader = Reader::new(self.update);
        reader.go_to(facts.deleted_at);
        let at = facts.deleted_at;
        for _ in 0..reader.var_uint().or_refuse(at)? {
            let client = reader.var_uint().or_refuse(at)?;
            for _ in 0..reader.var_uint().or_refuse(at)? {
                let from = reader.at();
                reader.var_uint().or_refuse(at)?;
                reader.var_uint().or_refuse(at)?;
                let range = &self.update[from..reader.at()];
                self.range(client, range);
            }
        }
        Ok(())
    }

    fn range(&mut self, client: u64, range: &[u8]) {
        let head_bytes = |part: &Part| match part.deleted.contains_key(&client) {
            true => 0,
            false => COUNT_BYTES + var_uint_bytes(client),
        };
        let bytes = Part::EMPTY_BYTES + self.part.bytes + head_bytes(&self.part) + range.len();
        let has_room = bytes <= self.bytes_max && self.part.takes_range(client);
        if !has_room && !self.part.is_empty() {
            self.close();
        }
        self.part.bytes += range.len() + head_bytes(&self.part);
        self.part.ranges += 1;
        let alike = &mut self.part.alike[1];
        let deleted = self.part.deleted.entry(client).or_insert_with(|| {
            *alike.entry(low_bits(client)).or_insert(0) += 1;
            Listed::from(0)
        });
        deleted.take(range);
    }

    fn close(&mut self) {
        if !self.part.is_empty() {
            self.done.push(std::mem::take(&mut self.part).encode());
        }
    }
}
