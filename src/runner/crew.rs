//! Threads that run attempts. One that is done waits for the next attempt: starting a thread costs a noticeable part of
//! what a short stage takes. There are never more than attempts ran at once, and they end with the runner.

use std::io;
use std::sync::mpsc::{SendError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

type Job = Box<dyn FnOnce() + Send>;

/// The threads that have nothing to do, by the way to give them something.
#[derive(Default)]
pub struct Crew {
    idle: Mutex<Vec<SyncSender<Job>>>,
}

impl Crew {
    /// Runs the job beside the caller, on a waiting thread or on a new one.
    pub fn run(self: &Arc<Self>, stack: usize, mut job: Job) -> io::Result<()> {
        while let Some(waiting) = self.next_idle() {
            match waiting.send(job) {
                Ok(()) => return Ok(()),
                Err(SendError(back)) => job = back,
            }
        }
        let crew = Arc::clone(self);
        let work = move || {
            job();
            loop {
                let (sender, receiver) = sync_channel::<Job>(1);
                crew.idle.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
                match receiver.recv() {
                    Ok(job) => job(),
                    Err(_) => return,
                }
            }
        };
        std::thread::Builder::new().stack_size(stack).spawn(work).map(drop)
    }

    fn next_idle(&self) -> Option<SyncSender<Job>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::mpsc::channel;
    use std::sync::{Arc, Barrier};

    use super::Crew;

    const STACK: usize = 256 * 1024;

    #[test]
    fn jobs_at_once_have_threads_of_their_own() {
        let crew = Arc::new(Crew::default());
        let together = Arc::new(Barrier::new(4));
        let (done, wait) = channel();
        for _ in 0..4 {
            let (together, done) = (Arc::clone(&together), done.clone());
            let job = move || {
                together.wait();
                done.send(std::thread::current().id()).unwrap();
            };
            crew.run(STACK, Box::new(job)).unwrap();
        }
        drop(done);
        assert_eq!(wait.iter().take(4).collect::<HashSet<_>>().len(), 4);
    }

    #[test]
    fn every_job_of_many_is_done_once_by_a_few_threads() {
        let crew = Arc::new(Crew::default());
        let (done, wait) = channel();
        let mut threads = HashSet::new();
        for n in 0..500 {
            let done = done.clone();
            crew.run(STACK, Box::new(move || done.send((n, std::thread::current().id())).unwrap())).unwrap();
            let (number, thread) = wait.recv().unwrap();
            assert_eq!(number, n);
            threads.insert(thread);
        }
        // A thread may still be on its way back when the next job comes, so now and then there is one more.
        assert!(threads.len() < 100, "{} threads for one job at a time", threads.len());
    }
}
