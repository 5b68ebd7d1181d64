//! Carries pictures and files from one place to another, and checks them.

use crate::ports::{BlobFault, BlobId, Blobs};

/// Names asked for at a time.
const PAGE: usize = 500;

/// What was carried, or read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// Those that are right where they lie now.
    pub blobs: u64,
    /// Those that are damaged, or gone, where they came from. They were left out.
    pub damaged: Vec<BlobId>,
}

/// Why it was given up.
#[derive(Debug, thiserror::Error)]
pub enum CarryError {
    /// The place they come from.
    #[error("a picture or file could not be read")]
    Reading(#[source] BlobFault),
    /// The place they go to.
    #[error("a picture or file could not be written")]
    Writing(#[source] BlobFault),
}

/// Every name at a place, in order.
///
/// # Errors
/// [`BlobFault`] when it could not be asked.
pub async fn all(blobs: &dyn Blobs) -> Result<Vec<BlobId>, BlobFault> {
    let mut found: Vec<BlobId> = Vec::new();
    loop {
        let page = blobs.list(found.last().copied(), PAGE).await?;
        if page.is_empty() {
            return Ok(found);
        }
        found.extend(page);
    }
}

/// Brings each of `ids` to `to`, unless it lies there already and is right, and reads it back there.
///
/// # Errors
/// [`CarryError`]: some of them may be there.
pub async fn carry(
    from: &dyn Blobs,
    to: &dyn Blobs,
    ids: &[BlobId],
) -> Result<Carried, CarryError> {
    let mut carried = Carried::default();
    for id in ids {
        let id = *id;
        if State::of(to, id).await.map_err(CarryError::Writing)? == State::Right {
            carried.blobs += 1;
            continue;
        }
        // Read through first, so that a fault of one place is not taken for one of the other.
        if State::of(from, id).await.map_err(CarryError::Reading)? != State::Right {
            carried.damaged.push(id);
            continue;
        }
        let Some(mut bytes) = from.get(id).await.map_err(CarryError::Reading)? else {
            carried.damaged.push(id);
            continue;
        };
        to.put(&mut *bytes).await.map_err(CarryError::Writing)?;
        match State::of(to, id).await.map_err(CarryError::Writing)? {
            State::Right => carried.blobs += 1,
            State::Wrong => return Err(CarryError::Writing(BlobFault::Damaged(id))),
        }
    }
    Ok(carried)
}

/// Reads everything at a place.
///
/// # Errors
/// [`BlobFault`] when it could not be asked.
pub async fn verify(blobs: &dyn Blobs) -> Result<Carried, BlobFault> {
    let mut read = Carried::default();
    for id in all(blobs).await? {
        match State::of(blobs, id).await? {
            State::Right => read.blobs += 1,
            State::Wrong => read.damaged.push(id),
        }
    }
    Ok(read)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// It is there, and what it should be.
    Right,
    /// It is not.
    Wrong,
}

impl State {
    async fn of(blobs: &dyn Blobs, id: BlobId) -> Result<Self, BlobFault> {
        let Some(mut bytes) = blobs.get(id).await? else {
            return Ok(Self::Wrong);
        };
        loop {
            match bytes.next().await {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(Self::Right),
                Err(BlobFault::Damaged(_)) => return Ok(Self::Wrong),
                Err(fault) => return Err(fault),
            }
        }
    }
}
