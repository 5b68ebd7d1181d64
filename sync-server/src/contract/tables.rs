//! The contract of [`Tables`].

#![expect(
    clippy::unwrap_used,
    reason = "a contract is a test: a fault it did not ask for is a failure"
)]

use sheaf_shared::ids::DocName;

use super::store::Subject;
use crate::ports::{Row, Statement, Tables, Touches, UpdateBytes, Value, Written};

/// Runs every clause, each on a subject of its own.
pub async fn honoured_by<S: Subject>(fresh: impl AsyncFn() -> S) {
    what_was_written_is_read_back_as_it_was(&mut fresh().await).await;
    nothing_is_written_and_read_as_nothing_of_every_kind(&mut fresh().await).await;
    a_list_is_done_whole_or_not_at_all(&mut fresh().await).await;
    a_row_in_the_way_and_a_row_that_is_not_there_are_misses(&mut fresh().await).await;
    one_row_is_neither_none_nor_two(&mut fresh().await).await;
    a_list_that_misses_takes_nothing_with_it_that_is_written_at_the_same_time(&mut fresh().await)
        .await;
    of_many_who_swap_a_value_at_once_one_does(&mut fresh().await).await;
}

fn values(values: impl Into<Vec<Value>>) -> Vec<Value> {
    values.into()
}

fn set(name: &str, value: &str) -> Statement {
    Statement {
        sql: "INSERT INTO setting (name, value) VALUES ($1, $2)",
        values: values([name.into(), value.into()]),
        touches: Touches::One,
    }
}

fn swap(name: &str, from: &str, to: &str) -> Statement {
    Statement {
        sql: "UPDATE setting SET value = $1 WHERE name = $2 AND value = $3",
        values: values([to.into(), name.into(), from.into()]),
        touches: Touches::One,
    }
}

/// Every setting, by name.
async fn settings(tables: &dyn Tables) -> Vec<(String, String)> {
    let sql = "SELECT name, value FROM setting ORDER BY name";
    let rows = tables.read(sql, Vec::new()).await.unwrap();
    let text = |row: &Row, column| row.text(column).unwrap().unwrap().to_owned();
    rows.iter()
        .map(|row| (text(row, 0), text(row, 1)))
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    expected.iter().map(own).collect()
}

async fn what_was_written_is_read_back_as_it_was(subject: &mut impl Subject) {
    let texts = [
        "",
        "'; DROP TABLE setting; --",
        "Grüße, 你好 🌿\n\t$1 ? ?1 :a",
        "\u{feff}\u{202e}",
    ];
    let bytes: Vec<u8> = (0..=255).collect();
    let numbers = [i64::MIN, -1, 0, i64::MAX];
    let store = subject.store();
    let tables = store.tables().unwrap();
    let mut list: Vec<_> = texts
        .iter()
        .map(|text| set(&format!("name {text}"), text))
        .collect();
    for (number, bytes) in numbers.into_iter().zip([&bytes[..], &[], &[0], &[0xff, 0]]) {
        list.push(Statement {
            sql: "INSERT INTO space (space_id, name, created_ms) VALUES ($1, 'x', $2)",
            values: values([bytes.into(), number.into()]),
            touches: Touches::One,
        });
    }
    assert_eq!(tables.write(list).await.unwrap(), Written::Done);
    drop(store);
    subject.restart().await;
    let store = subject.store();
    let tables = store.tables().unwrap();
    let mut found: Vec<_> = settings(tables)
        .await
        .into_iter()
        .map(|(_, value)| value)
        .collect();
    found.sort();
    let mut expected = texts.map(str::to_owned);
    expected.sort();
    assert_eq!(found, expected);
    for (number, bytes) in numbers.into_iter().zip([&bytes[..], &[], &[0], &[0xff, 0]]) {
        let sql = "SELECT space_id, created_ms FROM space WHERE space_id = $1";
        let rows = tables.read(sql, values([bytes.into()])).await.unwrap();
        assert_eq!(rows, [Row(values([bytes.into(), number.into()]))]);
    }
}

async fn nothing_is_written_and_read_as_nothing_of_every_kind(subject: &mut impl Subject) {
    let store = subject.store();
    let tables = store.tables().unwrap();
    let nothing = Statement {
        sql: "INSERT INTO token (secret_hash, token_id, person_id, label, space_id, reach, made_ms, ends_ms)
              SELECT $1, $1, person_id, 'x', $2, 0, 0, $3 FROM person WHERE email = $4 OR $4 IS NULL",
        values: values([
            b"secret"[..].into(),
            Value::Bytes(None),
            Value::Int(None),
            Value::Text(None),
        ]),
        touches: Touches::One,
    };
    assert_eq!(
        tables
            .write(vec![person(b"ada", "ada"), nothing])
            .await
            .unwrap(),
        Written::Done
    );
    let sql = "SELECT space_id, ends_ms, password FROM token JOIN person ON person.person_id = token.person_id";
    let rows = tables.read(sql, Vec::new()).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].bytes(0).unwrap(), None);
    assert_eq!(rows[0].int(1).unwrap(), None);
    assert_eq!(rows[0].text(2).unwrap(), None);
    assert!(rows[0].int(3).is_err(), "there is no such column");
    let sql = "SELECT label FROM token";
    let rows = tables.read(sql, Vec::new()).await.unwrap();
    assert!(rows[0].int(0).is_err(), "a text is no number");
}

fn person(id: &[u8], email: &str) -> Statement {
    Statement {
        sql: "INSERT INTO person (person_id, email, name, colour, office, standing, password, created_ms)
              VALUES ($1, $2, 'x', '#000000', 0, 0, NULL, 0)",
        values: values([id.into(), email.into()]),
        touches: Touches::One,
    }
}

