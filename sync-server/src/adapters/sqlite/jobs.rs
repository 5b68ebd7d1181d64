//! What waits for the writing thread.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, Thread};

use super::writer::Job;

/// Most jobs in one transaction.
const GROUP_JOBS_MAX: usize = 4_096;
/// Bytes of updates after which a group takes no further job.
const GROUP_BYTES: usize = 8 * 1024 * 1024;

/// The writing thread's queue. Putting a job in makes no system call while the thread is at work.
#[derive(Default)]
pub(super) struct Jobs {
    waiting: Mutex<Waiting>,
    worker: OnceLock<Thread>,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    is_closed: bool,
}

/// The jobs of one transaction.
pub(super) struct Group {
    pub(super) jobs: Vec<Job>,
    /// No group follows.
    pub(super) is_last: bool,
}

impl Jobs {
    /// Puts a job in; gives it back if the thread is gone.
    pub(super) fn put(&self, job: Job) -> Result<(), Job> {
        let mut waiting = self.waiting();
        if waiting.is_closed {
            return Err(job);
        }
        waiting.jobs.push_back(job);
        // Woken while we hold the lock, the thread would run into it at once.
        drop(waiting);
        if let Some(worker) = self.worker.get() {
            worker.unpark();
        }
        Ok(())
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end that takes jobs. When it is dropped, nobody waits in vain.
pub(super) struct Taking(Arc<Jobs>);

impl Taking {
    /// For the thread that calls it.
    pub(super) fn here(jobs: Arc<Jobs>) -> Self {
        // A queue has one thread in its life.
        let _ = jobs.worker.set(thread::current());
        Self(jobs)
    }

    /// Waits for jobs; answers all that wait, as far as they fit one transaction.
    pub(super) fn next(&self) -> Group {
        loop {
            let group = self.0.waiting().group();
            if group.is_last || !group.jobs.is_empty() {
                return group;
            }
            thread::park();
        }
    }
}

impl Drop for Taking {
    fn drop(&mut self) {
        let mut waiting = self.0.waiting();
        waiting.is_closed = true;
        // Whoever asked sees its answer dropped.
        waiting.jobs.clear();
    }
}

impl Waiting {
    fn group(&mut self) -> Group {
        let mut group = Group {
            jobs: Vec::new(),
            is_last: false,
        };
        let mut bytes = 0;
        while group.jobs.len() < GROUP_JOBS_MAX && bytes < GROUP_BYTES {
            match self.jobs.pop_front() {
                Some(Job::Close) => {
                    group.is_last = true;
                    break;
                }
                Some(job) => {
                    bytes += job.bytes();
                    group.jobs.push(job);
                }
                None => break,
            }
        }
        group
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    fn probe() -> Job {
        Job::Probe {
            answer: oneshot::channel().0,
        }
    }

    #[test]
    fn all_that_waits_is_one_group_and_what_comes_after_the_close_is_none() {
        let jobs = Arc::new(Jobs::default());
        let taking = Taking::here(Arc::clone(&jobs));
        for _ in 0..3 {
            assert!(jobs.put(probe()).is_ok());
        }
        assert_eq!(taking.next().jobs.len(), 3);
        assert!(jobs.put(probe()).is_ok());
        assert!(jobs.put(Job::Close).is_ok());
        assert!(jobs.put(probe()).is_ok());
        let last = taking.next();
        assert_eq!((last.jobs.len(), last.is_last), (1, true));
    }

    #[test]
    fn a_thread_that_waits_is_woken_by_a_job() {
        let jobs = Arc::new(Jobs::default());
        let theirs = Arc::clone(&jobs);
        let thread = thread::spawn(move || Taking::here(theirs).next().jobs.len());
        assert!(jobs.put(probe()).is_ok());
        assert_eq!(thread.join().unwrap(), 1);
    }

    #[test]
    fn whoever_waits_for_a_thread_that_died_is_told() {
        let jobs = Arc::new(Jobs::default());
        let taking = Taking::here(Arc::clone(&jobs));
        let (answer, mut answered) = oneshot::channel();
        assert!(jobs.put(Job::Probe { answer }).is_ok());
        drop(taking);
        assert!(matches!(
            answered.try_recv(),
            Err(oneshot::error::TryRecvError::Closed)
        ));
        assert!(jobs.put(probe()).is_err());
    }
}
