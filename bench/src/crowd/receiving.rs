//! What the clients of a crowd make of what they receive.

use std::time::Instant;

use super::{FIRST_CLIENT, Member, State, letter_at};
use crate::ydoc::{self, Said, frame};

impl State {
    pub(super) fn version_of(&self, member: usize) -> Vec<u8> {
        let member = &self.members[member];
        let first = member.doc * self.plan.writers_per_doc;
        let entries: Vec<(u64, u64)> = member
            .have
            .iter()
            .enumerate()
            .map(|(local, &have)| (FIRST_CLIENT + (first + local) as u64, u64::from(have)))
            .filter(|&(_, have)| have > 0)
            .collect();
        ydoc::version(&entries)
    }

    pub(super) fn receive(&mut self, index: usize, bytes: &[u8]) {
        match ydoc::read(bytes) {
            Said::Step1(version) => {
                self.members[index].asked = true;
                self.replies.push((index, frame::empty_step2()));
                self.say_again(index, version);
            }
            Said::Step2(update) => {
                self.members[index].synced = true;
                self.members[index].sync_bytes = update.len();
                self.take(index, update);
            }
            Said::Update(update) => {
                self.seen.frames += 1;
                self.take(index, update);
            }
            Said::Other => {}
        }
    }

    /// What a writer typed and the server does not have.
    fn say_again(&mut self, index: usize, version: &[u8]) {
        let Some(writer) = self.members[index].writer else {
            return;
        };
        let client = FIRST_CLIENT + writer as u64;
        let known = ydoc::clock_in(version, client).unwrap_or(0);
        for clock in known..self.writers[writer].sent_at.len() as u64 {
            let update = ydoc::append(client, clock, letter_at(clock));
            self.replies.push((index, frame::update(&update)));
        }
    }

    fn take(&mut self, index: usize, update: &[u8]) {
        let Self {
            members,
            writers,
            seen,
            problems,
            plan,
            at,
            ..
        } = self;
        let member = &mut members[index];
        let now = Instant::now();
        let first = member.doc * plan.writers_per_doc;
        let Member {
            have,
            writer: own,
            clocks,
            ..
        } = member;
        let read = ydoc::ranges(update, |client, from, to| {
            *clocks += to - from;
            let Some(writer) = client
                .checked_sub(FIRST_CLIENT)
                .map(|writer| writer as usize)
            else {
                return;
            };
            let Some(have) = writer
                .checked_sub(first)
                .and_then(|local| have.get_mut(local))
            else {
                return;
            };
            let (from, to) = (from as u32, to as u32);
            if to <= *have {
                return;
            }
            if from > *have {
                problems.push(format!(
                    "client {index} has {have} characters of writer {writer} and got {from}"
                ));
            }
            if *own != Some(writer) {
                let author = &mut writers[writer];
                let is_same_server = at[author.member] == at[index];
                for clock in *have as usize..to as usize {
                    seen.arrived(now.duration_since(author.sent_at[clock]), is_same_server);
                    author.lacking[clock] -= 1;
                }
                while author.lacking.get(author.complete) == Some(&0) {
                    author.complete += 1;
                }
            }
            *have = to;
        });
        if read.is_none() {
            problems.push(format!(
                "client {index} got an update the load cannot have caused"
            ));
        }
    }
}
