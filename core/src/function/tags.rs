//! The key `tags` of a definition: what AWS takes.

use super::definition::UniqueMap;
use crate::{Error, Result, shorten};

/// In characters: <https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html>
const LONGEST_KEY: usize = 128;
const LONGEST_VALUE: usize = 256;
const MOST: usize = 50;
/// Nobody else's tags may begin so, in whatever case.
const RESERVED: &str = "aws:";

pub(super) fn check(tags: Option<&UniqueMap<String>>) -> Result<()> {
    let Some(tags) = tags else { return Ok(()) };
    let number = tags.iter().count();
    if number > MOST {
        return Err(wrong(format!("found {number} tags; allowed: at most {MOST}")));
    }
    for (key, value) in tags.iter() {
        let shown = shorten(key);
        let [key_length, value_length] = [key.as_str(), value].map(|text| text.chars().count());
        if !(1..=LONGEST_KEY).contains(&key_length) {
            return Err(wrong(format!(
                "found the key `{shown}` of {key_length} characters; allowed: 1 to {LONGEST_KEY}"
            )));
        }
        if key
            .get(..RESERVED.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(RESERVED))
        {
            return Err(wrong(format!(
                "found the key `{shown}`; allowed: what doesn't begin with `{RESERVED}`, which is AWS's own"
            )));
        }
        if value_length > LONGEST_VALUE {
            return Err(wrong(format!(
                "found a value of {value_length} characters at `{shown}`; allowed: at most {LONGEST_VALUE}"
            )));
        }
    }
    Ok(())
}

fn wrong(what: String) -> Error {
    Error::invalid(what)
        .in_key("tags")
        .help("AWS refuses functions with such tags")
}
