//! What was checked of a deployment, for `bundle.json`.

use lambda_pack_core::fitness::Status;
use lambda_pack_core::function::{Function, Kind};
use lambda_pack_core::handoff::Validation;
use lambda_pack_core::json::Object;
use lambda_pack_core::profile::Profile;

use super::{Packaged, Provenance};

/// Everything that is not worth an error of its own. What is, is refused before there is a document.
pub fn validation(profile: &Profile, packaged: &[Packaged], provenance: &Provenance) -> Vec<Validation> {
    let mut all = vec![of_profile(profile, packaged), provenance.check()];
    for packaged in packaged {
        let name = packaged.hashed().function.name.as_str();
        all.push(match packaged.warnings.as_slice() {
            [] => Validation::of_function("preflight", name, Status::Pass, "nothing that Lambda would refuse late"),
            warnings => Validation::of_function("preflight", name, Status::Warn, warnings.join("; ")),
        });
        all.push(of_secrets(packaged));
        all.extend(packaged.fitness.iter().map(|check| {
            let remedy = check.remedy.iter().map(|remedy| format!("; {remedy}"));
            let detail = format!("{}{}", check.detail, remedy.collect::<String>());
            Validation::of_function(&format!("fitness.{}", check.check), name, check.status, detail)
        }));
    }
    all
}

/// A secret that isn't allowed is an error. What is allowed is said, with its reasons, whether it is there or not.
fn of_secrets(packaged: &Packaged) -> Validation {
    let Function { name, definition, .. } = &packaged.hashed().function;
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

fn of_profile(profile: &Profile, packaged: &[Packaged]) -> Validation {
    let count = |kind| {
        let of_kind = packaged
            .iter()
            .filter(|it| it.hashed().function.definition.kind == kind);
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
