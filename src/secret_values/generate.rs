//! Values that nobody chose.

use lambda_pack_core::function::Charset;
use lambda_pack_core::secrets::SecretValue;
use lambda_pack_core::{Error, Result};

/// `length` characters, each as likely as any other of the set, from the system's source of randomness.
pub fn value(length: usize, charset: Charset) -> Result<SecretValue> {
    let characters = charset.characters();
    // Larger bytes would make the first characters likelier than the others.
    let usable = 256 - 256 % characters.len();
    let mut value = String::with_capacity(length);
    let mut bytes = [0; 256];
    while value.len() < length {
        getrandom::fill(&mut bytes)
            .map_err(|error| Error::failed(format!("the system gives no random numbers: {error}")))?;
        let fitting = bytes
            .iter()
            .map(|byte| usize::from(*byte))
            .filter(|byte| *byte < usable);
        let missing = length - value.len();
        value.extend(
            fitting
                .take(missing)
                .map(|byte| char::from(characters[byte % characters.len()])),
        );
    }
    Ok(SecretValue::new(value))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const ALL: [Charset; 4] = [
        Charset::Alphanumeric,
        Charset::Hex,
        Charset::UrlSafe,
        Charset::Printable,
    ];

    #[test]
    fn values_have_the_length_and_all_characters_of_their_set_and_no_other() {
        for charset in ALL {
            for length in [8, 255, 256, 4096] {
                assert_eq!(value(length, charset).expect("a value").reveal().len(), length);
            }
            // 90 characters at most, each in one of 4096 places: one that is missing is less likely than 1 in 10^17.
            let found: BTreeSet<u8> = value(4096, charset).expect("a value").reveal().bytes().collect();
            assert_eq!(found, charset.characters().into_iter().collect(), "{charset:?}");
        }
    }

    #[test]
    fn no_value_comes_twice() {
        let values: BTreeSet<String> = (0..1000)
            .map(|_| value(32, Charset::Alphanumeric).expect("a value").reveal().to_owned())
            .collect();
        assert_eq!(values.len(), 1000);
    }

    /// 62 doesn't divide 256: taken modulo, the first eight characters would come a quarter more often.
    #[test]
    fn all_characters_are_as_likely() {
        let mut counts = [0_u32; 256];
        for _ in 0..50 {
            for byte in value(4096, Charset::Alphanumeric).expect("a value").reveal().bytes() {
                counts[usize::from(byte)] += 1;
            }
        }
        // 204,800 characters: 3,303 of each, with a standard deviation of 57.
        for character in Charset::Alphanumeric.characters() {
            let count = counts[usize::from(character)];
            assert!((2900..3700).contains(&count), "{}: {count}", char::from(character));
        }
    }
}
