//! What this device keeps of each document: an append-only log of updates and one snapshot.
//!
//! A row of the log that the server has not acknowledged says so (`waiting`), so that a cold start knows what is
//! on this device only. Compaction folds rows into the snapshot and never takes a waiting one away.

use std::cell::Cell;
use std::rc::Rc;

use js_sys::{Array, Reflect, Uint8Array};
use sheaf_shared::ids::DocName;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::*;
use web_sys::{
    IdbDatabase, IdbIndexParameters, IdbKeyRange, IdbObjectStore, IdbObjectStoreParameters,
    IdbOpenDbRequest,
};

use super::idb::{self, Answer, Durability, committed, result_of};

const VERSION: u32 = 1;
const LOG: &str = "log";
const SNAPSHOTS: &str = "snapshots";
const BY_DOC: &str = "doc";
const BY_WAITING: &str = "waiting";

/// Why this device did not keep or find something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StorageFault {
    /// The browser refuses storage here: a private window, or a setting.
    #[error("this browser refuses to store anything here")]
    Refused,
    /// No room is left.
    #[error("this device has no room left")]
    Full,
    /// Another tab still runs an older release and must be closed first.
    #[error("an older tab holds the storage")]
    Busy,
    /// The storage failed in another way.
    #[error("this browser's storage failed")]
    Broken,
}

impl StorageFault {
    /// What a JavaScript exception of IndexedDB means.
    pub fn of_js(exception: &JsValue) -> Self {
        let name = Reflect::get(exception, &"name".into())
            .ok()
            .and_then(|name| name.as_string());
        match name.as_deref() {
            Some("QuotaExceededError") => Self::Full,
            Some("SecurityError" | "NotAllowedError" | "InvalidAccessError") => Self::Refused,
            Some("VersionError") => Self::Busy,
            _ => Self::Broken,
        }
    }
}

/// Names one row of the log, in the order they were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowKey(pub u64);

/// One row of the log.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its name.
    pub key: RowKey,
    /// One update (V1).
    pub update: Vec<u8>,
    /// Whether the server has not said yet that it has it.
    pub waiting: bool,
}

/// A row to be written.
#[derive(Clone, Debug)]
pub struct NewRow {
    /// Whose.
    pub doc: DocName,
    /// One update (V1).
    pub update: Vec<u8>,
    /// Whether it exists on this device only.
    pub waiting: bool,
}

/// What is kept of one document.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    /// One update that holds everything folded so far.
    pub snapshot: Option<Vec<u8>>,
    /// Counts the foldings; see [`Db::fold`].
    pub generation: u64,
    /// The log, oldest first.
    pub rows: Vec<Row>,
}

/// The open database. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    database: IdbDatabase,
    is_new: bool,
}

impl Db {
    /// Opens it, and makes it if there is none. Calls `closed` if it is taken away later: the browser or the person
    /// cleared this site's data, or a newer release in another tab changes the stores. Nothing of it is of use then.
    ///
    /// # Errors
    /// [`StorageFault`] when this browser keeps nothing here.
    pub async fn open(closed: impl Fn() + 'static) -> Result<Self, StorageFault> {
        let factory = crate::platform::window()
            .indexed_db()
            .map_err(|fault| StorageFault::of_js(&fault))?
            .ok_or(StorageFault::Refused)?;
        let request = factory
            .open_with_u32(&crate::who::place(), VERSION)
            .map_err(|fault| StorageFault::of_js(&fault))?;
        let is_new = Rc::new(Cell::new(false));
        let making = Closure::<dyn FnMut(web_sys::Event)>::new({
            let (request, is_new) = (request.clone(), Rc::clone(&is_new));
            move |_| {
                is_new.set(true);
                // A failure here makes the opening fail, which is reported below.
                drop(make_stores(&request));
            }
        });
        request.set_onupgradeneeded(Some(making.as_ref().unchecked_ref()));
        let opened = result_of(&request).await;
        request.set_onupgradeneeded(None);
        let database: IdbDatabase = opened?.unchecked_into();
        let closed = Rc::new(closed);
        let (giving_way, told) = (database.clone(), Rc::clone(&closed));
        crate::platform::listen(&database, "versionchange", move |_| {
            giving_way.close();
            told();
        });
        crate::platform::listen(&database, "close", move |_| closed());
        Ok(Self {
            database,
            is_new: is_new.get(),
        })
    }

    /// Whether there was none before: this is the first visit, or the browser threw away what was kept.
    #[must_use]
    pub const fn is_new(&self) -> bool {
        self.is_new
    }

