//! A module for a build of its bundle: what `bundle run` there needs to make what it would make here.

use lambda_pack_core::bundle::Checksum;
use lambda_pack_core::secrets::Guard;
use lambda_pack_core::source::Tree;
use lambda_pack_core::{Meter, Result};

use super::buildspec;
use super::source::{NOTES_DIRECTORY, Packed, Stage};
use super::start::{Options, Request, Variable};
use crate::bundle::check::check_copy;
use crate::bundle::{Making, Place};

/// A module, and what is to be done with it.
#[derive(Clone, Copy)]
pub struct Module<'a> {
    pub place: &'a Place,
    pub making: &'a Making,
    pub checksum: &'a Checksum,
    /// The last command of the phase `build`, if there is one beside those of the specification.
    pub command: &'a [String],
    /// Build whatever is stored.
    pub force_update: bool,
}

impl Module<'_> {
    /// Where in the bucket its source is sent to.
    pub fn source_key(&self) -> String {
        self.place
            .layout
            .source_key(&self.place.identity, &self.checksum.blake3.to_hex())
    }

    /// Packs the source and the specification. Fails if a secret is in the source, and unless a build gets the same checksum.
    pub fn pack(&self, tree: &Tree, meter: &Meter) -> Result<Packed> {
        Guard::strict().check_tree(tree, meter)?;
        let mut stage = Stage::new(meter)?;
        for entry in tree.entries() {
            stage.add(entry.path.to_string(), entry)?;
        }
        if let Some(spec) = &self.making.spec {
            stage.add_content(spec_path(), &spec.content)?;
        }
        stage.make_links()?;
        check_copy(stage.path(), self.making, self.checksum, meter)?;
        stage.pack()
    }

    /// The request for a build of its bundle. `again` is the last build of it, if that failed: it is no answer to this
    /// request.
    pub fn request(&self, options: &Options, again: Option<String>) -> Request {
        let Place {
            identity,
            bucket,
            layout,
        } = self.place;
        let named = |name: &str, value: &str| Variable::plain(format!("LAMBDA_PACK_BUNDLE_{name}"), value);
        let mut environment = vec![
            named("PROJECT", &identity.project),
            named("DEPLOYMENT", &identity.deployment),
            named("GROUP", &identity.group),
            named("MODULE", &identity.module),
            named("BUCKET", bucket),
            named("LAYOUT", layout.name()),
            named("SOURCE", "."),
        ];
        if self.making.spec.is_some() {
            environment.push(named("SPEC", &spec_path()));
        }
        let mut command = "cd \"$CODEBUILD_SRC_DIR\" && lambda-pack bundle run".to_owned();
        if self.force_update {
            command.push_str(" --force-update");
        }
        let mut pass = |flag: &str, name: String, value: String| {
            command.push_str(&format!(" {flag}\"${name}\""));
            environment.push(Variable::plain(name, value));
        };
        let parameters = &self.making.parameters;
        for (number, (name, value)) in (1..).zip(&parameters.values) {
            pass(
                "--param ",
                format!("LAMBDA_PACK_PARAMETER_{number}"),
                format!("{name}={value}"),
            );
        }
        for (number, (name, reference)) in (1..).zip(&parameters.secrets) {
            pass(
                "--secret ",
                format!("LAMBDA_PACK_SECRET_{number}"),
                format!("{name}={reference}"),
            );
        }
        if !self.command.is_empty() {
            pass("-- ", "LAMBDA_PACK_COMMAND_1".to_owned(), self.command[0].clone());
        }
        for (number, argument) in (2..).zip(self.command.iter().skip(1)) {
            pass("", format!("LAMBDA_PACK_COMMAND_{number}"), argument.clone());
        }
        // Nothing reads these: CodeBuild hides in its logs whatever it has looked up itself.
        for (number, reference) in (1..).zip(parameters.secrets.values()) {
            environment.push(Variable::secret(format!("LAMBDA_PACK_HIDDEN_{number}"), reference));
        }
        Request {
            options: options.clone(),
            source: format!("{bucket}/{}", self.source_key()),
            buildspec: buildspec::running(&command),
            environment,
            again,
        }
    }
}

/// Where the specification is, whatever its name and place were here: they don't decide, so they may not differ.
fn spec_path() -> String {
    format!("{NOTES_DIRECTORY}/buildspec.yaml")
}

#[cfg(test)]
mod tests {
    use lambda_pack_core::bundle::{self, Identity, Layout, Parameters};
    use lambda_pack_core::cache::DigestCache;

    use super::*;
    use crate::remote::start::VariableKind;

    #[test]
    fn values_reach_the_build_through_its_environment_alone() {
        let nasty = "a\"; $(reboot) `reboot` '\n";
        let secret = "secrets-manager:db:password".parse().expect("a reference");
        let parameters = Parameters::new(
            [("key".to_owned(), nasty.to_owned())].into(),
            [("password".to_owned(), secret)].into(),
        );
        let making = Making {
            source: "modules/orders".into(),
            spec: None,
            parameters: parameters.expect("parameters"),
        };
        let name = |name: &str| name.to_owned();
        let place = Place {
            identity: Identity::new(name("shop"), name("prod"), name("data"), name("orders")).expect("names"),
            bucket: name("bundles"),
            layout: Layout::LambdaPack,
        };
        let source = tempfile::tempdir().expect("a directory");
        let meter = Meter::default();
        let inputs = bundle::Inputs {
            tree: &Tree::at(source.path(), &meter).expect("a tree"),
            spec: None,
            parameters: &making.parameters,
        };
        let checksum = Checksum::of(&inputs, &DigestCache::none(), &meter).expect("a checksum");
        let command = [name("make"), nasty.to_owned()];
        let module = Module {
            place: &place,
            making: &making,
            checksum: &checksum,
            command: &command,
            force_update: true,
        };
        let request = module.request(&Options::default(), None);
        let spec: serde_json::Value = serde_json::from_str(&request.buildspec).expect("JSON");
        assert_eq!(
            spec["phases"]["build"]["commands"][1],
            "cd \"$CODEBUILD_SRC_DIR\" && lambda-pack bundle run --force-update --param \"$LAMBDA_PACK_PARAMETER_1\" \
             --secret \"$LAMBDA_PACK_SECRET_1\" -- \"$LAMBDA_PACK_COMMAND_1\" \"$LAMBDA_PACK_COMMAND_2\""
        );
        assert!(!request.buildspec.contains("reboot"));
        let variable = |name: &str| {
            let mut all = request.environment.iter();
            let found = all.find(|variable| variable.name == name).expect(name);
            (found.kind, found.value.clone())
        };
        assert_eq!(
            variable("LAMBDA_PACK_PARAMETER_1"),
            (VariableKind::Plaintext, format!("key={nasty}"))
        );
        assert_eq!(variable("LAMBDA_PACK_COMMAND_2").1, nasty);
        assert_eq!(
            variable("LAMBDA_PACK_SECRET_1").1,
            "password=secrets-manager:db:password"
        );
        assert_eq!(
            variable("LAMBDA_PACK_HIDDEN_1"),
            (VariableKind::SecretsManager, "db:password".to_owned())
        );
        assert!(request.source.starts_with("bundles/prod/data/orders/sources/"));
    }
}
