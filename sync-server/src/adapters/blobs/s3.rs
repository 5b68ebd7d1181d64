//! Blobs as objects of an S3-compatible store. Every question has a deadline, and, as none of them does harm when it is
//! asked twice, is asked again after a failure: a few times, each after a longer pause by chance, and only while most
//! questions are answered at once.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt as _, StreamExt as _};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{Error, ObjectStore as _, ObjectStoreExt as _, PutPayload, RetryConfig};
use sheaf_shared::sync::backoff::Backoff;

use super::line::Line;
use crate::config::S3Url;
use crate::ports::{BLOB_BYTES_MAX, BlobFault, BlobId, Blobs, Chunks, Incoming, Verified};

/// Longest wait, in milliseconds, for an answer, and for each piece of a blob.
const ANSWER_MS: u64 = 10_000;
/// Longest wait, in milliseconds, until a blob was taken: the largest one at 1 MiB a second.
const TAKEN_MS: u64 = 64_000;
/// Most times a question is asked.
const ATTEMPTS_MAX: u32 = 4;
/// Most characters of an answer that are told.
const TOLD_CHARS_MAX: usize = 240;

/// Blobs in a bucket.
#[derive(Debug)]
pub struct S3Blobs {
    store: AmazonS3,
    prefix: Path,
    budget: Budget,
}

impl S3Blobs {
    /// Uses what `url` names. Asks nothing yet.
    ///
    /// # Errors
    /// [`BlobFault::Failed`] when that can never work.
    pub fn new(url: &S3Url) -> Result<Self, BlobFault> {
        let never = |error: &dyn std::fmt::Display| BlobFault::Failed(told(error));
        let line = Line::new().map_err(|error| never(&error))?;
        let store = AmazonS3Builder::new()
            .with_endpoint(url.endpoint())
            .with_allow_http(true)
            .with_bucket_name(url.bucket())
            .with_region(url.region())
            .with_access_key_id(url.key_id())
            .with_secret_access_key(url.secret_key())
            .with_http_connector(line)
            // How often something is asked is decided here, and not twice.
            .with_retry(RetryConfig {
                max_retries: 0,
                ..RetryConfig::default()
            })
            .build()
            .map_err(|error| never(&error))?;
        Ok(Self {
            store,
            prefix: Path::from(url.prefix()),
            budget: Budget::default(),
        })
    }

    fn path_of(&self, id: BlobId) -> Path {
        self.prefix.clone().join(id.to_string())
    }

    /// Asks, again and again if need be. `None`: there is no such thing.
    async fn ask<'q, T: Send>(
        &self,
        within_ms: u64,
        question: impl Fn() -> BoxFuture<'q, object_store::Result<T>> + Send + Sync,
    ) -> Result<Option<T>, BlobFault> {
        let mut backoff = Backoff::new(fastrand::u64(..));
        let mut attempt = 1;
        loop {
            let asked = tokio::time::timeout(Duration::from_millis(within_ms), question()).await;
            let fault = match asked {
                Ok(Ok(answer)) => {
                    self.budget.earn();
                    return Ok(Some(answer));
                }
                Ok(Err(Error::NotFound { .. })) => return Ok(None),
                Ok(Err(
                    error @ (Error::PermissionDenied { .. } | Error::Unauthenticated { .. }),
                )) => {
                    return Err(BlobFault::Failed(told(&error)));
                }
                Ok(Err(error)) => BlobFault::Failed(told(&error)),
                Err(_) => BlobFault::Busy,
            };
            if attempt == ATTEMPTS_MAX || !self.budget.spend() {
                return Err(fault);
            }
            attempt += 1;
            tokio::time::sleep(Duration::from_millis(backoff.fail())).await;
        }
    }

    async fn some_names(
        &self,
        after: Option<BlobId>,
        limit: usize,
    ) -> object_store::Result<Vec<BlobId>> {
        let mut objects = match after {
            Some(id) => self
                .store
                .list_with_offset(Some(&self.prefix), &self.path_of(id)),
            None => self.store.list(Some(&self.prefix)),
        };
        let mut ids = Vec::new();
        while ids.len() < limit {
            let Some(object) = objects.next().await.transpose()? else {
                break;
            };
            ids.extend(object.location.filename().and_then(BlobId::parse));
        }
        Ok(ids)
    }

    /// That something is not there is believed only of a bucket that is: the answers look alike.
    async fn absent<T>(&self) -> Result<Option<T>, BlobFault> {
        self.list(None, 1).await?;
        Ok(None)
    }
}

