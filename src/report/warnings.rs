//! Warnings of who looks at the same things again and again, each once for as long as it holds.

use std::collections::BTreeSet;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// `None` where everything is looked at once.
static LOOKS: Mutex<Option<Looks>> = Mutex::new(None);

#[derive(Default)]
struct Looks {
    last: BTreeSet<String>,
    now: BTreeSet<String>,
}

/// Before each look: from here on, nothing is a warning that was one at the last look.
pub fn look_again() {
    let mut looks = looks();
    let looks = looks.get_or_insert_default();
    looks.last = mem::take(&mut looks.now);
}

/// Whether nobody has said so, now or at the last look.
pub fn is_news(text: &str) -> bool {
    match looks().as_mut() {
        None => true,
        Some(looks) => looks.now.insert(text.to_owned()) && !looks.last.contains(text),
    }
}

fn looks() -> MutexGuard<'static, Option<Looks>> {
    // A panic elsewhere left no half of an entry.
    LOOKS.lock().unwrap_or_else(PoisonError::into_inner)
}
