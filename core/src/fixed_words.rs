//! Enums that are one of a few fixed words in what people write. serde's derive would take `{"word": null}` for a word, too,
//! and say of other values in JSON only that they are no JSON.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{Deserializer, Error, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

/// Lets types with `#[serde(remote = "Type")]`, whose derives then are functions of the type itself, be read as nothing but one
/// of their words: `fixed_words!(read Mode, Place)`, and those with `Serialize` as `fixed_words!(read and written Kind)`.
#[macro_export]
macro_rules! fixed_words {
    (read $($words:ident),+) => {$(
        impl<'de> ::serde::Deserialize<'de> for $words {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> ::std::result::Result<Self, D::Error> {
                // The function that is derived, not this one.
                $words::deserialize($crate::fixed_words::FixedWords(deserializer))
            }
        }
    )+};
    (read and written $($words:ident),+) => {
        $crate::fixed_words!(read $($words),+);
        $(
            impl ::serde::Serialize for $words {
                fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error> {
                    $words::serialize(self, serializer)
                }
            }
        )+
    };
}

/// Reads enums from strings alone.
#[derive(Debug)]
pub struct FixedWords<D>(pub D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for FixedWords<D> {
    type Error = D::Error;

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_str(Word { words, visitor })
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

struct Word<V> {
    words: &'static [&'static str],
    visitor: V,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Word<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.words.join("`, `"))
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<V::Value, E> {
        let word: StrDeserializer<'_, E> = word.into_deserializer();
        self.visitor.visit_enum(word)
    }
}
