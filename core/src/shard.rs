//! Splitting functions over machines that know nothing of each other.

use std::fmt;
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

    /// Whether the function of this name is in the shard.
    pub fn takes(self, name: &str) -> bool {
        let digest = Algorithm::Blake3.hash(name.as_bytes());
        let first = digest.as_bytes().first_chunk().expect("a digest has 32 bytes");
        u64::from_le_bytes(*first) % u64::from(self.count) == u64::from(self.index - 1)
    }
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
    fn what_is_no_shard_is_refused() {
        assert_eq!("2/8".parse(), Ok(Shard { index: 2, count: 8 }));
        for text in ["", "2", "0/8", "9/8", "1/0", "1/10001", "-1/2", "1/2/3", "a/b", " 1/2"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
