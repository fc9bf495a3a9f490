//! What the way to a value says of it: whether it is a secret, or of this machine only.

use super::unknown::Says;
use super::value::Data;
use crate::secrets::{self, Named};

/// What the way to a value says of it: it goes along wherever the value, or something that is made of it, goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// What the names say that led to it: of keys, variables, locals, parameters.
    pub named: Option<Named>,
    /// Whether something that is a secret went into it.
    pub is_secret: bool,
    /// Whether it is of this machine, such as the path of the repository.
    pub is_local: bool,
}

impl Origin {
    pub const LOCAL: Origin = Origin {
        named: None,
        is_secret: false,
        is_local: true,
    };

    /// Of what such names lead to, the last one first of all.
    pub fn named(path: &[&str]) -> Self {
        Origin {
            named: secrets::named_by(path),
            ..Origin::default()
        }
    }

    /// Of what is made of both.
    pub fn and(self, other: Origin) -> Self {
        Origin {
            named: self.named.max(other.named),
            is_secret: self.is_secret || other.is_secret,
            is_local: self.is_local || other.is_local,
        }
    }
}

/// Whether a scalar of this origin may be a secret.
pub fn is_secret(scalar: &Data, origin: Origin) -> bool {
    match scalar {
        Data::Unknown(unknown) => match unknown.says {
            Says::Secret => true,
            Says::Name => false,
            Says::Nothing | Says::Missing => origin.is_secret || origin.named.is_some(),
        },
        Data::String(text) | Data::Number(text) => origin.is_secret || secrets::may_be(origin.named, text),
        Data::Null | Data::Bool(_) | Data::List(_) | Data::Map(_) => false,
    }
}
