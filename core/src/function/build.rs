//! The key `build` of a definition. Each type of build has keys of its own.

use schemars::JsonSchema;
use serde::de::{Deserialize, Deserializer, Error as _};

use super::definition::{BinaryRule, EnvironmentKeyRule, IdentityRule, UniqueMap};
use super::text::{GlobText, GoPackage, RelativePath, Text};
use crate::json::Object;

/// How a package is made of its source, where it is more than that.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(tag = "type", rename_all = "lowercase")]
pub enum Build {
    /// Dependencies from `requirements.txt` with hashes, or from `uv.lock` with `pyproject.toml`.
    Python(PythonBuild),
    /// Dependencies from `package-lock.json` with `package.json`; or a bundle that takes the place of the source.
    Node(NodeBuild),
    /// `bootstrap` of a Go package; it takes the place of the source.
    Go(GoBuild),
    /// `bootstrap` of a Rust binary; it takes the place of the source.
    Rust(RustBuild),
    /// What any program makes; it takes the place of the source.
    Command(CommandBuild),
}

#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct PythonBuild {
    /// The lock file, relative to the code directory; default: `uv.lock` or `requirements.txt` in a directory of `source`.
    pub lock: Option<RelativePath>,
    #[schemars(default)]
    pub dependencies: Place,
}

#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct NodeBuild {
    /// The lock file, relative to the code directory; default: `package-lock.json` in a directory of `source`.
    pub lock: Option<RelativePath>,
    #[schemars(default)]
    pub dependencies: Place,
    pub bundle: Option<Object<Bundle>>,
}

/// Where dependencies are packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(remote = "Place", rename_all = "lowercase")]
pub enum Place {
    /// With the source.
    #[default]
    Package,
    /// In a layer of their own, named after the function with `-dependencies`, which the function gets.
    Layer,
}

crate::fixed_words!(read Place);

/// Modules in one file, by esbuild.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// Files of the source that the bundles start from, such as `src/index.ts`.
    #[schemars(length(min = 1))]
    pub entry: Vec<RelativePath>,
    #[serde(default)]
    pub format: BundleFormat,
    /// Modules that are left out, such as `@aws-sdk/*`, which the runtime has.
    #[serde(default)]
    pub external: Vec<String>,
    #[serde(default)]
    pub minify: bool,
    #[serde(default)]
    pub sourcemap: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(remote = "BundleFormat", rename_all = "lowercase")]
pub enum BundleFormat {
    /// `index.js` with `require`.
    #[default]
    Cjs,
    /// `index.mjs` with `import`.
    Esm,
}

crate::fixed_words!(read BundleFormat);

#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct GoBuild {
    /// The package with `main`, such as `./cmd/orders`; default: `.`.
    pub package: Option<GoPackage>,
    /// What the build needs beyond `source`: paths or globs, relative to the code directory.
    #[schemars(default)]
    pub inputs: Vec<GlobText>,
}

#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RustBuild {
    /// The binary; default: the only one that there is.
    pub binary: Option<Text<BinaryRule>>,
    /// What the build needs beyond `source`: paths or globs, relative to the code directory.
    #[schemars(default)]
    pub inputs: Vec<GlobText>,
}

#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct CommandBuild {
    /// A program and its arguments, run in the source's directory.
    #[schemars(length(min = 1))]
    pub command: Vec<String>,
    /// The directory that it makes, relative to the source's: what is packed.
    pub output: RelativePath,
    /// What it needs beyond `source`: paths or globs, relative to the code directory.
    #[schemars(default)]
    pub inputs: Vec<GlobText>,
    /// Variables for the program.
    #[schemars(default)]
    pub environment: UniqueMap<Text<EnvironmentKeyRule>>,
    /// Stands for `inputs` in the source hash: to be changed by hand whenever they matter.
    pub identity: Option<Text<IdentityRule>>,
}

impl Build {
    pub fn dependencies(&self) -> Place {
        match self {
            Build::Python(build) => build.dependencies,
            Build::Node(build) => build.dependencies,
            Build::Go(_) | Build::Rust(_) | Build::Command(_) => Place::Package,
        }
    }

    /// What tools leave in a source's directory when they are run by hand there. It is no source.
    pub(super) fn made_by_tools(&self) -> Option<&str> {
        match self {
            Build::Python(_) | Build::Go(_) => None,
            Build::Node(_) => Some("node_modules"),
            Build::Rust(_) => Some("target"),
            Build::Command(build) => Some(build.output.as_str()),
        }
    }
}

