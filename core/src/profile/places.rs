//! Where a file says what is wrong in it. It is looked up for messages alone.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::function::{GlobText, Secret};
use crate::swaps::Swap;
use crate::toml_text;

/// The text that profiles were read from.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    file: String,
    text: String,
}

impl Places {
    pub fn new(file: String, text: String) -> Self {
        Places { file, text }
    }

    /// `file:line:column` of a key, in the first of these profiles that has it; else of the first profile.
    pub fn of_key(&self, profiles: &[String], key: &str) -> String {
        self.find(profiles, |table| Some(get(table, key)?.span().start))
    }

    /// That of an element of a list, or of a table in one.
    pub fn of_element(&self, profiles: &[String], key: &str, is_meant: impl Fn(&DeValue) -> bool) -> String {
        self.find(profiles, |table| {
            let mut elements = get(table, key)?.get_ref().as_array()?.iter();
            let element = elements.find(|element| is_meant(element.get_ref()))?;
            Some(element.span().start)
        })
    }

    pub fn of_parameter(&self, profiles: &[String], name: &str) -> String {
        self.find(profiles, |table| {
            let parameters = get(table, "parameters")?.get_ref().as_table()?;
            Some(get(parameters, name)?.span().start)
        })
    }

    pub fn of_swap(&self, profiles: &[String], swap: &Swap) -> String {
        let from = swap.from.to_string();
        self.of_element(profiles, "swaps", |table| {
            says(table, "from", &from) && is_for(table, swap.functions.as_deref())
        })
    }

    pub fn of_secret(&self, profiles: &[String], secret: &Secret) -> String {
        let id = secret.id.to_string();
        self.of_element(profiles, "secrets", |table| {
            says(table, "id", &id) && is_for(table, secret.functions.as_deref())
        })
    }

    fn find(&self, profiles: &[String], position: impl Fn(&DeTable) -> Option<usize>) -> String {
        let Ok(file) = DeTable::parse(&self.text) else {
            return self.file.clone();
        };
        let table = |name: &String| get(get(file.get_ref(), "profiles")?.get_ref().as_table()?, name);
        let found = profiles
            .iter()
            .find_map(|name| position(table(name)?.get_ref().as_table()?));
        let profile = || Some(table(profiles.first()?)?.span().start);
        match found.or_else(profile) {
            Some(start) => toml_text::place(&self.file, &self.text, start),
            None => self.file.clone(),
        }
    }
}

fn get<'a, 'i>(table: &'a DeTable<'i>, key: &str) -> Option<&'a Spanned<DeValue<'i>>> {
    let entries = table.iter().find(|(name, _)| name.get_ref() == key);
    entries.map(|(_, value)| value)
}

/// Whether a table says this of a key.
fn says(element: &DeValue, key: &str, value: &str) -> bool {
    let found = element.as_table().and_then(|table| get(table, key));
    found.is_some_and(|found| found.get_ref().as_str() == Some(value))
}

/// Whether a table has exactly these `functions`.
fn is_for(element: &DeValue, functions: Option<&[GlobText]>) -> bool {
    let found = element.as_table().and_then(|table| get(table, "functions"));
    match (found.and_then(|found| found.get_ref().as_array()), functions) {
        (None, None) => true,
        (Some(found), Some(functions)) => {
            let found = found.iter().filter_map(|glob| glob.get_ref().as_str());
            found.eq(functions.iter().map(|glob| glob.glob().glob()))
        }
        _ => false,
    }
}