    /// Everything kept of `doc`.
    ///
    /// # Errors
    /// [`StorageFault`] when it could not be read; there may well be something.
    pub async fn load(&self, doc: &DocName) -> Result<Stored, StorageFault> {
        let transaction = idb::reading(&self.database, &[LOG, SNAPSHOTS])?;
        let log = store(&transaction, LOG)?;
        let index = log
            .index(BY_DOC)
            .map_err(|fault| StorageFault::of_js(&fault))?;
        let range: JsValue = IdbKeyRange::only(&doc.as_str().into())
            .map_err(|fault| StorageFault::of_js(&fault))?
            .into();
        let asked = |request: Result<web_sys::IdbRequest, JsValue>| {
            request.map_err(|fault| StorageFault::of_js(&fault))
        };
        // Asked together: a transaction with an open question stays open.
        let values = asked(index.get_all_with_key(&range))?;
        let keys = asked(index.get_all_keys_with_key(&range))?;
        let snapshot = asked(store(&transaction, SNAPSHOTS)?.get(&doc.as_str().into()))?;
        let (values, keys, snapshot) = (
            Array::from(&result_of(&values).await?),
            Array::from(&result_of(&keys).await?),
            result_of(&snapshot).await?,
        );
        let rows = values
            .iter()
            .zip(keys.iter())
            .filter_map(|(value, key)| {
                Some(Row {
                    key: row_key(&key)?,
                    update: bytes_of(&value)?,
                    waiting: Reflect::has(&value, &"waiting".into()).unwrap_or(false),
                })
            })
            .collect();
        Ok(Stored {
            snapshot: bytes_of(&snapshot),
            generation: number_of(&snapshot, "generation"),
            rows,
        })
    }

    /// Adds rows, all or none: they are handed to the browser before this returns, so that they are kept although
    /// the page may be gone in the next moment.
    ///
    /// # Errors
    /// [`StorageFault`] when nothing could be handed over.
    pub fn append(&self, rows: &[NewRow]) -> Result<Appending, StorageFault> {
        let durability = if rows.iter().any(|row| row.waiting) {
            Durability::Strict
        } else {
            Durability::Relaxed
        };
        let transaction = idb::writing(&self.database, &[LOG], durability)?;
        let log = store(&transaction, LOG)?;
        let mut requests = Vec::with_capacity(rows.len());
        for row in rows {
            let value = row_value(&row.doc, &row.update, row.waiting);
            requests.push(
                log.add(&value)
                    .map_err(|fault| StorageFault::of_js(&fault))?,
            );
        }
        let committed = committed(&transaction);
        idb::close(&transaction);
        Ok(Appending {
            requests,
            committed,
        })
    }

    /// Writes down that the server has these rows.
    ///
    /// # Errors
    /// [`StorageFault`] when that was not kept; the rows then count as waiting, which is safe.
    pub async fn acknowledge(&self, keys: &[RowKey]) -> Result<(), StorageFault> {
        let transaction = idb::writing(&self.database, &[LOG], Durability::Relaxed)?;
        let log = store(&transaction, LOG)?;
        for key in keys {
            let request = log
                .get(&key.to_js())
                .map_err(|fault| StorageFault::of_js(&fault))?;
            let value = result_of(&request).await?;
            // Another tab may have folded it already.
            if value.is_object() {
                let _ = Reflect::delete_property(
                    value.unchecked_ref::<js_sys::Object>(),
                    &"waiting".into(),
                );
                log.put_with_key(&value, &key.to_js())
                    .map_err(|fault| StorageFault::of_js(&fault))?;
            }
        }
        committed(&transaction).await
    }

    /// All rows that wait, oldest first, and whose they are.
    ///
    /// # Errors
    /// [`StorageFault`] when they could not be read.
    pub async fn waiting(&self) -> Result<Vec<(DocName, Row)>, StorageFault> {
        let transaction = idb::reading(&self.database, &[LOG])?;
        let index = store(&transaction, LOG)?
            .index(BY_WAITING)
            .map_err(|fault| StorageFault::of_js(&fault))?;
        let asked = |request: Result<web_sys::IdbRequest, JsValue>| {
            request.map_err(|fault| StorageFault::of_js(&fault))
        };
        let (values, keys) = (asked(index.get_all())?, asked(index.get_all_keys())?);
        let (values, keys) = (
            Array::from(&result_of(&values).await?),
            Array::from(&result_of(&keys).await?),
        );
        let row = |(value, key): (JsValue, JsValue)| {
            let doc = Reflect::get(&value, &"doc".into()).ok()?.as_string()?;
            let row = Row {
                key: row_key(&key)?,
                update: bytes_of(&value)?,
                waiting: true,
            };
            Some((DocName::parse(&doc).ok()?, row))
        };
        Ok(values.iter().zip(keys.iter()).filter_map(row).collect())
    }

