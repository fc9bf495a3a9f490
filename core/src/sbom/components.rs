//! Reading a bill of materials again.

use serde::Deserialize;

use super::Sbom;
use super::python::normal;

/// A package of others, as a bill of materials names it.
#[derive(Debug, PartialEq, Eq)]
pub struct Component {
    pub purl: String,
    /// With the group in front: `@a/b`.
    pub name: String,
    pub version: Option<String>,
    /// SPDX expressions, or names.
    pub licenses: Vec<String>,
}

impl Component {
    /// What [`super::Owner`] calls it.
    pub fn owner_name(&self) -> String {
        match self.purl.starts_with("pkg:pypi/") {
            true => normal(&self.name),
            false => self.name.clone(),
        }
    }
}

impl Sbom {
    /// By package URL.
    pub fn components(&self) -> Vec<Component> {
        let parts = self.parts.iter().map(|(purl, part)| Component {
            purl: purl.clone(),
            name: part.full_name(),
            version: part.version.clone(),
            licenses: part.licenses.iter().map(|license| license.text().to_owned()).collect(),
        });
        parts.collect()
    }
}

/// What a document lists, in its order. Fails with what is wrong.
pub fn components(document: &[u8]) -> Result<Vec<Component>, String> {
    #[derive(Deserialize)]
    struct Document {
        components: Vec<Listed>,
    }
    #[derive(Deserialize)]
    struct Listed {
        group: Option<String>,
        name: String,
        version: Option<String>,
        #[serde(default)]
        licenses: Vec<Choice>,
        purl: String,
    }
    #[derive(Deserialize)]
    struct Choice {
        expression: Option<String>,
        license: Option<Named>,
    }
    #[derive(Deserialize)]
    struct Named {
        id: Option<String>,
        name: Option<String>,
    }
    let document: Document =
        serde_json::from_slice(document).map_err(|error| format!("not a bill of materials: {error}"))?;
    let components = document.components.into_iter().map(|listed| Component {
        name: match listed.group {
            Some(group) => format!("{group}/{}", listed.name),
            None => listed.name,
        },
        version: listed.version,
        licenses: (listed.licenses.into_iter())
            .filter_map(|choice| {
                choice
                    .expression
                    .or_else(|| choice.license.and_then(|it| it.id.or(it.name)))
            })
            .collect(),
        purl: listed.purl,
    });
    Ok(components.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_versions_and_licenses_are_read() {
        let document = br#"{"bomFormat": "CycloneDX", "components": [
            {"group": "@a", "name": "b", "version": "1", "purl": "pkg:npm/%40a/b@1", "licenses": [{"license": {"id": "MIT"}}]},
            {"name": "Py.Yaml", "purl": "pkg:pypi/py-yaml", "licenses": [{"expression": "MIT OR ISC"}]}
        ]}"#;
        let found = components(document).expect("a document");
        let names: Vec<String> = found.iter().map(Component::owner_name).collect();
        assert_eq!(names, ["@a/b", "py-yaml"]);
        assert_eq!(found[0].licenses, ["MIT"]);
        assert_eq!(found[1].licenses, ["MIT OR ISC"]);
        assert!(components(b"{}").is_err());
    }
}
