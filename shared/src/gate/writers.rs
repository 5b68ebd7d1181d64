//! Who is listed: nobody twice, not too many, and not in a way that makes lookups slow.

use super::Refusal;
use crate::sorting::sort;

/// The writers of one list.
pub(super) struct Writers {
    listed: Vec<u64>,
    most: usize,
    most_alike: usize,
}

impl Writers {
    /// An empty list for at most `most` writers, of whom at most `most_alike` agree in the low bits of their ids.
    pub(super) const fn new(most: usize, most_alike: usize) -> Self {
        Self {
            listed: Vec::new(),
            most,
            most_alike,
        }
    }

    /// One more.
    pub(super) fn add(&mut self, client: u64, at: usize) -> Result<(), Refusal> {
        if self.listed.len() >= self.most {
            return Err(Refusal::new("too many writers", at));
        }
        self.listed.push(client);
        Ok(())
    }

    /// That was all of them.
    pub(super) fn finish(mut self, at: usize) -> Result<(), Refusal> {
        // Encoders list writers in order, up or down; then this takes one pass.
        sort(&mut self.listed, |a, b| a < b);
        if self.listed.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Refusal::new("a writer is listed twice", at));
        }
        if self.listed.len() > self.most_alike {
            let mut low_bits: Vec<u64> = self.listed.iter().map(|client| client & 0xFFFF).collect();
            sort(&mut low_bits, |a, b| a < b);
            if low_bits
                .chunk_by(|a, b| a == b)
                .any(|alike| alike.len() > self.most_alike)
            {
                return Err(Refusal::new("the writers' ids are too much alike", at));
            }
        }
        Ok(())
    }
}
