//! What was checked of a deployment, for `bundle.json`.

use lambda_pack_core::fitness::Status;
use lambda_pack_core::function::Kind;
use lambda_pack_core::handoff::{Application, Validation};
use lambda_pack_core::profile::Profile;

use super::Packaged;

/// Everything that is not worth an error of its own. What is, is refused before there is a document.
pub fn validation(profile: &Profile, packaged: &[Packaged], application: &Application) -> Vec<Validation> {
    let mut all = vec![of_profile(profile, packaged), of_commit(application)];
    for packaged in packaged {
        let name = packaged.hashed().function.name.as_str();
        all.push(match packaged.checked.warnings.as_slice() {
            [] => Validation::of_function("preflight", name, Status::Pass, "nothing that Lambda would refuse late"),
            warnings => Validation::of_function("preflight", name, Status::Warn, warnings.join("; ")),
        });
        all.push(Validation::of_function(
            "secrets",
            name,
            Status::Pass,
            "none in its source, package and environment",
        ));
        all.extend(packaged.fitness.iter().map(|check| {
            let remedy = check.remedy.iter().map(|remedy| format!("; {remedy}"));
            let detail = format!("{}{}", check.detail, remedy.collect::<String>());
            Validation::of_function(&format!("fitness.{}", check.check), name, check.status, detail)
        }));
    }
    all
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

fn of_commit(application: &Application) -> Validation {
    let (status, detail) = match (&application.git_commit, application.dirty) {
        (Some(_), Some(true)) => (Status::Warn, "tracked files differ from the commit"),
        (Some(_), _) => (Status::Pass, "tracked files are those of the commit"),
        (None, _) => (Status::Warn, "the project is in no git repository"),
    };
    Validation::new("commit", status, detail)
}
