//! Which packages Lambda uses, by their SHA-256: names may have been given by anybody.

use std::collections::{BTreeMap, BTreeSet};

use lambda_pack_core::{Meter, Result};
use serde::Serialize;

use super::{LATEST, Lambda, each};
use crate::aws::AwsSettings;

/// A function version or layer version that a package was deployed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Use {
    /// Of the function, or of the layer.
    pub name: String,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub version: String,
    pub aliases: Vec<String>,
    /// Region, and the profile if one was named.
    pub place: String,
}

impl Use {
    /// `shop-orders:7 (live)`
    pub fn text(&self) -> String {
        let Use { name, version, .. } = self;
        match self.aliases.as_slice() {
            [] => format!("{name}:{version}"),
            aliases => format!("{name}:{version} ({})", aliases.join(", ")),
        }
    }
}

/// What Lambda was asked, and what it said.
#[derive(Debug, Default)]
pub struct Uses {
    by_sha256: BTreeMap<String, Vec<Use>>,
    /// Where it was asked, with what was found there.
    pub asked: Vec<Asked>,
}

#[derive(Debug, Serialize)]
pub struct Asked {
    pub place: String,
    /// Of functions: numbered ones, and each function's `$LATEST`.
    pub versions: usize,
}

impl Uses {
    /// Of a package, by its SHA-256 in base64.
    pub fn of(&self, code_sha256: &str) -> &[Use] {
        self.by_sha256.get(code_sha256).map(Vec::as_slice).unwrap_or_default()
    }
}

/// Asks Lambda which packages it uses: once with each profile, or with the standard credentials if none is named. Aliases are asked for
/// of functions alone that use one of `digests`, and layers of those alone that may be named like one of `names`.
pub fn uses(
    profiles: &[String],
    settings: &AwsSettings,
    names: &BTreeSet<String>,
    digests: &BTreeSet<String>,
    meter: &'static Meter,
) -> Result<Uses> {
    let mut uses = Uses::default();
    let connections: Vec<AwsSettings> = match profiles {
        [] => vec![settings.clone()],
        profiles => {
            let with = |profile: &String| settings.with_profile(Some(profile));
            profiles.iter().map(with).collect()
        }
    };
    for settings in &connections {
        uses.add(&Lambda::connect(settings, meter)?, names, digests, meter)?;
    }
    Ok(uses)
}

impl Uses {
    fn add(
        &mut self,
        lambda: &Lambda,
        names: &BTreeSet<String>,
        digests: &BTreeSet<String>,
        meter: &Meter,
    ) -> Result<()> {
        let mut versions = lambda.versions()?;
        self.asked.push(Asked {
            place: lambda.place(),
            versions: versions.len(),
        });
        versions.retain(|version| digests.contains(&version.code_sha256));
        let functions: BTreeSet<&str> = versions.iter().map(|version| version.function.as_str()).collect();
        let functions: Vec<&str> = functions.into_iter().collect();
        let aliases = each(&functions, meter, |function| lambda.aliases(function))?;
        let aliases: BTreeMap<&str, _> = functions.iter().copied().zip(aliases).collect();
        for version in &versions {
            let named = aliases[version.function.as_str()].iter();
            let named = named.filter(|alias| alias.versions.contains(&version.version));
            let found = Use {
                name: version.function.clone(),
                kind: "function",
                version: version.version.clone(),
                aliases: named.map(|alias| alias.name.clone()).collect(),
                place: lambda.place(),
            };
            self.by_sha256
                .entry(version.code_sha256.clone())
                .or_default()
                .push(found);
        }
        self.add_layers(lambda, names, meter)?;
        for uses in self.by_sha256.values_mut() {
            // Numbers before names; the newest first.
            uses.sort_by_key(|it| {
                let number = it.version.parse::<u64>().unwrap_or(0);
                (it.name.clone(), it.version == LATEST, std::cmp::Reverse(number))
            });
        }
        Ok(())
    }

    fn add_layers(&mut self, lambda: &Lambda, names: &BTreeSet<String>, meter: &Meter) -> Result<()> {
        let mut layers = lambda.layers()?;
        // What a deploy module puts before them isn't known here.
        layers.retain(|layer| names.iter().any(|name| layer.ends_with(name.as_str())));
        let numbers = each(&layers, meter, |layer| lambda.layer_versions(layer))?;
        let versions: Vec<(&String, i64)> = layers
            .iter()
            .zip(numbers)
            .flat_map(|(layer, numbers)| numbers.into_iter().map(move |number| (layer, number)))
            .collect();
        let found = each(&versions, meter, |(layer, number)| {
            lambda.layer_code_sha256(layer, *number)
        })?;
        for ((layer, number), code_sha256) in versions.into_iter().zip(found) {
            // Deleted since.
            let Some(code_sha256) = code_sha256 else { continue };
            self.by_sha256.entry(code_sha256).or_default().push(Use {
                name: layer.clone(),
                kind: "layer",
                version: number.to_string(),
                aliases: Vec::new(),
                place: lambda.place(),
            });
        }
        Ok(())
    }
}
