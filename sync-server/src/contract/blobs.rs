//! What every place for blobs must honour.

#![expect(clippy::unwrap_used, reason = "a contract that cannot go on is broken")]

use std::collections::BTreeSet;

use async_trait::async_trait;
use bytes::Bytes;

use crate::ports::{AtOnce, BLOB_BYTES_MAX, BlobFault, BlobId, Blobs, Chunks};

/// Bytes of each piece that the suite puts.
const PIECE_BYTES: usize = 64 * 1024;

/// Asserts all of it of `blobs`, which is empty. `damage` changes a byte of what lies under a name.
pub async fn blobs(blobs: &dyn Blobs, damage: impl AsyncFn(BlobId)) {
    what_was_put_is_read(blobs).await;
    what_is_not_there_is_nothing(blobs).await;
    many_are_listed_in_order(blobs).await;
    what_does_not_end_well_leaves_nothing(blobs).await;
    what_was_damaged_is_never_read_to_its_end(blobs, damage).await;
}

async fn what_was_put_is_read(blobs: &dyn Blobs) {
    let large = Repeated::new(b'x', 3 * 1024 * 1024 + 1);
    for content in [Bytes::new(), "one".into(), large.whole()] {
        let id = blobs.put(&mut Repeated::of(&content)).await.unwrap();
        assert_eq!(id, BlobId::of(&content));
        assert!(blobs.exists(id).await.unwrap());
        assert_eq!(read(blobs, id).await.unwrap(), Some(content.clone()));
        let again = blobs.put(&mut AtOnce::new(content)).await;
        assert_eq!(again, Ok(id), "putting it twice is putting it once");
    }
    assert_eq!(blobs.list(None, 10).await.unwrap().len(), 3);
    let (one, other) = (Bytes::from("by two"), Bytes::from("by two"));
    let (mut one, mut other) = (AtOnce::new(one), AtOnce::new(other));
    let (one, other) = tokio::join!(blobs.put(&mut one), blobs.put(&mut other));
    assert_eq!(one.unwrap(), other.unwrap());
    remove_all(blobs).await;
}

async fn what_is_not_there_is_nothing(blobs: &dyn Blobs) {
    let id = BlobId::of(b"never put");
    assert!(blobs.get(id).await.unwrap().is_none());
    assert!(!blobs.exists(id).await.unwrap());
    assert_eq!(blobs.delete(id).await, Ok(()));
    assert_eq!(blobs.list(None, 10).await.unwrap(), []);
}

async fn many_are_listed_in_order(blobs: &dyn Blobs) {
    let mut put = BTreeSet::new();
    for number in 0..40 {
        let content = format!("number {number}");
        put.insert(blobs.put(&mut AtOnce::new(content)).await.unwrap());
    }
    let in_order: Vec<BlobId> = put.into_iter().collect();
    assert_eq!(blobs.list(None, 1_000).await.unwrap(), in_order);
    let mut found = Vec::new();
    while let page = blobs.list(found.last().copied(), 7).await.unwrap()
        && !page.is_empty()
    {
        assert!(page.len() <= 7);
        found.extend(page);
    }
    assert_eq!(found, in_order);
    let gone = in_order[20];
    blobs.delete(gone).await.unwrap();
    assert!(!blobs.exists(gone).await.unwrap());
    assert!(blobs.get(gone).await.unwrap().is_none());
    // A name that is not there any more is still a place in the order.
    let after = blobs.list(Some(gone), 1).await.unwrap();
    assert_eq!(after, in_order[21..22]);
    remove_all(blobs).await;
}

async fn what_does_not_end_well_leaves_nothing(blobs: &dyn Blobs) {
    let too_much = usize::try_from(BLOB_BYTES_MAX).unwrap() + 1;
    let refused = blobs.put(&mut Repeated::new(b'x', too_much)).await;
    assert_eq!(refused, Err(BlobFault::TooLarge));
    let stopped = BlobFault::Failed("the sender went away".to_owned());
    let mut torn = Torn {
        piece: Some("some of it".into()),
        fault: stopped.clone(),
    };
    assert_eq!(blobs.put(&mut torn).await, Err(stopped));
    assert!(!blobs.exists(BlobId::of(b"some of it")).await.unwrap());
    assert_eq!(blobs.list(None, 10).await.unwrap(), []);
}

async fn what_was_damaged_is_never_read_to_its_end(
    blobs: &dyn Blobs,
    damage: impl AsyncFn(BlobId),
) {
    for content in [Repeated::new(b'a', 20), Repeated::new(b'b', 2_000_000)] {
        let content = content.whole();
        let id = blobs.put(&mut Repeated::of(&content)).await.unwrap();
        damage(id).await;
        assert_eq!(read(blobs, id).await, Err(BlobFault::Damaged(id)));
        // Whoever still has it can put it right.
        blobs.put(&mut Repeated::of(&content)).await.unwrap();
        assert_eq!(read(blobs, id).await.unwrap(), Some(content));
    }
    remove_all(blobs).await;
}

async fn read(blobs: &dyn Blobs, id: BlobId) -> Result<Option<Bytes>, BlobFault> {
    let Some(mut chunks) = blobs.get(id).await? else {
        return Ok(None);
    };
    let mut whole = Vec::new();
    while let Some(chunk) = chunks.next().await? {
        whole.extend_from_slice(&chunk);
    }
    Ok(Some(whole.into()))
}

async fn remove_all(blobs: &dyn Blobs) {
    for id in blobs.list(None, usize::MAX).await.unwrap() {
        blobs.delete(id).await.unwrap();
    }
    assert_eq!(blobs.list(None, 10).await.unwrap(), []);
}

/// Bytes in pieces.
struct Repeated {
    pattern: Bytes,
    left: usize,
}

impl Repeated {
    fn new(byte: u8, bytes: usize) -> Self {
        Self {
            pattern: vec![byte; PIECE_BYTES].into(),
            left: bytes,
        }
    }

    /// `content`, whose bytes are all alike.
    fn of(content: &Bytes) -> Self {
        match content.first() {
            Some(first) if content.iter().all(|byte| byte == first) => {
                Self::new(*first, content.len())
            }
            Some(_) | None => Self {
                pattern: content.clone(),
                left: content.len(),
            },
        }
    }

    fn whole(&self) -> Bytes {
        vec![self.pattern[0]; self.left].into()
    }
}

#[async_trait]
impl Chunks for Repeated {
    async fn next(&mut self) -> Result<Option<Bytes>, BlobFault> {
        let next = self.left.min(self.pattern.len());
        self.left -= next;
        Ok((next > 0).then(|| self.pattern.slice(..next)))
    }
}

/// Bytes of a sender that goes away.
struct Torn {
    piece: Option<Bytes>,
    fault: BlobFault,
}

#[async_trait]
impl Chunks for Torn {
    async fn next(&mut self) -> Result<Option<Bytes>, BlobFault> {
        match self.piece.take() {
            Some(piece) => Ok(Some(piece)),
            None => Err(self.fault.clone()),
        }
    }
}
