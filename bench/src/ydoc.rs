//! Just enough of the Yjs encoding to play many writers cheaply: updates that append one character, and a reader
//! of the ranges an incoming update brings.

/// Appends `value` as a variable-length integer.
pub fn put_uint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_uint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Name of the root text the writers append to.
pub const ROOT: &str = "content";

const STRING: u8 = 4;
const HAS_LEFT: u8 = 0x80;
const HAS_RIGHT: u8 = 0x40;
const HAS_PARENT_SUB: u8 = 0x20;

/// The update by which writer `client` appends the character `letter` after its own character `clock - 1`.
#[must_use]
pub fn append(client: u64, clock: u64, letter: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(32);
    out.extend_from_slice(&[1, 1]);
    put_uint(&mut out, client);
    put_uint(&mut out, clock);
    if clock == 0 {
        out.extend_from_slice(&[STRING, 1]);
        put_bytes(&mut out, ROOT.as_bytes());
    } else {
        out.push(STRING | HAS_LEFT);
        put_uint(&mut out, client);
        put_uint(&mut out, clock - 1);
    }
    out.extend_from_slice(&[1, letter, 0]);
    out
}

/// Frames of the y-websocket dialect.
pub mod frame {
    use super::{put_bytes, put_uint};

    /// Step 1 of a client that has what `version` (an encoded state vector) says.
    #[must_use]
    pub fn step1(version: &[u8]) -> Vec<u8> {
        let mut out = vec![0, 0];
        put_bytes(&mut out, version);
        out
    }

    /// Step 2 that brings nothing.
    #[must_use]
    pub fn empty_step2() -> Vec<u8> {
        vec![0, 1, 2, 0, 0]
    }

    /// One edit.
    #[must_use]
    pub fn update(update: &[u8]) -> Vec<u8> {
        let mut out = vec![0, 2];
        put_bytes(&mut out, update);
        out
    }

    /// One client's presence.
    #[must_use]
    pub fn presence(client: u64, clock: u64) -> Vec<u8> {
        let mut payload = vec![1];
        put_uint(&mut payload, client);
        put_uint(&mut payload, clock);
        put_bytes(&mut payload, br#"{"user":{"name":"bench"}}"#);
        let mut out = vec![1];
        put_bytes(&mut out, &payload);
        out
    }
}

/// An encoded state vector.
#[must_use]
pub fn version(entries: &[(u64, u64)]) -> Vec<u8> {
    let mut out = Vec::new();
    put_uint(&mut out, entries.len() as u64);
    for &(client, clock) in entries {
        put_uint(&mut out, client);
        put_uint(&mut out, clock);
    }
    out
}

/// What a frame from the server says.
#[derive(Debug, PartialEq, Eq)]
pub enum Said<'a> {
    /// It asks for what it lacks, and says what it has.
    Step1(&'a [u8]),
    /// It answers our step 1.
    Step2(&'a [u8]),
    /// Somebody's edit.
    Update(&'a [u8]),
    /// Presence and all else.
    Other,
}

/// Reads one frame. Only the first message of a frame is read, as stable y-websocket clients do.
#[must_use]
pub fn read(frame: &[u8]) -> Said<'_> {
    let mut reader = Reader { bytes: frame };
    match (reader.uint(), reader.uint()) {
        (Some(0), Some(0)) => Said::Step1(reader.bytes().unwrap_or_default()),
        (Some(0), Some(1)) => reader.bytes().map_or(Said::Other, Said::Step2),
        (Some(0), Some(2)) => reader.bytes().map_or(Said::Other, Said::Update),
        _ => Said::Other,
    }
}

/// The clock of a client in a state vector; `None` if it is not in it.
#[must_use]
pub fn clock_in(version: &[u8], client: u64) -> Option<u64> {
    let mut reader = Reader { bytes: version };
    for _ in 0..reader.uint()? {
        let (who, clock) = (reader.uint()?, reader.uint()?);
        if who == client {
            return Some(clock);
        }
    }
    None
}

/// Calls `each(client, from, to)` for every run of clocks in an update made of text, deletions and skips.
///
/// Returns `None` when it meets a content kind the load never writes.
pub fn ranges(update: &[u8], mut each: impl FnMut(u64, u64, u64)) -> Option<()> {
    let mut reader = Reader { bytes: update };
    for _ in 0..reader.uint()? {
        let blocks = reader.uint()?;
        let client = reader.uint()?;
        let mut clock = reader.uint()?;
        for _ in 0..blocks {
            let length = reader.block()?;
            each(client, clock, clock + length);
            clock += length;
        }
    }
    Some(())
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(first)
    }

    fn uint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.uint()?).ok()?;
        let (taken, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        Some(taken)
    }

    /// Steps over one block and returns how many clocks it covers.
    fn block(&mut self) -> Option<u64> {
        let info = self.byte()?;
        let kind = info & 0x1f;
        if kind == 0 || kind == 10 {
            return self.uint();
        }
        if info & HAS_LEFT != 0 {
            self.uint()?;
            self.uint()?;
        }
        if info & HAS_RIGHT != 0 {
            self.uint()?;
            self.uint()?;
        }
        if info & (HAS_LEFT | HAS_RIGHT) == 0 {
            if self.uint()? == 1 {
                self.bytes()?;
            } else {
                self.uint()?;
                self.uint()?;
            }
            if info & HAS_PARENT_SUB != 0 {
                self.bytes()?;
            }
        }
        match kind {
            1 => self.uint(),
            STRING => {
                let text = std::str::from_utf8(self.bytes()?).ok()?;
                Some(if text.is_ascii() {
                    text.len()
                } else {
                    text.encode_utf16().count()
                } as u64)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_appended_character_is_read_back_as_its_range() {
        for clock in [0, 1, 127, 128, 70_000] {
            let mut found = Vec::new();
            ranges(&append(4_242, clock, b'x'), |client, from, to| {
                found.push((client, from, to))
            })
            .unwrap();
            assert_eq!(found, [(4_242, clock, clock + 1)]);
        }
    }

    #[test]
    fn a_frame_that_is_cut_short_is_nothing_the_load_knows() {
        let whole = frame::update(&append(7, 9, b'x'));
        for end in 0..whole.len() {
            assert_eq!(read(&whole[..end]), Said::Other, "cut at {end}");
        }
        assert!(matches!(read(&whole), Said::Update(_)));
    }
}
