//! Many blocking calls at a time, for stores whose answers take longer than the work on them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::thread;

/// `work` of every item, on at most `threads` threads; results in the items' order.
///
/// The threads are none of rayon's: waiting for a network must not keep a processor from hashing.
pub fn map<T: Sync, R: Send>(items: &[T], threads: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::with_capacity(items.len()));
    thread::scope(|scope| {
        for _ in 0..threads.min(items.len()) {
            scope.spawn(|| {
                while let index = next.fetch_add(1, Ordering::Relaxed)
                    && let Some(item) = items.get(index)
                {
                    let result = work(item);
                    results
                        .lock()
                        .expect("no thread panics while it pushes")
                        .push((index, result));
                }
            });
        }
    });
    let mut results = results.into_inner().expect("a panic was passed on by the scope");
    results.sort_unstable_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Lets a few of many threads go on.
pub struct Turns {
    free: Mutex<usize>,
    given_back: Condvar,
}

/// Leave to go on, until it is dropped.
pub struct Turn(&'static Turns);

impl Turns {
    pub const fn new(at_once: usize) -> Self {
        Turns {
            free: Mutex::new(at_once),
            given_back: Condvar::new(),
        }
    }

    pub fn take(&'static self) -> Turn {
        let free = self.free.lock().expect("nothing panics under this lock");
        let free = self.given_back.wait_while(free, |free| *free == 0);
        *free.expect("nothing panics under this lock") -= 1;
        Turn(self)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *self.0.free.lock().expect("nothing panics under this lock") += 1;
        self.0.given_back.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn results_keep_the_items_order() {
        let items: Vec<u64> = (0..1000).collect();
        assert_eq!(
            super::map(&items, 7, |item| item * 2),
            items.iter().map(|item| item * 2).collect::<Vec<_>>()
        );
        assert!(super::map(&[] as &[u64], 7, |item| *item).is_empty());
    }
    #[test]
    fn no_more_go_on_than_may() {
        static TURNS: super::Turns = super::Turns::new(3);
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        super::map(&[(); 50], 20, |()| {
            let _turn = TURNS.take();
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::yield_now();
            now.fetch_sub(1, Ordering::SeqCst);
        });
        assert!(most.into_inner() <= 3);
    }
}