#[async_trait]
impl Blobs for S3Blobs {
    async fn put(&self, bytes: &mut dyn Chunks) -> Result<BlobId, BlobFault> {
        // The name is known at the end only, and the store wants it first.
        let mut incoming = Incoming::default();
        let mut pieces = Vec::new();
        while let Some(chunk) = bytes.next().await? {
            incoming.take(&chunk)?;
            pieces.push(chunk);
        }
        let (id, payload) = (incoming.done(), PutPayload::from_iter(pieces));
        let path = self.path_of(id);
        let put = self
            .ask(TAKEN_MS, || self.store.put(&path, payload.clone()).boxed())
            .await?;
        put.map(|_| id).ok_or_else(no_bucket)
    }

    async fn get(&self, id: BlobId) -> Result<Option<Box<dyn Chunks>>, BlobFault> {
        let path = self.path_of(id);
        let Some(found) = self
            .ask(ANSWER_MS, || self.store.get(&path).boxed())
            .await?
        else {
            return self.absent().await;
        };
        if found.meta.size > BLOB_BYTES_MAX {
            return Err(BlobFault::Damaged(id));
        }
        let pieces = Pieces(found.into_stream());
        Ok(Some(Box::new(Verified::new(id, pieces))))
    }

    async fn exists(&self, id: BlobId) -> Result<bool, BlobFault> {
        let path = self.path_of(id);
        let found = self
            .ask(ANSWER_MS, || self.store.head(&path).boxed())
            .await?;
        match found {
            Some(_) => Ok(true),
            None => self.absent().await.map(|found: Option<()>| found.is_some()),
        }
    }

    async fn delete(&self, id: BlobId) -> Result<(), BlobFault> {
        let path = self.path_of(id);
        let deleted = self
            .ask(ANSWER_MS, || self.store.delete(&path).boxed())
            .await?;
        match deleted {
            Some(()) => Ok(()),
            None => self.absent().await.map(|_: Option<()>| ()),
        }
    }

    async fn list(&self, after: Option<BlobId>, limit: usize) -> Result<Vec<BlobId>, BlobFault> {
        let found = self.ask(ANSWER_MS, || self.some_names(after, limit).boxed());
        found.await?.ok_or_else(no_bucket)
    }
}

fn no_bucket() -> BlobFault {
    BlobFault::Failed("there is no such bucket".to_owned())
}

/// What went wrong, without the page that a store sends along, which may quote the request.
fn told(error: &(impl std::fmt::Display + ?Sized)) -> String {
    let text = error.to_string();
    let line = text.split(['<', '\n']).next().unwrap_or_default();
    line.chars().take(TOLD_CHARS_MAX).collect()
}

/// A blob as it comes.
struct Pieces(BoxStream<'static, object_store::Result<Bytes>>);

#[async_trait]
impl Chunks for Pieces {
    async fn next(&mut self) -> Result<Option<Bytes>, BlobFault> {
        let next = tokio::time::timeout(Duration::from_millis(ANSWER_MS), self.0.next()).await;
        let piece = next.map_err(|_| BlobFault::Busy)?.transpose();
        piece.map_err(|error| BlobFault::Failed(told(&error)))
    }
}

/// How many questions may be asked again. Where one in ten fails, each is; where all fail, hardly any: a store in trouble
/// is not asked four times as much.
#[derive(Debug)]
struct Budget(AtomicU32);

impl Budget {
    /// What asking again costs, in what an answer earns.
    const PRICE: u32 = 10;
    const MAX: u32 = 10 * Self::PRICE;

    fn earn(&self) {
        let earned = |now: u32| Some((now + 1).min(Self::MAX));
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, earned);
    }

    /// Whether there was enough.
    fn spend(&self) -> bool {
        let spent = |now: u32| now.checked_sub(Self::PRICE);
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, spent)
            .is_ok()
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self(AtomicU32::new(Self::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_answers_nothing_is_asked_again_ten_times_and_then_no_more() {
        let budget = Budget::default();
        let spent = (0..100).filter(|_| budget.spend()).count();
        assert_eq!(spent, 10);
        for _ in 0..25 {
            budget.earn();
        }
        assert_eq!((0..100).filter(|_| budget.spend()).count(), 2);
    }

    #[test]
    fn what_a_store_says_is_told_without_the_page_it_sends_along() {
        let told = told("status 403: <Error><AWSAccessKeyId>me</AWSAccessKeyId></Error>");
        assert_eq!(told, "status 403: ");
    }
}
