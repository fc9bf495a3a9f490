//! What was checked of a deployment, for `bundle.json`.

use lambda_pack_core::fitness::Status;
use lambda_pack_core::function::{Function, Kind};
use lambda_pack_core::handoff::Validation;
use lambda_pack_core::json::Object;
use lambda_pack_core::profile::Profile;
use lambda_pack_core::secrets::Excluded;

use super::{Described, Provenance};
use crate::packaging::Hashed;

/// Everything that is not worth an error of its own. What is, is refused before there is a document.
pub fn validation(
    profile: &Profile,
    described: &[&Described],
    excluded: &[Excluded],
    provenance: &Provenance,
) -> Vec<Validation> {
    let mut all = vec![of_profile(profile, described), provenance.check()];
    all.extend(Validation::excluded(excluded));
    for described in described {
        let name = described.hashed.function.name.as_str();
        all.push(match described.warnings.as_slice() {
            [] => Validation::of_function("preflight", name, Status::Pass, "nothing that Lambda would refuse late"),
            warnings => Validation::of_function("preflight", name, Status::Warn, warnings.join("; ")),
        });
        all.push(of_secrets(described));
        all.extend(of_swaps(described));
        all.extend(described.fitness.iter().map(|check| {
            let remedy = check.remedy.iter().map(|remedy| format!("; {remedy}"));
            let detail = format!("{}{}", check.detail, remedy.collect::<String>());
            Validation::of_function(&format!("fitness.{}", check.check), name, check.status, detail)
        }));
    }
    all
}

/// A secret that isn't allowed is an error. What is allowed is said, with its reasons, whether it is there or not.
fn of_secrets(described: &Described) -> Validation {
    let Function { name, definition, .. } = &described.hashed.function;
    let allowed: Vec<String> = definition
        .allowed_secrets
        .iter()
        .map(|Object(allowed)| allowed.to_string())
        .collect();
    let detail = match allowed.as_slice() {
        [] => "none in its source, package and environment".to_owned(),
        allowed => format!(
            "none in its source, package and environment, but for what its definition allows: {}",
            allowed.join("; ")
        ),
    };
    Validation::of_function("secrets", name.as_str(), Status::Pass, detail)
}

/// Of a function that swaps apply to: what stays may miss what went, or find another version of it.
fn of_swaps(described: &Described) -> Option<Validation> {
    let Hashed { function, tree, .. } = described.hashed;
    let (status, detail) = match described.of_swaps.as_slice() {
        [] => (Status::Pass, "nothing that stays misses what they leave out".to_owned()),
        warnings => (Status::Warn, warnings.join("; ")),
    };
    (!tree.swaps().is_empty()).then(|| Validation::of_function("swaps", function.name.as_str(), status, detail))
}

fn of_profile(profile: &Profile, described: &[&Described]) -> Validation {
    let count = |kind| {
        let of_kind = described.iter().filter(|it| it.hashed.function.definition.kind == kind);
        of_kind.count()
    };
    let detail = format!(
        "`{}`: functions: {}, layers: {}; every name leads somewhere",
        profile.name,
        count(Kind::Function),
        count(Kind::Layer)
    );
    Validation::new("profile", Status::Pass, detail)
}
