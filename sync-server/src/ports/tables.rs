//! Small tables of whole numbers, texts and bytes: what the list of people, spaces and links is kept in, written once for
//! every store.

use async_trait::async_trait;

use super::StorageFault;

/// One value of a row. An absent one has a kind, too: databases want to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A whole number; also a time, in milliseconds since 1970.
    Int(Option<i64>),
    /// A text.
    Text(Option<String>),
    /// Bytes.
    Bytes(Option<Vec<u8>>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(Some(value.to_vec()))
    }
}

/// A row that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row(pub Vec<Value>);

impl Row {
    /// The whole number in `column`; `None` if there is none.
    ///
    /// # Errors
    /// [`StorageFault::Failed`] when something else lies there.
    pub fn int(&self, column: usize) -> Result<Option<i64>, StorageFault> {
        match self.0.get(column) {
            Some(Value::Int(value)) => Ok(*value),
            // SQLite does not tell of what kind nothing is.
            Some(Value::Text(None) | Value::Bytes(None)) => Ok(None),
            other => Err(odd(column, other)),
        }
    }

    /// The text in `column`; `None` if there is none.
    ///
    /// # Errors
    /// [`StorageFault::Failed`] when something else lies there.
    pub fn text(&self, column: usize) -> Result<Option<&str>, StorageFault> {
        match self.0.get(column) {
            Some(Value::Text(value)) => Ok(value.as_deref()),
            Some(Value::Int(None) | Value::Bytes(None)) => Ok(None),
            other => Err(odd(column, other)),
        }
    }

    /// The bytes in `column`; `None` if there are none.
    ///
    /// # Errors
    /// [`StorageFault::Failed`] when something else lies there.
    pub fn bytes(&self, column: usize) -> Result<Option<&[u8]>, StorageFault> {
        match self.0.get(column) {
            Some(Value::Bytes(value)) => Ok(value.as_deref()),
            Some(Value::Int(None) | Value::Text(None)) => Ok(None),
            other => Err(odd(column, other)),
        }
    }
}

fn odd(column: usize, found: Option<&Value>) -> StorageFault {
    let found = match found {
        None => "nothing",
        Some(Value::Int(_)) => "a number",
        Some(Value::Text(_)) => "a text",
        Some(Value::Bytes(_)) => "bytes",
    };
    StorageFault::Failed(format!("a table holds {found} in column {column}"))
}

/// How many rows a statement must touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touches {
    /// However many.
    Any,
    /// Exactly one.
    One,
}

/// Something to be done to a table.
#[derive(Clone, Debug)]
pub struct Statement {
    /// In the SQL that SQLite and PostgreSQL share, with `$1`, `$2` … which appear in this order for the first time
    /// ([`is_in_order`]).
    pub sql: &'static str,
    /// What stands for them.
    pub values: Vec<Value>,
    /// How many rows it must touch, else nothing of its list is done.
    pub touches: Touches,
}

/// Whether `$1`, `$2` … appear in this order for the first time, each of `values` once at least. PostgreSQL counts them as they
/// are named, SQLite as they appear; a statement that is not in order would mean two things.
#[must_use]
pub fn is_in_order(sql: &str, values: usize) -> bool {
    let mut greatest = 0;
    for after in sql.split('$').skip(1) {
        let end = after
            .find(|char: char| !char.is_ascii_digit())
            .unwrap_or(after.len());
        match after[..end].parse::<usize>() {
            Ok(number) if (1..=greatest + 1).contains(&number) => greatest = greatest.max(number),
            _ => return false,
        }
    }
    greatest == values
}

/// What became of a list of statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// All was done, and is on the disk.
    Done,
    /// Nothing was done: this one, counted from 0, touched another number of rows, or would have broken a rule of the
    /// tables: a row stood in its way, or one that it leans on was not there.
    Missed {
        /// Which.
        statement: usize,
    },
}

/// The small tables of a store.
#[async_trait]
pub trait Tables: Send + Sync {
    /// The rows that answer a question, at most so many as it limits itself to.
    ///
    /// # Errors
    /// [`StorageFault`] when the store could not be asked: that is never "no rows".
    async fn read(&self, sql: &'static str, values: Vec<Value>) -> Result<Vec<Row>, StorageFault>;

    /// Does all of `statements` in one transaction, or nothing.
    ///
    /// # Errors
    /// [`StorageFault`]: nothing changed, except after [`StorageFault::Failed`], when that is unknown.
    async fn write(&self, statements: Vec<Statement>) -> Result<Written, StorageFault>;

    /// What is to be done, together with making the first account, so that no release is beside it that knows no accounts and
    /// lets everyone in: it touches nothing while one is at work. `None` where there is never another server.
    fn closing_to_earlier(&self) -> Option<Statement> {
        None
    }

    /// The question for how many bytes the whole store takes: each database is asked in its own words.
    fn bytes_sql(&self) -> &'static str;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_says_its_values_in_the_order_they_are_given() {
        for (sql, values) in [("a = 1", 0), ("a = $1 AND b = $2 OR a = $1", 2)] {
            assert!(is_in_order(sql, values), "{sql}");
        }
        for (sql, values) in [
            ("a = $2 AND b = $1", 2),
            ("a = $1", 2),
            ("a = $1 OR b = $2", 1),
            ("a = $", 0),
        ] {
            assert!(!is_in_order(sql, values), "{sql}");
        }
    }
}
