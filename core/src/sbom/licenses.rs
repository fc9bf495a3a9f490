//! Licences, as SPDX spells them where that is what was declared: <https://spdx.org/licenses/>.

use serde::Serialize;

/// One element of CycloneDX's `licenses`; an expression must be the only one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum License {
    License(Named),
    #[serde(untagged)]
    Expression {
        expression: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Named {
    /// An identifier that SPDX knows.
    Id(String),
    /// Whatever else the package calls it.
    Name(String),
}

impl License {
    /// However it is declared.
    pub fn text(&self) -> &str {
        match self {
            License::License(Named::Id(text) | Named::Name(text)) | License::Expression { expression: text } => text,
        }
    }
}

/// What SPDX knows, as identifier or expression.
pub fn spdx(text: &str) -> Option<License> {
    let text = text.trim();
    if spdx::license_id(text).is_some_and(|id| id.name == text) {
        return Some(License::License(Named::Id(text.to_owned())));
    }
    // `GPL-2.0` and `GPL-2.0+` are out of date, and in many packages.
    let mode = spdx::ParseMode {
        allow_deprecated: true,
        allow_postfix_plus_on_gpl: true,
        ..spdx::ParseMode::STRICT
    };
    let parsed = spdx::Expression::parse_mode(text, mode);
    parsed.ok().map(|_| License::Expression {
        expression: text.to_owned(),
    })
}

/// What SPDX doesn't know goes by its name. `None` for what is no name, such as the text of a licence.
pub fn named(text: &str) -> Option<License> {
    let text = text.trim();
    (!text.is_empty() && !text.contains('\n')).then(|| License::License(Named::Name(text.to_owned())))
}

/// PyPI's classifiers that name exactly one licence: <https://pypi.org/classifiers/>. `BSD License`, for example, doesn't.
const CLASSIFIERS: [(&str, &str); 16] = [
    ("Apache Software License", "Apache-2.0"),
    ("Boost Software License 1.0 (BSL-1.0)", "BSL-1.0"),
    ("GNU Affero General Public License v3", "AGPL-3.0-only"),
    (
        "GNU Affero General Public License v3 or later (AGPLv3+)",
        "AGPL-3.0-or-later",
    ),
    ("GNU General Public License v2 (GPLv2)", "GPL-2.0-only"),
    ("GNU General Public License v2 or later (GPLv2+)", "GPL-2.0-or-later"),
    ("GNU General Public License v3 (GPLv3)", "GPL-3.0-only"),
    ("GNU General Public License v3 or later (GPLv3+)", "GPL-3.0-or-later"),
    ("GNU Lesser General Public License v3 (LGPLv3)", "LGPL-3.0-only"),
    (
        "GNU Lesser General Public License v3 or later (LGPLv3+)",
        "LGPL-3.0-or-later",
    ),
    ("ISC License (ISCL)", "ISC"),
    ("MIT License", "MIT"),
    ("MIT No Attribution License (MIT-0)", "MIT-0"),
    ("Mozilla Public License 2.0 (MPL 2.0)", "MPL-2.0"),
    ("The Unlicense (Unlicense)", "Unlicense"),
    ("zlib/libpng License", "Zlib"),
];

/// From a classifier of Python's core metadata, if it is about licences.
pub fn of_classifier(classifier: &str) -> Option<License> {
    let below = classifier.strip_prefix("License :: ")?;
    let name = below.rsplit(" :: ").next().unwrap_or(below);
    // The heading alone says nothing.
    if name == "OSI Approved" {
        return None;
    }
    match CLASSIFIERS.iter().find(|(known, _)| *known == name) {
        Some((_, id)) => Some(License::License(Named::Id((*id).to_owned()))),
        None => named(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_spdx_knows_is_spelled_so() {
        let cases = [
            (spdx("MIT"), json!({"license": {"id": "MIT"}})),
            (
                spdx("MIT OR (Apache-2.0 AND ISC)"),
                json!({"expression": "MIT OR (Apache-2.0 AND ISC)"}),
            ),
            (
                spdx("(BSD-3-Clause OR GPL-2.0+)"),
                json!({"expression": "(BSD-3-Clause OR GPL-2.0+)"}),
            ),
            (spdx("Apache 2.0"), json!(null)),
            (named("Apache 2.0 "), json!({"license": {"name": "Apache 2.0"}})),
            (named("MIT License\n\nCopyright"), json!(null)),
            (
                of_classifier("License :: OSI Approved :: MIT License"),
                json!({"license": {"id": "MIT"}}),
            ),
            (
                of_classifier("License :: OSI Approved :: BSD License"),
                json!({"license": {"name": "BSD License"}}),
            ),
            (of_classifier("License :: OSI Approved"), json!(null)),
            (of_classifier("Typing :: Typed"), json!(null)),
        ];
        for (found, expected) in cases {
            assert_eq!(json!(found), expected);
        }
    }

    #[test]
    fn every_classifier_maps_to_what_spdx_knows() {
        for (_, id) in CLASSIFIERS {
            assert!(matches!(spdx(id), Some(License::License(Named::Id(_)))), "{id}");
        }
    }
}