    /// Replaces the snapshot that `stored` had by `snapshot`, which must hold it and all its rows, and drops
    /// the rows that wait for nobody. Does nothing and returns `false` if the snapshot was replaced meanwhile:
    /// no two tabs can undo each other's folding, with locks or without.
    ///
    /// # Errors
    /// [`StorageFault`] when it was not kept; nothing is changed then.
    pub async fn fold(
        &self,
        doc: &DocName,
        stored: &Stored,
        snapshot: &[u8],
    ) -> Result<bool, StorageFault> {
        let transaction = idb::writing(&self.database, &[LOG, SNAPSHOTS], Durability::Strict)?;
        let snapshots = store(&transaction, SNAPSHOTS)?;
        let name = JsValue::from_str(doc.as_str());
        let request = snapshots
            .get(&name)
            .map_err(|fault| StorageFault::of_js(&fault))?;
        if number_of(&result_of(&request).await?, "generation") != stored.generation {
            return Ok(false);
        }
        let value = js_sys::Object::new();
        set(&value, "update", &Uint8Array::from(snapshot));
        set(&value, "generation", &float(stored.generation + 1).into());
        snapshots
            .put_with_key(&value, &name)
            .map_err(|fault| StorageFault::of_js(&fault))?;
        let log = store(&transaction, LOG)?;
        for row in stored.rows.iter().filter(|row| !row.waiting) {
            log.delete(&row.key.to_js())
                .map_err(|fault| StorageFault::of_js(&fault))?;
        }
        committed(&transaction).await?;
        Ok(true)
    }
}

/// Rows on their way to the disk.
#[must_use = "only its end says whether the rows are kept"]
pub struct Appending {
    requests: Vec<web_sys::IdbRequest>,
    committed: Answer<()>,
}

impl Appending {
    /// Waits until the rows are kept. Their keys come in the order of the rows.
    ///
    /// # Errors
    /// [`StorageFault`] when none was kept.
    pub async fn kept(self) -> Result<Vec<RowKey>, StorageFault> {
        self.committed.await?;
        self.requests
            .iter()
            .map(|request| {
                let key = request
                    .result()
                    .map_err(|fault| StorageFault::of_js(&fault))?;
                row_key(&key).ok_or(StorageFault::Broken)
            })
            .collect()
    }
}

impl RowKey {
    /// Reads what [`Self::to_js`] wrote.
    #[must_use]
    pub fn of_js(value: &JsValue) -> Option<Self> {
        row_key(value)
    }

    /// As IndexedDB and other tabs know it.
    #[must_use]
    pub fn to_js(self) -> JsValue {
        float(self.0).into()
    }
}

fn make_stores(request: &IdbOpenDbRequest) -> Result<(), JsValue> {
    let database: IdbDatabase = request.result()?.unchecked_into();
    let parameters = IdbObjectStoreParameters::new();
    parameters.set_auto_increment(true);
    let log = database.create_object_store_with_optional_parameters(LOG, &parameters)?;
    let not_unique = IdbIndexParameters::new();
    not_unique.set_unique(false);
    log.create_index_with_str_and_optional_parameters(BY_DOC, "doc", &not_unique)?;
    // Rows without the property are not in the index, so what waits is found without reading the rest.
    log.create_index_with_str_and_optional_parameters(BY_WAITING, "waiting", &not_unique)?;
    database.create_object_store(SNAPSHOTS)?;
    Ok(())
}

fn store(
    transaction: &web_sys::IdbTransaction,
    name: &str,
) -> Result<IdbObjectStore, StorageFault> {
    transaction
        .object_store(name)
        .map_err(|fault| StorageFault::of_js(&fault))
}

fn row_value(doc: &DocName, update: &[u8], waiting: bool) -> JsValue {
    let value = js_sys::Object::new();
    set(&value, "doc", &doc.as_str().into());
    set(&value, "update", &Uint8Array::from(update));
    if waiting {
        set(&value, "waiting", &1.into());
    }
    value.into()
}

fn set(object: &js_sys::Object, key: &str, value: &JsValue) {
    let outcome = Reflect::set(object, &key.into(), value);
    debug_assert!(outcome.is_ok(), "a plain object takes properties");
}

fn bytes_of(value: &JsValue) -> Option<Vec<u8>> {
    let bytes = Reflect::get(value, &"update".into()).ok()?;
    Some(bytes.dyn_into::<Uint8Array>().ok()?.to_vec())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole numbers that this file wrote"
)]
fn number_of(value: &JsValue, key: &str) -> u64 {
    if !value.is_object() {
        return 0;
    }
    Reflect::get(value, &key.into())
        .ok()
        .and_then(|number| number.as_f64())
        .unwrap_or(0.0) as u64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "keys of this database are whole numbers from 1"
)]
fn row_key(value: &JsValue) -> Option<RowKey> {
    Some(RowKey(value.as_f64()? as u64))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a browser's counts stay below 2^53"
)]
fn float(number: u64) -> f64 {
    number as f64
}
