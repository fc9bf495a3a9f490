//! Work that is done in parallel, and whose results are taken in order, within a budget of memory.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::channel;
use std::sync::{Condvar, Mutex, PoisonError};

use crate::Result;

/// Jobs that are in flight or wait for their turn. With more, results wait in memory that is touched for the first time, and that
/// takes longer than to wait for memory that was used before; with fewer, all would wait for the slowest one.
const MOST_FOR_EACH_THREAD: usize = 8;

/// Bytes of memory that all packing of this process shares.
#[derive(Debug)]
pub struct Budget {
    total: u64,
    used: Mutex<u64>,
    given_back: Condvar,
}

impl Budget {
    pub const fn new(total: u64) -> Self {
        Budget {
            total,
            used: Mutex::new(0),
            given_back: Condvar::new(),
        }
    }

    /// Takes bytes if they are there. What is more than all of it may be taken while nobody else has any.
    fn try_take(&self, bytes: u64) -> bool {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = self.fits(*used, bytes);
        if fits {
            *used += bytes;
        }
        fits
    }

    /// Waits until the bytes are there. Who waits must hold none, or all might wait for each other.
    fn take(&self, bytes: u64) {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.given_back.wait_while(used, |used| !self.fits(*used, bytes));
        *waited.unwrap_or_else(PoisonError::into_inner) += bytes;
    }

    fn fits(&self, used: u64, bytes: u64) -> bool {
        used == 0 || used + bytes <= self.total
    }

    fn give_back(&self, bytes: u64) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) -= bytes;
        self.given_back.notify_all();
    }
}

/// Does each job on rayon's threads, and hands the results to `consume`, in the jobs' order, on this thread, which must
/// be none of rayon's. `cost` is the bytes that a job and its result take, `kept` those of the result alone.
pub fn in_order<J: Send, T: Send>(
    budget: &Budget,
    jobs: impl IntoIterator<Item = Result<J>>,
    cost: impl Fn(&J) -> u64,
    kept: impl Fn(&T) -> u64,
    work: impl Fn(J) -> Result<T> + Sync,
    mut consume: impl FnMut(T) -> Result<()>,
) -> Result<()> {
    let mut jobs = jobs.into_iter().fuse();
    let (sender, receiver) = channel();
    let work = &work;
    let most = MOST_FOR_EACH_THREAD * rayon::current_num_threads();
    // In flight or waiting for their turn: the cost of each, from `first` on.
    let mut costs = std::collections::VecDeque::new();
    let mut done = BTreeMap::new();
    let mut first = 0;
    let mut waiting = None;
    let result = rayon::in_place_scope(|scope| {
        loop {
            while let Some(job) = waiting.take().map(Ok).or_else(|| jobs.next()) {
                let job = job?;
                let bytes = cost(&job);
                if costs.is_empty() {
                    budget.take(bytes);
                } else if costs.len() >= most || !budget.try_take(bytes) {
                    waiting = Some(job);
                    break;
                }
                let number = first + costs.len();
                costs.push_back(bytes);
                let sender = sender.clone();
                scope.spawn(move |_| {
                    // Nobody listens after a failure.
                    drop(sender.send((number, catch_unwind(AssertUnwindSafe(|| work(job))))));
                });
            }
            if costs.is_empty() {
                return Ok(());
            }
            let (number, result) = receiver.recv().expect("a sender is kept");
            // Whoever panicked must not be waited for.
            let result = result.unwrap_or_else(|panic| resume_unwind(panic));
            if let Ok(result) = &result {
                let cost: &mut u64 = &mut costs[number - first];
                let less = cost.saturating_sub(kept(result));
                *cost -= less;
                budget.give_back(less);
            }
            done.insert(number, result);
            while let Some(result) = done.remove(&first) {
                consume(result?)?;
                first += 1;
                budget.give_back(costs.pop_front().expect("one for each job"));
            }
        }
    });
    // After a failure: what was under way is done by now, and thrown away.
    budget.give_back(costs.iter().sum());
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn results_come_in_order_and_within_the_budget() {
        let budget = Budget::new(100);
        let (now, most) = (AtomicU64::new(0), AtomicU64::new(0));
        let costs: Vec<u64> = (0..500).map(|n| n * 37 % 60).collect();
        let mut seen = Vec::new();
        let outcome = in_order(
            &budget,
            costs.iter().copied().enumerate().map(Ok),
            |(_, cost)| *cost,
            |(_, cost)| *cost,
            |(number, cost)| {
                most.fetch_max(now.fetch_add(cost, Ordering::SeqCst) + cost, Ordering::SeqCst);
                Ok((number, cost))
            },
            |(number, cost)| {
                now.fetch_sub(cost, Ordering::SeqCst);
                seen.push(number);
                Ok(())
            },
        );
        assert!(outcome.is_ok());
        assert_eq!(seen, (0..500).collect::<Vec<_>>());
        assert!(most.into_inner() <= 100);
        assert_eq!(*budget.used.lock().expect("no panic"), 0);
    }

    #[test]
    fn a_job_above_the_budget_runs_alone_and_a_failure_gives_everything_back() {
        let budget = Budget::new(10);
        let outcome = in_order(
            &budget,
            [5, 50, 5, 5].map(Ok),
            |cost| *cost,
            |cost| *cost / 2,
            |cost| {
                if cost == 50 {
                    return Err(Error::failed("too much"));
                }
                Ok(cost)
            },
            |_| Ok(()),
        );
        assert!(outcome.is_err());
        assert_eq!(*budget.used.lock().expect("no panic"), 0);
    }

    #[test]
    #[should_panic(expected = "no memory")]
    fn a_panic_is_passed_on_and_not_waited_for() {
        let jobs = (0..100).map(Ok);
        let work = |number| match number {
            50 => panic!("no memory"),
            _ => Ok(number),
        };
        in_order(&Budget::new(1000), jobs, |_| 1, |_| 1, work, |_| Ok(())).ok();
    }
}
