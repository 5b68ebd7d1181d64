//! A person's end of the line: it is dialled, carries frames, breaks, and is told so, or not.

use sheaf_shared::sync::client::{Input, SocketId};
use sheaf_shared::time::MonotonicMs;
use sheaf_shared::wire::hocuspocus::Frame;

use crate::person::Program;
use crate::world::{Event, LineId, World};

impl World {
    pub(crate) fn dialled(&mut self, person: usize, dial: u64, life: u32) {
        let someone = &self.people[person];
        // A tab that was closed meanwhile.
        if someone.lives != life {
            return;
        }
        let is_wanted = match &someone.program {
            Program::Sheaf { .. } => someone.dial == dial || someone.look == Some(dial),
            Program::Stock(stock) => stock.wants(dial) && someone.line.is_none(),
            Program::Hostile(villain) => villain.wants(dial) && someone.line.is_none(),
        };
        if !is_wanted {
            return;
        }
        if !someone.network || !self.lets_in() {
            return self.person_loses_line(person, dial, 1006);
        }
        let line = self.open_line(person, dial);
        if self.people[person].look == Some(dial) {
            self.people[person].beside = Some(line);
        } else {
            self.people[person].line = Some(line);
        }
        match self.people[person].program {
            Program::Sheaf { .. } => self.drive(person, Input::SocketOpened(SocketId(dial))),
            Program::Stock(_) => self.stock_greets(person),
            Program::Hostile(_) => self.villain_is_in(person),
        }
    }

    pub(crate) fn person_dials(&mut self, person: usize, dial: u64) {
        let wait = self.people[person].chance.within(1..40);
        let life = self.people[person].lives;
        self.after(wait, Event::Dialled { person, dial, life });
    }

    fn person_loses_line(&mut self, person: usize, dial: u64, code: u16) {
        if self.people[person].look == Some(dial) {
            self.people[person].beside = None;
        } else {
            self.people[person].line = None;
        }
        match self.people[person].program {
            Program::Sheaf { .. } => {
                let socket = SocketId(dial);
                self.drive(person, Input::SocketClosed { socket, code });
            }
            Program::Stock(_) => {
                let wait = self.people[person].chance.within(100..2_500);
                self.stock_dials(person, wait);
            }
            Program::Hostile(_) => {
                let wait = self.people[person].chance.within(50..1_500);
                self.villain_dials(person, wait);
            }
        }
    }

    pub(crate) fn person_cut(&mut self, line: LineId, code: u16) {
        let Some((person, dial)) = self.lines.get(&line).map(|line| (line.person, line.dial))
        else {
            return;
        };
        self.lines.remove(&line);
        if self.is_heard(person, line) {
            self.person_loses_line(person, dial, code);
        }
    }

    fn is_heard(&self, person: usize, line: LineId) -> bool {
        let someone = &self.people[person];
        [someone.line, someone.beside].contains(&Some(line))
    }

    /// Hangs up whatever there is.
    pub(crate) fn person_hangs_up(&mut self, person: usize) {
        let someone = &mut self.people[person];
        someone.look = None;
        let both = [someone.line.take(), someone.beside.take()];
        for line in both.into_iter().flatten() {
            self.hang_up(person, line);
        }
    }

    fn hang_up(&mut self, person: usize, line: LineId) {
        self.lines.remove(&line);
        let wait = self.people[person].chance.below(50);
        self.after(wait, Event::ServerCut { line });
    }

    /// Hangs up one of two: the other is the line then.
    pub(crate) fn person_drops(&mut self, person: usize, dial: u64) {
        let someone = &mut self.people[person];
        let dropped = if someone.look == Some(dial) {
            someone.look = None;
            someone.beside.take()
        } else {
            let dropped = someone.line.take();
            someone.line = someone.beside.take();
            someone.dial = someone.look.take().unwrap_or(0);
            dropped
        };
        if let Some(line) = dropped {
            self.hang_up(person, line);
        }
    }

    pub(crate) fn ping(&mut self, person: usize, dial: u64) {
        let someone = &self.people[person];
        let open = [someone.line, someone.beside].into_iter().flatten();
        let mut open = open.filter(|id| self.lines.get(id).is_some_and(|line| line.dial == dial));
        if let Some(id) = open.next() {
            self.send_on(person, id, Frame::Ping.to_vec());
        }
    }

    pub(crate) fn at_person(&mut self, id: LineId, frame: &[u8]) {
        let Some(line) = self.lines.get(&id) else {
            return;
        };
        let (person, socket) = (line.person, SocketId(line.dial));
        if !self.is_heard(person, id) {
            return;
        }
        match self.people[person].program {
            Program::Sheaf { .. } => self.drive(person, Input::Received { socket, frame }),
            Program::Stock(_) => self.stock_hears(person, frame),
            Program::Hostile(_) => self.villain_hears(person, frame),
        }
    }

    pub(crate) fn send_up(&mut self, person: usize, frame: Vec<u8>) {
        if let Some(id) = self.people[person].line {
            self.send_on(person, id, frame);
        }
    }

    fn send_on(&mut self, person: usize, id: LineId, frame: Vec<u8>) {
        let delay = self.people[person].chance.within(1..25);
        let Some(line) = self.lines.get_mut(&id) else {
            return;
        };
        line.last_up = line.last_up.max(self.now.0 + delay);
        let at = MonotonicMs(line.last_up);
        let frame = frame.into();
        self.at(at, Event::AtServer { line: id, frame });
    }

    /// The line breaks: what is on it is lost. Sometimes nobody tells the person, and only silence will.
    pub(crate) fn cut_person(&mut self, person: usize) {
        let Some(line) = self.people[person].line else {
            return;
        };
        self.seen.cuts += 1;
        let mut chance = self.people[person].chance.fork();
        let is_stock = matches!(self.people[person].program, Program::Stock(_));
        let dial = self.lines.get(&line).map_or(0, |line| line.dial);
        self.lines.remove(&line);
        if is_stock || chance.chance(0.8) {
            self.person_loses_line(person, dial, 1006);
        }
        self.after(chance.below(3_000), Event::ServerCut { line });
    }

    pub(crate) fn toggle_network(&mut self, person: usize) {
        if !self.people[person].network {
            return self.network_back(person);
        }
        self.people[person].network = false;
        self.drive(person, Input::NetworkGone);
        if matches!(self.people[person].program, Program::Stock(_)) {
            self.cut_person(person);
        }
    }

    pub(crate) fn network_back(&mut self, person: usize) {
        self.people[person].network = true;
        self.drive(person, Input::NetworkBack);
    }
}
