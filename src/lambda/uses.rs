//! Which packages Lambda uses, by their SHA-256: names may have been given by anybody.

use std::collections::{BTreeMap, BTreeSet};

use lambda_pack_core::{Meter, Result};
use serde::Serialize;

use super::{Alias, Code, LATEST, Lambda, Version, each};
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

const FUNCTION: &str = "function";

/// What Lambda was asked, and what it said.
#[derive(Debug, Default)]
pub struct Uses {
    by_sha256: BTreeMap<String, Vec<Use>>,
    /// Of signed code, of which nobody knows the package.
    unknown: Vec<Use>,
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

    /// What may be of any package of this name: signed code, of which nobody knows the package.
    pub fn unknown<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Use> {
        self.unknown.iter().filter(move |it| it.name.ends_with(name))
    }
}

/// What is asked about.
pub struct Packages<'a> {
    pub names: BTreeSet<String>,
    /// SHA-256 in base64.
    pub digests: BTreeSet<String>,
    /// SHA-256 of the packages that AWS Signer signed, by the id of the job: asked for only if Lambda has signed code.
    pub signed: &'a dyn Fn() -> Result<BTreeMap<String, String>>,
}

/// Asks Lambda which packages it uses: once with each profile, or with the standard credentials if none is named. Aliases are asked for
/// of functions alone that use one of the packages, and layers of those alone that may be named like one of them.
pub fn uses(profiles: &[String], settings: &AwsSettings, packages: &Packages, meter: &'static Meter) -> Result<Uses> {
    let mut uses = Uses::default();
    let connections: Vec<AwsSettings> = match profiles {
        [] => vec![settings.clone()],
        profiles => {
            let with = |profile: &String| settings.with_profile(Some(profile));
            profiles.iter().map(with).collect()
        }
    };
    let mut signed = None;
    for settings in &connections {
        let lambda = Lambda::connect(settings, meter)?;
        let mut found = uses.functions(&lambda)?;
        found.extend(layers(&lambda, &packages.names, meter)?);
        if signed.is_none() && found.iter().any(|(code, _)| code.signing_job.is_some()) {
            signed = Some((packages.signed)()?);
        }
        uses.add(&lambda, found, packages, signed.as_ref(), meter)?;
    }
    for uses in uses.by_sha256.values_mut() {
        // Numbers before names; the newest first.
        uses.sort_by_key(|it| {
            let number = it.version.parse::<u64>().unwrap_or(0);
            (it.name.clone(), it.version == LATEST, std::cmp::Reverse(number))
        });
    }
    Ok(uses)
}

impl Uses {
    fn functions(&mut self, lambda: &Lambda) -> Result<Vec<(Code, Use)>> {
        let versions = lambda.versions()?;
        self.asked.push(Asked {
            place: lambda.place(),
            versions: versions.len(),
        });
        let of_function = |version: Version| {
            let found = Use {
                name: version.function,
                kind: FUNCTION,
                version: version.version,
                aliases: Vec::new(),
                place: lambda.place(),
            };
            (version.code, found)
        };
        Ok(versions.into_iter().map(of_function).collect())
    }

    fn add(
        &mut self,
        lambda: &Lambda,
        found: Vec<(Code, Use)>,
        packages: &Packages,
        signed: Option<&BTreeMap<String, String>>,
        meter: &Meter,
    ) -> Result<()> {
        let mut known = Vec::new();
        for (code, found) in found {
            let of_signed = code
                .signing_job_id()
                .map(|job| signed.and_then(|signed| signed.get(job)));
            match of_signed {
                _ if packages.digests.contains(&code.sha256) => known.push((code.sha256, found)),
                Some(Some(package)) => known.push((package.clone(), found)),
                // Signed elsewhere, or the signed object is gone.
                Some(None) => self.unknown.push(found),
                None => {}
            }
        }
        let functions: BTreeSet<&str> = known
            .iter()
            .filter(|(_, found)| found.kind == FUNCTION)
            .map(|(_, found)| found.name.as_str())
            .collect();
        let functions: Vec<&str> = functions.into_iter().collect();
        let aliases = each(&functions, meter, |function| lambda.aliases(function))?;
        let aliases = functions.iter().map(|name| (*name).to_owned()).zip(aliases);
        let aliases: BTreeMap<String, Vec<Alias>> = aliases.collect();
        for (package, mut found) in known {
            let named = aliases
                .get(&found.name)
                .filter(|_| found.kind == FUNCTION)
                .into_iter()
                .flatten();
            let named = named.filter(|alias| alias.versions.contains(&found.version));
            found.aliases = named.map(|alias| alias.name.clone()).collect();
            self.by_sha256.entry(package).or_default().push(found);
        }
        Ok(())
    }
}

fn layers(lambda: &Lambda, names: &BTreeSet<String>, meter: &Meter) -> Result<Vec<(Code, Use)>> {
    let mut layers = lambda.layers()?;
    // What a deploy module puts before them isn't known here.
    layers.retain(|layer| names.iter().any(|name| layer.ends_with(name.as_str())));
    let numbers = each(&layers, meter, |layer| lambda.layer_versions(layer))?;
    let versions: Vec<(&String, i64)> = layers
        .iter()
        .zip(numbers)
        .flat_map(|(layer, numbers)| numbers.into_iter().map(move |number| (layer, number)))
        .collect();
    let codes = each(&versions, meter, |(layer, number)| lambda.layer_code(layer, *number))?;
    let found = versions.iter().zip(codes).filter_map(|((layer, number), code)| {
        let found = Use {
            name: (*layer).clone(),
            kind: "layer",
            version: number.to_string(),
            aliases: Vec::new(),
            place: lambda.place(),
        };
        // None: deleted since.
        Some((code?, found))
    });
    Ok(found.collect())
}
