//! Numbers and length-prefixed pieces as the Yjs family writes them (lib0).
//!
//! A number is 7 bits a byte, least significant first, the top bit saying that more follows. It must fit in
//! 53 bits, which is what JavaScript holds exactly, and be written in as few bytes as it takes: every encoder
//! of the family does, and a second spelling of the same number is only of use to fool one of two readers.

/// Largest number on the wire: 2^53 - 1.
pub const VAR_UINT_MAX: u64 = (1 << 53) - 1;

/// Why bytes could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The bytes end too early.
    #[error("cut short")]
    CutShort,
    /// A number beyond its range, or written with needless bytes.
    #[error("a number is out of range")]
    BadNumber,
    /// Text that is not UTF-8.
    #[error("a text is not UTF-8")]
    BadText,
}

/// Reads from the front of borrowed bytes. After an error its place is unspecified.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Goes on reading at this offset, which must not be beyond the end.
    pub(crate) fn go_to(&mut self, at: usize) {
        debug_assert!(at <= self.bytes.len());
        self.at = at.min(self.bytes.len());
    }

    /// How many bytes were read.
    #[must_use]
    pub const fn at(&self) -> usize {
        self.at
    }

    /// How many bytes are left.
    #[must_use]
    pub const fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// One byte.
    ///
    /// # Errors
    /// [`ReadError::CutShort`] if none is left.
    #[inline]
    pub fn byte(&mut self) -> Result<u8, ReadError> {
        let byte = *self.bytes.get(self.at).ok_or(ReadError::CutShort)?;
        self.at += 1;
        Ok(byte)
    }

    /// The next `length` bytes.
    ///
    /// # Errors
    /// [`ReadError::CutShort`] if fewer are left.
    #[inline]
    pub fn take(&mut self, length: usize) -> Result<&'a [u8], ReadError> {
        if length > self.left() {
            return Err(ReadError::CutShort);
        }
        let piece = &self.bytes[self.at..self.at + length];
        self.at += length;
        Ok(piece)
    }

    /// A number of at most 53 bits.
    ///
    /// # Errors
    /// [`ReadError::BadNumber`] beyond [`VAR_UINT_MAX`] or with needless bytes; [`ReadError::CutShort`].
    #[inline]
    pub fn var_uint(&mut self) -> Result<u64, ReadError> {
        let first = self.byte()?;
        if first < 0x80 {
            return Ok(u64::from(first));
        }
        self.var_uint_tail(u64::from(first & 0x7f), 7)
    }

    fn var_uint_tail(&mut self, mut number: u64, mut shift: u32) -> Result<u64, ReadError> {
        loop {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                let needless = byte == 0;
                return if needless || number > VAR_UINT_MAX {
                    Err(ReadError::BadNumber)
                } else {
                    Ok(number)
                };
            }
            shift += 7;
            if shift > 53 {
                return Err(ReadError::BadNumber);
            }
        }
    }

    /// A number of at most 32 bits.
    ///
    /// # Errors
    /// [`ReadError::BadNumber`] beyond `u32::MAX` or with needless bytes; [`ReadError::CutShort`].
    #[inline]
    pub fn var_u32(&mut self) -> Result<u32, ReadError> {
        u32::try_from(self.var_uint()?).map_err(|_| ReadError::BadNumber)
    }

    /// A number with a sign: 6 bits and the sign in the first byte. At most 53 bits; `-0` reads as 0.
    ///
    /// # Errors
    /// [`ReadError::BadNumber`] when too large or with needless bytes; [`ReadError::CutShort`].
    pub fn var_int(&mut self) -> Result<i64, ReadError> {
        let first = self.byte()?;
        let low = u64::from(first & 0x3f);
        let size = if first < 0x80 {
            low
        } else {
            self.var_uint_tail(low, 6)?
        };
        let size = size.cast_signed();
        Ok(if first & 0x40 == 0 { size } else { -size })
    }

    /// Bytes behind their length.
    ///
    /// # Errors
    /// [`ReadError`] when the length does not read or more is claimed than is left.
    #[inline]
    pub fn piece(&mut self) -> Result<&'a [u8], ReadError> {
        let length = self.var_uint()?;
        self.take(usize::try_from(length).map_err(|_| ReadError::CutShort)?)
    }

    /// UTF-8 text behind its length in bytes.
    ///
    /// # Errors
    /// [`ReadError`] when the length does not read, more is claimed than is left, or it is not UTF-8.
    #[inline]
    pub fn text(&mut self) -> Result<&'a str, ReadError> {
        std::str::from_utf8(self.piece()?).map_err(|_| ReadError::BadText)
    }
}

