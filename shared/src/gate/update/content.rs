//! What an item holds: the kinds that `yrs` and Yjs read the same way, and nothing else.

use serde::de::IgnoredAny;

use super::{Gate, OrRefuse, Refusal};
use crate::limits::VALUE_DEPTH_MAX;

pub(super) const DELETED: u8 = 1;
/// Legacy: `yrs` reads one text more than it writes, so that nothing it encodes afterwards can be read.
const LEGACY_JSON: u8 = 2;
const BINARY: u8 = 3;
pub(super) const STRING: u8 = 4;
const EMBED: u8 = 5;
const FORMAT: u8 = 6;
const TYPE: u8 = 7;
pub(super) const ANY: u8 = 8;
const SUB_DOCUMENT: u8 = 9;

const XML_ELEMENT: u8 = 3;
/// Array, map, text, XML element, XML fragment, XML text. Left out are 5 (XML hook: Yjs writes a name that `yrs`
/// does not read) and 7 (weak link: Yjs does not know it).
const TYPES: [u8; 6] = [0, 1, 2, XML_ELEMENT, 4, 6];

impl Gate<'_> {
    /// Reads an item's content; gives how many clocks it takes.
    pub(super) fn content(&mut self, kind: u8) -> Result<u32, Refusal> {
        let at = self.reader.at();
        match kind {
            DELETED => self.run_length(),
            BINARY => {
                self.reader.piece().or_refuse(at)?;
                Ok(1)
            }
            STRING => match utf16_units(self.text()?) {
                0 => Err(Refusal::new("a block without length", at)),
                units => Ok(units),
            },
            EMBED => {
                self.json()?;
                Ok(1)
            }
            FORMAT => {
                self.text()?;
                self.json()?;
                Ok(1)
            }
            TYPE => self.shared_type(),
            ANY => self.values(),
            LEGACY_JSON => Err(Refusal::new("legacy JSON content", at)),
            SUB_DOCUMENT => Err(Refusal::new("a document inside a document", at)),
            _ => Err(Refusal::new("an unknown kind of content", at)),
        }
    }

    fn shared_type(&mut self) -> Result<u32, Refusal> {
        let at = self.reader.at();
        let kind = self.reader.byte().or_refuse(at)?;
        if !TYPES.contains(&kind) {
            return Err(Refusal::new("an unknown kind of shared type", at));
        }
        if kind == XML_ELEMENT {
            self.text()?;
        }
        self.tally.types += 1;
        Ok(1)
    }

    fn values(&mut self) -> Result<u32, Refusal> {
        let at = self.reader.at();
        let count = self.count(1)?;
        if count == 0 {
            return Err(Refusal::new("a block without length", at));
        }
        for _ in 0..count {
            self.value(1)?;
        }
        Ok(count)
    }

    /// One value; `depth` says how many it and those around it are. Recursion ends at [`VALUE_DEPTH_MAX`].
    pub(super) fn value(&mut self, depth: usize) -> Result<(), Refusal> {
        let at = self.reader.at();
        self.tally.steps += 1;
        self.tally.values = self.tally.values.saturating_add(1);
        if self.tally.values > self.bounds.values {
            return Err(Refusal::new("too many values", at));
        }
        if depth > VALUE_DEPTH_MAX {
            return Err(Refusal::new("values are nested too deep", at));
        }
        match self.reader.byte().or_refuse(at)? {
            // Undefined, null, false, true.
            127 | 126 | 121 | 120 => Ok(()),
            125 => self.reader.var_int().map(|_| ()).or_refuse(at),
            124 => self.reader.take(4).map(|_| ()).or_refuse(at),
            // A double; a big integer.
            123 | 122 => self.reader.take(8).map(|_| ()).or_refuse(at),
            119 => self.text().map(|_| ()),
            118 => {
                for _ in 0..self.count(2)? {
                    self.text()?;
                    self.value(depth + 1)?;
                }
                Ok(())
            }
            117 => {
                for _ in 0..self.count(1)? {
                    self.value(depth + 1)?;
                }
                Ok(())
            }
            116 => self.reader.piece().map(|_| ()).or_refuse(at),
            _ => Err(Refusal::new("an unknown kind of value", at)),
        }
    }

    /// A value as JSON text.
    fn json(&mut self) -> Result<(), Refusal> {
        let at = self.reader.at();
        let text = self.text()?;
        let values = self.tally.values.saturating_add(json_values(text, at)?);
        self.tally.values = values;
        self.tally.steps += 1;
        if values > self.bounds.values {
            return Err(Refusal::new("too many values", at));
        }
        // Checks the grammar without building anything and without recursion.
        match serde_json::from_str::<IgnoredAny>(text) {
            Ok(IgnoredAny) => Ok(()),
            Err(_) => Err(Refusal::new("a value is not JSON", at)),
        }
    }
}

/// How many values `text` holds at most; refuses it when they are nested too deep.
fn json_values(text: &str, at: usize) -> Result<u32, Refusal> {
    let mut values = 1;
    let mut depth = 0;
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => skip_json_text(&mut bytes),
            b'[' | b'{' => {
                values += 1;
                depth += 1;
                if depth > VALUE_DEPTH_MAX {
                    return Err(Refusal::new("values are nested too deep", at));
                }
            }
            // Unbalanced text is no JSON, which is found out next.
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' => values += 1,
            _ => {}
        }
    }
    Ok(values)
}

fn skip_json_text(bytes: &mut std::str::Bytes<'_>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => {
                bytes.next();
            }
            _ => {}
        }
    }
}

/// Length of `text` as clocks count it. At most its length in bytes, so it fits.
pub(super) fn utf16_units(text: &str) -> u32 {
    let continues = |byte: u8| byte & 0xc0 == 0x80;
    let units = text
        .bytes()
        .map(|byte| u32::from(!continues(byte)) + u32::from(byte >= 0xf0));
    units.sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Chance;

    #[test]
    fn clocks_of_a_text_count_utf16_units() {
        let mut chance = Chance::new(1);
        for length in 0..200 {
            let text = chance.text(length);
            assert_eq!(
                utf16_units(&text) as usize,
                text.encode_utf16().count(),
                "{text:?}"
            );
        }
    }

    #[test]
    fn brackets_inside_texts_are_no_nesting() {
        let flat = format!(
            "{{\"a\":\"{}\\\"{}\"}}",
            "[".repeat(1_000),
            "{".repeat(1_000)
        );
        assert_eq!(json_values(&flat, 0), Ok(2));
    }
}