/// All keys of all types. serde's own tagged enums read an object twice, and forget lines and keys in between.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    #[serde(rename = "type")]
    kind: Type,
    lock: Option<RelativePath>,
    bundle: Option<Object<Bundle>>,
    package: Option<GoPackage>,
    binary: Option<Text<BinaryRule>>,
    command: Option<Vec<String>>,
    output: Option<RelativePath>,
    inputs: Option<Vec<GlobText>>,
    dependencies: Option<Place>,
    environment: Option<UniqueMap<Text<EnvironmentKeyRule>>>,
    identity: Option<Text<IdentityRule>>,
}

#[derive(Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(remote = "Type", rename_all = "lowercase")]
enum Type {
    Python,
    Node,
    Go,
    Rust,
    Command,
}

crate::fixed_words!(read Type);

impl Keys {
    /// Fails if a key is given that belongs to other types alone.
    fn check_owners(&self) -> Result<(), String> {
        use Type::{Command, Go, Node, Python, Rust};
        let keys: [(&str, bool, &[Type]); 10] = [
            ("lock", self.lock.is_some(), &[Python, Node]),
            ("bundle", self.bundle.is_some(), &[Node]),
            ("dependencies", self.dependencies.is_some(), &[Python, Node]),
            ("package", self.package.is_some(), &[Go]),
            ("binary", self.binary.is_some(), &[Rust]),
            ("command", self.command.is_some(), &[Command]),
            ("output", self.output.is_some(), &[Command]),
            ("inputs", self.inputs.is_some(), &[Go, Rust, Command]),
            ("environment", self.environment.is_some(), &[Command]),
            ("identity", self.identity.is_some(), &[Command]),
        ];
        let Some((misplaced, ..)) = (keys.iter()).find(|(_, given, owners)| *given && !owners.contains(&self.kind))
        else {
            return Ok(());
        };
        let allowed = keys.iter().filter(|(.., owners)| owners.contains(&self.kind));
        let allowed: Vec<&str> = ["type"].into_iter().chain(allowed.map(|(key, ..)| *key)).collect();
        Err(format!(
            "a build of type `{}` has no key `{misplaced}`; allowed: `{}`",
            self.kind.name(),
            allowed.join("`, `")
        ))
    }

    fn build(self) -> Result<Build, String> {
        self.check_owners()?;
        let inputs = self.inputs.unwrap_or_default();
        Ok(match self.kind {
            Type::Python => Build::Python(PythonBuild {
                lock: self.lock,
                dependencies: self.dependencies.unwrap_or_default(),
            }),
            Type::Node => {
                if self.lock.is_some() && self.bundle.is_some() {
                    return Err("a bundle takes the `package-lock.json` of its source: remove `lock`".to_owned());
                }
                if self.bundle.as_ref().is_some_and(|Object(bundle)| bundle.entry.is_empty()) {
                    return Err("`bundle.entry` is empty; allowed: files of the source, such as `src/index.ts`".to_owned());
                }
                if self.dependencies.is_some() && self.bundle.is_some() {
                    return Err("a bundle holds its dependencies: remove `dependencies` or `bundle`".to_owned());
                }
                Build::Node(NodeBuild {
                    lock: self.lock,
                    dependencies: self.dependencies.unwrap_or_default(),
                    bundle: self.bundle,
                })
            }
            Type::Go => Build::Go(GoBuild {
                package: self.package,
                inputs,
            }),
            Type::Rust => Build::Rust(RustBuild {
                binary: self.binary,
                inputs,
            }),
            Type::Command => Build::Command(CommandBuild {
                command: (self.command.filter(|words| !words.is_empty()))
                    .ok_or("`command` is missing or empty; allowed: a program and its arguments, such as [\"make\", \"package\"]")?,
                output: (self.output.filter(|path| path.as_str() != "."))
                    .ok_or("`output` is missing or `.`; allowed: the directory that the command makes, such as \"dist\"")?,
                inputs,
                environment: self.environment.unwrap_or_default(),
                identity: self.identity,
            }),
        })
    }
}

impl Type {
    fn name(self) -> &'static str {
        match self {
            Type::Python => "python",
            Type::Node => "node",
            Type::Go => "go",
            Type::Rust => "rust",
            Type::Command => "command",
        }
    }
}

impl<'de> Deserialize<'de> for Build {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Keys::deserialize(deserializer)?.build().map_err(D::Error::custom)
    }
}
