//! What a column holds, as the type it means: written to statements, and read from rows.

use sheaf_core::access::{Office, Reach, Standing};
use sheaf_shared::access::Role;
use sheaf_shared::ids::{DocName, InvitationId, LinkId, SessionId, SpaceId, TokenId, UserId};
use sheaf_shared::people::{Colour, Email, Name};
use sheaf_shared::time::UnixMs;

use super::Version;
use super::secret::{PasswordHash, SecretHash};
use crate::adapters::codec::{signed, unsigned};
use crate::ports::{Row, StorageFault, Value};

/// The values of a statement, in order: each a [`Cell`], or an option of one.
macro_rules! values {
    ($($value:expr),* $(,)?) => {
        vec![$($crate::app::directory::cells::IntoValue::into_value($value)),*]
    };
}
pub(super) use values;

/// Something that one column holds.
pub(super) trait Cell: Sized {
    fn value(this: Option<Self>) -> Value;

    /// What lies in `column`; `None` if nothing does.
    fn read(row: &Row, column: usize) -> Result<Option<Self>, StorageFault>;
}

/// A [`Cell`], or an option of one.
pub(super) trait IntoValue {
    fn into_value(self) -> Value;
}

impl<T: Cell> IntoValue for T {
    fn into_value(self) -> Value {
        T::value(Some(self))
    }
}

impl<T: Cell> IntoValue for Option<T> {
    fn into_value(self) -> Value {
        T::value(self)
    }
}

/// A row, read column by column from the left.
pub(super) struct Cells<'a> {
    row: &'a Row,
    at: usize,
}

impl<'a> Cells<'a> {
    pub(super) const fn of(row: &'a Row) -> Self {
        Self { row, at: 0 }
    }

    /// The next column, which may hold nothing.
    pub(super) fn may<T: Cell>(&mut self) -> Result<Option<T>, StorageFault> {
        let found = T::read(self.row, self.at)?;
        self.at += 1;
        Ok(found)
    }

    /// The next column, which always holds something.
    pub(super) fn need<T: Cell>(&mut self) -> Result<T, StorageFault> {
        let column = self.at;
        self.may()?.ok_or_else(|| odd(column))
    }
}

fn odd(column: usize) -> StorageFault {
    StorageFault::Failed(format!(
        "a row about people has something unknown in column {column}"
    ))
}

macro_rules! ids {
    ($($name:ident)*) => {
        $(
            impl Cell for $name {
                fn value(this: Option<Self>) -> Value {
                    Value::Bytes(this.map(|id| id.to_bits().to_be_bytes().to_vec()))
                }

                fn read(row: &Row, column: usize) -> Result<Option<Self>, StorageFault> {
                    let Some(bytes) = row.bytes(column)? else {
                        return Ok(None);
                    };
                    let bits = bytes.try_into().map_err(|_| odd(column))?;
                    Ok(Some(Self::from_bits(u128::from_be_bytes(bits))))
                }
            }
        )*
    };
}

ids! { UserId SpaceId LinkId SessionId TokenId InvitationId }

/// Things that are kept as a number each. The numbers stand in the migrations and never change.
macro_rules! numbered {
    ($($name:ident { $($number:literal is $variant:ident),* })*) => {
        $(
            impl Cell for $name {
                fn value(this: Option<Self>) -> Value {
                    Value::Int(this.map(|it| match it { $(Self::$variant => $number),* }))
                }

                fn read(row: &Row, column: usize) -> Result<Option<Self>, StorageFault> {
                    match row.int(column)? {
                        None => Ok(None),
                        $(Some($number) => Ok(Some(Self::$variant)),)*
                        Some(_) => Err(odd(column)),
                    }
                }
            }
        )*
    };
}

numbered! {
    Role { 0 is Viewer, 1 is Commenter, 2 is Editor, 3 is Owner }
    Office { 0 is Member, 1 is Admin, 2 is Owner }
    Standing { 0 is Active, 1 is Disabled, 2 is Deleted }
    Reach { 0 is Read, 1 is Write, 2 is Manage }
}

/// Things that are kept as a text each.
macro_rules! texts {
    ($($name:ty { $text:expr, $parse:expr })*) => {
        $(
            impl Cell for $name {
                fn value(this: Option<Self>) -> Value {
                    let text: fn(Self) -> String = $text;
                    Value::Text(this.map(text))
                }

                fn read(row: &Row, column: usize) -> Result<Option<Self>, StorageFault> {
                    let parse: fn(&str) -> Option<Self> = $parse;
                    let Some(text) = row.text(column)? else {
                        return Ok(None);
                    };
                    parse(text).map(Some).ok_or_else(|| odd(column))
                }
            }
        )*
    };
}

texts! {
    String { |it| it, |raw| Some(raw.to_owned()) }
    Name { |it| it.as_str().to_owned(), |raw| Name::parse(raw).ok() }
    Email { |it| it.as_str().to_owned(), |raw| Email::parse(raw).ok() }
    Colour { |it| it.to_string(), |raw| Colour::parse(raw).ok() }
    DocName { |it| it.as_str().to_owned(), |raw| DocName::parse(raw).ok() }
    PasswordHash { PasswordHash::into_text, |raw| Some(PasswordHash::from_text(raw.to_owned())) }
}

impl Cell for UnixMs {
    fn value(this: Option<Self>) -> Value {
        Value::Int(this.map(|at| signed(at.0)))
    }

    fn read(row: &Row, column: usize) -> Result<Option<Self>, StorageFault> {
        Ok(row.int(column)?.map(|ms| Self(unsigned(ms))))
    }
}

impl Cell for Version {
    fn value(this: Option<Self>) -> Value {
        Value::Int(this.map(|version| signed(version.0)))
    }

    fn read(row: &Row, column: usize) -> Result<Option<Self>, StorageFault> {
        Ok(row.int(column)?.map(|version| Self(unsigned(version))))
    }
}

impl Cell for u32 {
    fn value(this: Option<Self>) -> Value {
        Value::Int(this.map(i64::from))
    }

    fn read(row: &Row, column: usize) -> Result<Option<Self>, StorageFault> {
        let number = row.int(column)?;
        let number = number.map(|number| Self::try_from(number).map_err(|_| odd(column)));
        number.transpose()
    }
}

impl Cell for u64 {
    fn value(this: Option<Self>) -> Value {
        Value::Int(this.map(signed))
    }

    fn read(row: &Row, column: usize) -> Result<Option<Self>, StorageFault> {
        Ok(row.int(column)?.map(unsigned))
    }
}

impl Cell for SecretHash {
    fn value(this: Option<Self>) -> Value {
        Value::Bytes(this.map(|hash| hash.0.to_vec()))
    }

    fn read(row: &Row, column: usize) -> Result<Option<Self>, StorageFault> {
        let hash = row.bytes(column)?.map(|bytes| bytes.try_into().map(Self));
        hash.transpose().map_err(|_| odd(column))
    }
}
