//! Splitting functions over machines that know nothing of each other.

use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

use crate::digest::Algorithm;

/// More machines than any account may start builds on.
const MOST: u16 = 10_000;

/// The `index`-th of `count` shards. The names of functions alone decide who is in which (`docs/formats.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// From 1 on.
    index: u16,
    count: u16,
}

impl Shard {
    /// All shards of this many.
    pub fn all(count: u16) -> impl Iterator<Item = Self> {
        (1..=count).map(move |index| Shard { index, count })
    }

    /// The shards that have some of these functions, each with their number: about `each` in one, but at most `most` shards.
    pub fn shared(names: &[String], most: u16, each: NonZeroU16) -> impl Iterator<Item = (Self, usize)> {
        let wanted = names.len().div_ceil(usize::from(each.get()));
        let count = u16::try_from(wanted).unwrap_or(most).min(most);
        let mut numbers = vec![0; usize::from(count)];
        for name in names {
            numbers[usize::from(position(name, count))] += 1;
        }
        Self::all(count).zip(numbers).filter(|(_, number)| *number > 0)
    }

    /// Whether the function of this name is in the shard.
    pub fn takes(self, name: &str) -> bool {
        position(name, self.count) == self.index - 1
    }
}

/// Which of this many shards a function is in, from 0 on.
fn position(name: &str, count: u16) -> u16 {
    let digest = Algorithm::Blake3.hash(name.as_bytes());
    let first = digest.as_bytes().first_chunk().expect("a digest has 32 bytes");
    let position = u64::from_le_bytes(*first) % u64::from(count);
    u16::try_from(position).expect("it is less than the count")
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.split_once('/').and_then(|(index, count)| {
            let (index, count) = (index.parse().ok()?, count.parse().ok()?);
            (1 <= index && index <= count && count <= MOST).then_some(Shard { index, count })
        });
        parsed.ok_or_else(|| format!("not I/N with I from 1 to N, and N at most {MOST}, such as 2/8"))
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pinned: machines with different versions share the work.
    #[test]
    fn names_decide() {
        let shard_of = |name: &str, count| Shard::all(count).position(|shard| shard.takes(name)).expect("one");
        let names = ["app", "order-intake", "iban-check", ""];
        assert_eq!(names.map(|name| shard_of(name, 7)), [3, 4, 1, 1]);
    }

    #[test]
    fn every_function_is_in_exactly_one_shard() {
        for count in [1, 2, 7, 64] {
            let shards: Vec<Shard> = Shard::all(count).collect();
            let mut sizes = vec![0; shards.len()];
            for number in 0..1000 {
                let name = format!("function-{number}");
                let takers = (0..shards.len()).filter(|&index| shards[index].takes(&name));
                let [taker] = takers.collect::<Vec<_>>()[..] else {
                    panic!("{name} is not in one shard of {count}")
                };
                sizes[taker] += 1;
            }
            // Nobody waits long for one machine.
            let even = 1000 / usize::from(count);
            assert!(sizes.iter().all(|size| *size < 2 * even + 10), "{sizes:?}");
        }
    }

    #[test]
    fn no_more_shards_than_functions_are_worth() {
        let names: Vec<String> = (0..100).map(|number| format!("function-{number}")).collect();
        let shared = |names: &[String], most, each| -> Vec<(String, usize)> {
            let shards = Shard::shared(names, most, NonZeroU16::new(each).expect("not 0"));
            shards.map(|(shard, number)| (shard.to_string(), number)).collect()
        };
        assert_eq!(shared(&names, 256, 100), [("1/1".to_owned(), 100)]);
        assert_eq!(shared(&[], 256, 100), []);
        for (most, each, count) in [(256, 25, 4), (3, 25, 3), (256, 33, 4), (1, 1, 1)] {
            let shared = shared(&names, most, each);
            assert_eq!(shared.len(), count, "{most}, {each}");
            assert_eq!(shared.iter().map(|(_, number)| number).sum::<usize>(), 100);
        }
        // Two of two names may fall into one: then nobody waits for nothing.
        let two = shared(&["app".to_owned(), "order-intake".to_owned(), "x".to_owned()], 256, 1);
        assert!(two.iter().all(|(_, number)| *number > 0), "{two:?}");
    }

    #[test]
    fn what_is_no_shard_is_refused() {
        assert_eq!("2/8".parse(), Ok(Shard { index: 2, count: 8 }));
        for text in ["", "2", "0/8", "9/8", "1/0", "1/10001", "-1/2", "1/2/3", "a/b", " 1/2"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
