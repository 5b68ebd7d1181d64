//! Updates put together by hand, to be as slow as they can.

use sheaf_shared::testing::bytes::Bytes;

/// The head of one writer's blocks, the writer being 7.
fn head(blocks: u64) -> Bytes {
    Bytes::new().num(1).num(blocks).raw(&[7, 0])
}

/// A writer's letters, each a block beside the one before.
#[must_use]
pub fn neighbours(count: u64, letter: u8) -> Vec<u8> {
    let mut update = head(count).raw(&[4, 1]).text("t").raw(&[1, letter]);
    for clock in 1..count {
        update = update.raw(&[0x84, 7]).num(clock - 1).raw(&[1, letter]);
    }
    update.num(0).0
}

/// A text of so many letters, pasted at the start by a writer of its own.
#[must_use]
pub fn text(writer: u64, letters: usize) -> Vec<u8> {
    let update = Bytes::new().raw(&[1, 1]).num(writer).raw(&[0, 4, 1]);
    update.text("content").text(&"a".repeat(letters)).num(0).0
}

/// Single values, each a block beside the one before.
#[must_use]
pub fn values(count: u64) -> Vec<u8> {
    let mut update = head(count).raw(&[8, 1]).text("t").raw(&[1, 126]);
    for clock in 1..count {
        update = update.raw(&[0x88, 7]).num(clock - 1).raw(&[1, 126]);
    }
    update.num(0).0
}

/// Two letters and a mark, again and again.
#[must_use]
pub fn pairs_and_marks(count: u64) -> Vec<u8> {
    let mut update = head(count).raw(&[4, 1]).text("t").raw(&[1, b'a']);
    for clock in 1..count {
        update = match clock % 3 {
            2 => update.raw(&[0x86, 7]).num(clock - 1).text("b").text("1"),
            _ => update.raw(&[0x84, 7]).num(clock - 1).raw(&[1, b'a']),
        };
    }
    update.num(0).0
}

/// Each letter stands before the one before.
#[must_use]
pub fn backwards(count: u64) -> Vec<u8> {
    let mut update = head(count).raw(&[4, 1]).text("t").raw(&[1, b'a']);
    for clock in 1..count {
        update = update.raw(&[0x44, 7]).num(clock - 1).raw(&[1, b'a']);
    }
    update.num(0).0
}

/// Writer 9's one text, with a letter of writer 7 after each of its letters, in no order.
#[must_use]
pub fn into_a_text(count: u64) -> Vec<u8> {
    let text = "a".repeat(usize::try_from(count).unwrap_or(0) + 1);
    let nine = Bytes::new().raw(&[1, 9, 0, 4, 1]).text("t").text(&text);
    let mut seven = Bytes::new().num(count).raw(&[7, 0]);
    for nth in 0..count {
        // Odd, and no factor of a power of ten.
        let place = nth * 7_919 % count;
        seven = seven.raw(&[0xc4, 9]).num(place).raw(&[9]).num(place + 1);
        seven = seven.raw(&[1, b'b']);
    }
    Bytes::new().num(2).raw(&nine.0).raw(&seven.0).num(0).0
}

/// One key of a map, set by one writer who never knows of having set it before.
#[must_use]
pub fn one_key(count: u64) -> Vec<u8> {
    let mut update = head(count);
    for _ in 0..count {
        update = update.raw(&[0x28, 1]).text("t").text("k").raw(&[1, 126]);
    }
    update.num(0).0
}

/// As many writers put a letter at the same place, each with nothing known; the ids are `id(0)`, `id(1)` and so on, which
/// grow.
#[must_use]
pub fn flock(count: u64, id: impl Fn(u64) -> u64) -> Vec<u8> {
    let mut update = Bytes::new().num(count);
    for nth in (0..count).rev() {
        update = update.raw(&[1]).num(id(nth)).raw(&[0, 4, 1]).text("t");
        update = update.raw(&[1, b'a']);
    }
    update.num(0).0
}

/// A writer's letters in a row, and as many before the first of them, each with another right neighbour.
#[must_use]
pub fn fan(count: u64) -> Vec<u8> {
    let half = count / 2;
    let mut update = head(half * 2).raw(&[4, 1]).text("t").raw(&[1, b'a']);
    for clock in 1..half {
        update = update.raw(&[0x84, 7]).num(clock - 1).raw(&[1, b'a']);
    }
    for nth in 0..half {
        update = update.raw(&[0x44, 7]).num(nth).raw(&[1, b'b']);
    }
    update.num(0).0
}

/// Deletes every letter of writer 7 but the first of each three.
#[must_use]
pub fn deletions(count: u64) -> Vec<u8> {
    let mut update = Bytes::new().raw(&[0, 1, 7]).num(count / 3);
    for range in 0..count / 3 {
        update = update.num(range * 3 + 1).num(2);
    }
    update.0
}

/// Where one writer puts what answers another's.
#[derive(Clone, Copy, Debug)]
pub enum Turn {
    /// Behind it.
    Beside,
    /// Into it.
    Inside,
}

/// Two writers answer each other, `half` times each, each time with something that can hold others.
#[must_use]
pub fn turns(half: u64, turn: Turn) -> Vec<u8> {
    let answer = match turn {
        Turn::Beside => &[0x87][..],
        Turn::Inside => &[7, 0],
    };
    let writer = |me: u64, other: u64, first: Bytes| {
        let section = Bytes::new().num(half).num(me).num(0);
        let mut section = section.raw(&first.0).raw(&[2]);
        for clock in 1..half {
            section = section.raw(answer).num(other);
            section = section.num(clock - u64::from(me == 9)).raw(&[2]);
        }
        section.0
    };
    let nine = writer(9, 7, Bytes::new().raw(&[7, 1, 1, 0x74]));
    let seven = writer(7, 9, Bytes::new().raw(answer).raw(&[9, 0]));
    Bytes::new().num(2).raw(&nine).raw(&seven).num(0).0
}