/// How many bytes [`put_var_uint`] takes for `number`.
#[must_use]
pub const fn var_uint_bytes(number: u64) -> usize {
    let bits = 64 - (number | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

/// Appends `number`, which must be at most [`VAR_UINT_MAX`] to be readable again.
#[inline]
pub fn put_var_uint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends `piece` behind its length.
#[inline]
pub fn put_piece(out: &mut Vec<u8>, piece: &[u8]) {
    put_var_uint(out, piece.len() as u64);
    out.extend_from_slice(piece);
}

/// Appends `text` behind its length in bytes.
#[inline]
pub fn put_text(out: &mut Vec<u8>, text: &str) {
    put_piece(out, text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn var_uint(bytes: &[u8]) -> Result<u64, ReadError> {
        Reader::new(bytes).var_uint()
    }

    #[test]
    fn every_size_of_number_reads_back_and_takes_the_bytes_foretold() {
        for bits in 0..=53 {
            for number in [(1_u64 << bits) - 1, 1 << bits, (1 << bits) + 1] {
                let mut bytes = Vec::new();
                put_var_uint(&mut bytes, number);
                assert_eq!(bytes.len(), var_uint_bytes(number), "{number}");
                let expected = if number <= VAR_UINT_MAX {
                    Ok(number)
                } else {
                    Err(ReadError::BadNumber)
                };
                assert_eq!(var_uint(&bytes), expected, "{number}");
            }
        }
    }

    #[test]
    fn a_number_with_needless_bytes_is_refused() {
        for bytes in [
            &[0x80, 0][..],
            &[0x81, 0x80, 0],
            &[0xff, 0x80, 0x80, 0x80, 0],
        ] {
            assert_eq!(var_uint(bytes), Err(ReadError::BadNumber), "{bytes:?}");
        }
    }

    #[test]
    fn a_number_without_end_is_refused_before_it_overflows() {
        assert_eq!(var_uint(&[0xff; 100]), Err(ReadError::BadNumber));
        assert_eq!(var_uint(&[0xff; 3]), Err(ReadError::CutShort));
        assert_eq!(var_uint(&[]), Err(ReadError::CutShort));
    }

    #[test]
    fn signed_numbers_read_as_the_family_writes_them() {
        let cases: [(&[u8], i64); 8] = [
            (&[0x00], 0),
            (&[0x40], 0),
            (&[0x01], 1),
            (&[0x41], -1),
            (&[0x3f], 63),
            (&[0x80, 0x01], 64),
            (&[0xc0, 0x01], -64),
            (
                &[0xbf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f],
                (1 << 53) - 1,
            ),
        ];
        for (bytes, number) in cases {
            assert_eq!(Reader::new(bytes).var_int(), Ok(number), "{bytes:?}");
        }
    }

    #[test]
    fn a_piece_longer_than_what_is_left_is_refused() {
        assert_eq!(Reader::new(&[3, 1, 2]).piece(), Err(ReadError::CutShort));
        let most = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f, 1];
        assert_eq!(Reader::new(&most).piece(), Err(ReadError::CutShort));
        assert_eq!(
            Reader::new(&[2, 0xc3, 0x28]).text(),
            Err(ReadError::BadText)
        );
    }
}