async fn a_list_is_done_whole_or_not_at_all(subject: &mut impl Subject) {
    let store = subject.store();
    let tables = store.tables().unwrap();
    let list = vec![
        set("a", "1"),
        set("b", "2"),
        swap("a", "9", "3"),
        set("c", "4"),
    ];
    assert_eq!(
        tables.write(list).await.unwrap(),
        Written::Missed { statement: 2 }
    );
    assert_eq!(settings(tables).await, []);
    // What came before in the list is seen by what comes after.
    let list = vec![set("a", "1"), swap("a", "1", "2"), swap("a", "2", "3")];
    assert_eq!(tables.write(list).await.unwrap(), Written::Done);
    assert_eq!(settings(tables).await, pairs(&[("a", "3")]));
}

async fn a_row_in_the_way_and_a_row_that_is_not_there_are_misses(subject: &mut impl Subject) {
    let store = subject.store();
    let tables = store.tables().unwrap();
    let list = vec![set("a", "1"), person(b"ada", "one address")];
    assert_eq!(tables.write(list).await.unwrap(), Written::Done);
    let unknown = Statement {
        sql: "INSERT INTO identity (issuer, subject, person_id) VALUES ('x', 'x', $1)",
        values: values([b"nobody"[..].into()]),
        touches: Touches::Any,
    };
    for (touches, in_the_way) in [
        (Touches::One, set("a", "2")),
        (Touches::Any, set("a", "2")),
        (Touches::One, person(b"bob", "one address")),
        (Touches::Any, unknown),
    ] {
        let statement = Statement {
            touches,
            ..in_the_way
        };
        let sql = statement.sql;
        assert_eq!(
            tables.write(vec![set("b", "1"), statement]).await.unwrap(),
            Written::Missed { statement: 1 },
            "{sql}"
        );
    }
    assert_eq!(settings(tables).await, pairs(&[("a", "1")]));
    assert_eq!(
        tables.write(vec![set("b", "1")]).await.unwrap(),
        Written::Done
    );
}

async fn one_row_is_neither_none_nor_two(subject: &mut impl Subject) {
    let store = subject.store();
    let tables = store.tables().unwrap();
    let both = |touches| Statement {
        sql: "UPDATE setting SET value = $1 WHERE name <> 'z'",
        values: values(["new".into()]),
        touches,
    };
    let missed = Written::Missed { statement: 0 };
    assert_eq!(
        tables.write(vec![both(Touches::One)]).await.unwrap(),
        missed
    );
    assert_eq!(
        tables.write(vec![both(Touches::Any)]).await.unwrap(),
        Written::Done
    );
    let list = vec![set("a", "old"), set("b", "old")];
    assert_eq!(tables.write(list).await.unwrap(), Written::Done);
    assert_eq!(
        tables.write(vec![both(Touches::One)]).await.unwrap(),
        missed
    );
    assert_eq!(settings(tables).await, pairs(&[("a", "old"), ("b", "old")]));
    assert_eq!(
        tables.write(vec![both(Touches::Any)]).await.unwrap(),
        Written::Done
    );
    assert_eq!(settings(tables).await, pairs(&[("a", "new"), ("b", "new")]));
}

async fn a_list_that_misses_takes_nothing_with_it_that_is_written_at_the_same_time(
    subject: &mut impl Subject,
) {
    let (lists, edits) = (40, 40);
    let store = subject.store();
    let mut writing = Vec::new();
    for number in 0..lists {
        let store = subject.store();
        writing.push(tokio::spawn(async move {
            let name = format!("{number:02}");
            // Every second one misses, after it has written.
            let wanted = if number % 2 == 0 { "in" } else { "never" };
            let list = vec![set(&name, "in"), swap(&name, wanted, "done")];
            let written = store.tables().unwrap().write(list).await.unwrap();
            assert_eq!(written == Written::Done, number % 2 == 0);
        }));
    }
    for number in 0..edits {
        let store = subject.store();
        writing.push(tokio::spawn(async move {
            let update = UpdateBytes::from(format!("{number}").into_bytes());
            store.append(&page(), vec![update]).await.unwrap();
        }));
    }
    for written in writing {
        written.await.unwrap();
    }
    let expected: Vec<_> = (0..lists)
        .filter(|number| number % 2 == 0)
        .map(|number| (format!("{number:02}"), "done".to_owned()))
        .collect();
    assert_eq!(settings(store.tables().unwrap()).await, expected);
    let stored = store.load(&page()).await.unwrap().unwrap();
    assert_eq!(stored.log.len(), edits);
}

fn page() -> DocName {
    DocName::parse("page").unwrap()
}

async fn of_many_who_swap_a_value_at_once_one_does(subject: &mut impl Subject) {
    let store = subject.store();
    let tables = store.tables().unwrap();
    assert_eq!(
        tables.write(vec![set("a", "old")]).await.unwrap(),
        Written::Done
    );
    let swapping: Vec<_> = (0..8)
        .map(|number| {
            let store = subject.store();
            tokio::spawn(async move {
                let list = vec![swap("a", "old", &format!("{number}"))];
                store.tables().unwrap().write(list).await.unwrap() == Written::Done
            })
        })
        .collect();
    let mut swapped = Vec::new();
    for (number, task) in swapping.into_iter().enumerate() {
        if task.await.unwrap() {
            swapped.push(number);
        }
    }
    assert_eq!(swapped.len(), 1, "{swapped:?}");
    assert_eq!(
        settings(tables).await,
        pairs(&[("a", &swapped[0].to_string())])
    );
}
