//! Following references: each is worked out once, and all of a repository within a budget. A few lines whose values name each
//! other twice stand for more than any machine has.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use super::origin::Origin;
use super::unknown::Unknown;
use super::value::{Data, Place, Value};
use crate::{Error, Meter, Result};

/// References within references; a stack ends.
const DEEPEST: usize = 100;

/// What is larger isn't worked out, by weight ([`Value::weight`]): a function's whole configuration has no more than 64 kB.
pub const LARGEST: usize = 1024 * 1024;

/// For a whole repository, by weight: 8 million values.
const BUDGET: usize = 512 * 1024 * 1024;

/// What following references may cost. When it is spent, or the user interrupts, all else is unknown and [`Resolver::end`]
/// fails.
pub struct Resolver<'a> {
    meter: &'a Meter,
    left: Cell<usize>,
    depth: Cell<usize>,
    failed: RefCell<Option<Error>>,
}

impl<'a> Resolver<'a> {
    pub fn new(meter: &'a Meter) -> Self {
        Resolver {
            meter,
            left: Cell::new(BUDGET),
            depth: Cell::new(0),
            failed: RefCell::new(None),
        }
    }

    pub fn is_stopped(&self) -> bool {
        self.failed.borrow().is_some()
    }

    /// Fails if it was stopped.
    pub fn end(&self) -> Result<()> {
        self.failed.take().map_or(Ok(()), Err)
    }

    /// The value of what stands there; its origin is that of all that went into it.
    pub fn value(&self, place: &Place, work: impl FnOnce(&Seen) -> Result<Data, Unknown>) -> Value {
        if self.depth.get() > DEEPEST || self.is_stopped() {
            return Value::unknown(place, Unknown::default());
        }
        self.depth.set(self.depth.get() + 1);
        let seen = Seen::default();
        let data = work(&seen);
        self.depth.set(self.depth.get() - 1);
        let data = match data {
            Ok(Data::String(text)) if text.len() > LARGEST => Data::Unknown(Unknown::default()),
            Ok(data) => data,
            Err(unknown) => Data::Unknown(unknown),
        };
        let of_text = match &data {
            Data::String(text) => text.len(),
            _ => 0,
        };
        self.spend(place, Value::new(place, Data::Null).weight() + of_text);
        Value::new(place, data).from(seen.0.get())
    }

    /// A copy.
    pub fn copy(&self, value: &Value) -> Value {
        self.spend(&value.place, value.weight());
        match self.is_stopped() {
            true => Value::unknown(&value.place, Unknown::default()),
            false => value.clone(),
        }
    }

    fn spend(&self, place: &Place, weight: usize) {
        if self.is_stopped() {
            return;
        }
        let stopped = match self.left.get().checked_sub(weight) {
            Some(left) => {
                self.left.set(left);
                self.meter.check()
            }
            None => Err(Error::invalid(format!("{place}: the values here stand for too much"))
                .help("leave this file out of what is adopted, with `.gitignore` or by adopting another directory")),
        };
        self.failed.replace(stopped.err());
    }
}

/// What went into a value while it is worked out.
#[derive(Default)]
pub struct Seen(Cell<Origin>);

impl Seen {
    pub fn add(&self, origin: Origin) {
        self.0.set(self.0.get().and(origin));
    }

    /// The value, whose origin counts for what is made of it.
    pub fn of(&self, value: Value) -> Value {
        self.add(match &value.data {
            // Members bring their own.
            Data::List(_) | Data::Map(_) => value.origin,
            _ => value.origin_of_parts(),
        });
        value
    }
}

/// What names stand for in a module or file.
pub struct Names<K>(RefCell<BTreeMap<K, Option<Rc<Value>>>>);

impl<K> Default for Names<K> {
    fn default() -> Self {
        Names(RefCell::default())
    }
}

impl<K: Ord + Clone> Names<K> {
    /// Works a name out, once. `None` if it stands for itself, or for too much.
    pub fn get(&self, name: K, work: impl FnOnce() -> Value) -> Option<Rc<Value>> {
        if let Some(known) = self.0.borrow().get(&name) {
            return known.clone();
        }
        self.0.borrow_mut().insert(name.clone(), None);
        let value = Some(work()).filter(|value| value.weight() <= LARGEST).map(Rc::new);
        self.0.borrow_mut().insert(name, value.clone());
        value
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::atomic::Ordering;

    use super::*;

    fn place() -> Place {
        Place {
            file: Path::new("a.tf").into(),
            line: 7,
        }
    }

    #[test]
    fn a_budget_that_is_spent_says_where() {
        let meter = Meter::default();
        let resolver = Resolver::new(&meter);
        let large = Value::string(&place(), "x".repeat(LARGEST));
        for _ in 0..BUDGET / LARGEST {
            resolver.copy(&large);
        }
        assert!(resolver.copy(&large).as_str().is_none());
        let error = resolver.end().expect_err("too much");
        assert_eq!(error.message(), "a.tf:7: the values here stand for too much");
    }

    #[test]
    fn who_interrupts_stops_it() {
        let meter = Meter::default();
        let resolver = Resolver::new(&meter);
        meter.interrupt_flag().store(true, Ordering::Relaxed);
        resolver.value(&place(), |_| Ok(Data::Null));
        assert!(
            resolver
                .value(&place(), |_| panic!("nothing more is worked out"))
                .is_unknown()
        );
        assert_eq!(
            resolver.end().expect_err("interrupted").kind(),
            crate::ErrorKind::Interrupted
        );
    }

    #[test]
    fn a_name_is_worked_out_once_and_never_within_itself() {
        let names = Names::default();
        let value = || Value::string(&place(), "x");
        let outer = names.get("a", || {
            assert!(names.get("a", value).is_none());
            value()
        });
        assert!(outer.is_some());
        assert!(names.get("a", || panic!("it is known")).is_some());
        assert!(
            names
                .get("b", || Value::string(&place(), "x".repeat(LARGEST)))
                .is_none()
        );
    }
}
