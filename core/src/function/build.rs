//! The key `build` of a definition. Each type of build has keys of its own.

use schemars::JsonSchema;
use serde::de::{Deserialize, Deserializer, Error as _};

use super::text::{GlobText, GoPackage, RelativePath};

/// How a package is made of its source, where it is more than that.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(tag = "type", rename_all = "lowercase")]
pub enum Build {
    /// Dependencies from `requirements.txt` with hashes, or from `uv.lock` with `pyproject.toml`.
    Python(PythonBuild),
    /// Dependencies from `package-lock.json` with `package.json`.
    Node(NodeBuild),
    /// `bootstrap` of a Go package; it takes the place of the source.
    Go(GoBuild),
}

#[derive(Clone, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct PythonBuild {
    /// The lock file, relative to the code directory; default: `uv.lock` or `requirements.txt` in a directory of `source`.
    pub lock: Option<RelativePath>,
    #[schemars(default)]
    pub dependencies: Place,
}

#[derive(Clone, Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct NodeBuild {
    /// The lock file, relative to the code directory; default: `package-lock.json` in a directory of `source`.
    pub lock: Option<RelativePath>,
    #[schemars(default)]
    pub dependencies: Place,
}

/// Where dependencies are packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// With the source.
    #[default]
    Package,
    /// In a layer of their own, named after the function with `-dependencies`, which the function gets.
    Layer,
}

impl Build {
    pub fn dependencies(&self) -> Place {
        match self {
            Build::Python(build) => build.dependencies,
            Build::Node(build) => build.dependencies,
            Build::Go(_) => Place::Package,
        }
    }
}

#[derive(Clone, Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct GoBuild {
    /// The package with `main`, such as `./cmd/orders`; default: `.`.
    pub package: Option<GoPackage>,
    /// What the build needs beyond `source`: paths or globs, relative to the code directory.
    #[schemars(default)]
    pub inputs: Vec<GlobText>,
}

/// All keys of all types. serde's own tagged enums read an object twice, and forget lines and keys in between.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    #[serde(rename = "type")]
    kind: Type,
    lock: Option<RelativePath>,
    package: Option<GoPackage>,
    inputs: Option<Vec<GlobText>>,
    dependencies: Option<Place>,
}

#[derive(Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
enum Type {
    Python,
    Node,
    Go,
}

impl Keys {
    /// Fails if a key is given that belongs to other types alone.
    fn check_owners(&self) -> Result<(), String> {
        use Type::{Go, Node, Python};
        let keys: [(&str, bool, &[Type]); 4] = [
            ("lock", self.lock.is_some(), &[Python, Node]),
            ("dependencies", self.dependencies.is_some(), &[Python, Node]),
            ("package", self.package.is_some(), &[Go]),
            ("inputs", self.inputs.is_some(), &[Go]),
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
}

impl Type {
    fn name(self) -> &'static str {
        match self {
            Type::Python => "python",
            Type::Node => "node",
            Type::Go => "go",
        }
    }
}

impl<'de> Deserialize<'de> for Build {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let keys = Keys::deserialize(deserializer)?;
        keys.check_owners().map_err(D::Error::custom)?;
        Ok(match keys.kind {
            Type::Python => Build::Python(PythonBuild {
                lock: keys.lock,
                dependencies: keys.dependencies.unwrap_or_default(),
            }),
            Type::Node => Build::Node(NodeBuild {
                lock: keys.lock,
                dependencies: keys.dependencies.unwrap_or_default(),
            }),
            Type::Go => Build::Go(GoBuild {
                package: keys.package,
                inputs: keys.inputs.unwrap_or_default(),
            }),
        })
    }
}
