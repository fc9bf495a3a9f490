//! Deployment profiles: `[profiles.<name>]` of `lambda-pack.toml`. A profile says what is deployed, where, and how it differs;
//! [`Profile::apply`] makes ordinary functions of that, so that nothing after it knows profiles.

mod names;
mod parameters;
mod places;

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU64;
use std::slice;

use globset::GlobSet;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

pub use parameters::refuse_parameters;
use places::Places;

use crate::fitness::Tier;
use crate::function::{Architecture, Function, FunctionName, GlobText, Kind, Secret};
use crate::json::Object;
use crate::swaps::Swap;
use crate::{Error, ErrorKind, Result, collect_all, function, shorten, suggest};

/// The profiles of a project, by name.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("propertyNames" = {"pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]+$"}))]
pub struct Profiles {
    tables: BTreeMap<ProfileName, Table>,
    #[serde(skip)]
    places: Places,
}

/// Not empty: that is how no profile is named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
struct ProfileName(String);

impl TryFrom<String> for ProfileName {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        match name.is_empty() || name.chars().any(char::is_control) {
            true => Err("a profile needs a name, without line breaks and other control characters"),
            false => Ok(ProfileName(name)),
        }
    }
}

impl Borrow<str> for ProfileName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// Addresses of stores, for JSON Schemas; what can be opened, the program says.
pub const STORE: &str = r"^(s3://[A-Za-z0-9][A-Za-z0-9._:-]*(/(?!\.{1,2}(/|$))[^/\u0000-\u001f\u007f-\u009f]+)*/*|file://(/|\.$|\.{1,2}/)[\s\S]*)$";

/// What is deployed, and how it differs from what is defined.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Profile")]
struct Table {
    /// Another profile; what is said here wins.
    extends: Option<String>,
    /// Whose quotas `fitness` checks; default: `lambda`.
    tier: Option<Tier>,
    /// Globs on names; default: all.
    functions: Option<Vec<GlobText>>,
    /// Globs on names; default: all. Those that a selected function names come along.
    layers: Option<Vec<GlobText>>,
    /// In place of what definitions say.
    architecture: Option<Architecture>,
    /// Texts for `${parameters.NAME}` in values of `environment` and `tags`.
    #[serde(default)]
    #[schemars(extend("additionalProperties" = {"type": "string", "not": {"pattern": "\\$\\{parameters\\."}}))]
    parameters: BTreeMap<String, String>,
    /// In place of the project's.
    #[schemars(regex(pattern = STORE))]
    store: Option<String>,
    /// What takes the place of dependencies.
    #[serde(default)]
    swaps: Vec<Object<Swap>>,
    /// What becomes of secrets.
    #[serde(default)]
    secrets: Vec<Object<Secret>>,
    #[serde(default)]
    limits: Limits,
}

/// What a project allows its functions, within what AWS allows. All are the largest values that are fine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Of a package.
    #[serde(default, deserialize_with = "limit", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NonZeroU64>")]
    pub size_bytes: Option<u64>,
    /// Of what is in it, layers included.
    #[serde(default, deserialize_with = "limit", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NonZeroU64>")]
    pub unzipped_bytes: Option<u64>,
    /// In MB.
    #[serde(default, deserialize_with = "limit", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NonZeroU64>")]
    pub memory_size: Option<u64>,
    /// In seconds.
    #[serde(default, deserialize_with = "limit", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NonZeroU64>")]
    pub timeout: Option<u64>,
    /// In MB.
    #[serde(default, deserialize_with = "limit", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NonZeroU64>")]
    pub ephemeral_storage: Option<u64>,
}

/// Nothing fits into 0.
fn limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    NonZeroU64::deserialize(deserializer).map(|limit| Some(limit.get()))
}

impl Limits {
    fn or(self, base: Self) -> Self {
        Limits {
            size_bytes: self.size_bytes.or(base.size_bytes),
            unzipped_bytes: self.unzipped_bytes.or(base.unzipped_bytes),
            memory_size: self.memory_size.or(base.memory_size),
            timeout: self.timeout.or(base.timeout),
            ephemeral_storage: self.ephemeral_storage.or(base.ephemeral_storage),
        }
    }
}

/// A profile with all that it extends.
#[derive(Clone, Debug, Serialize)]
pub struct Profile {
    #[serde(skip)]
    pub name: String,
    /// Its name, and those of all that it extends, from near to far.
    #[serde(skip)]
    chain: Vec<String>,
    #[serde(skip)]
    places: Places,
    pub tier: Tier,
    /// Globs on names; `None` for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub functions: Option<Vec<GlobText>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layers: Option<Vec<GlobText>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub architecture: Option<Architecture>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub swaps: Vec<Swap>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<Secret>,
    pub limits: Limits,
}

impl Profiles {
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tables.keys().map(|name| name.0.as_str())
    }

    /// All that any of them declares.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.tables
            .values()
            .flat_map(|table| &table.secrets)
            .map(|Object(secret)| secret)
    }

    /// With the text that they were read from, so that messages can say where it says what.
    #[must_use]
    pub fn read_from(mut self, file: impl fmt::Display, text: String) -> Self {
        self.places = Places::new(file.to_string(), text);
        self
    }

    /// The profile of this name, with what it extends.
    pub fn resolve(&self, name: &str) -> Result<Profile> {
        let table = self
            .tables
            .get(name)
            .ok_or_else(|| self.unknown(name, ErrorKind::Usage))?;
        self.resolve_table(table, &mut vec![name.to_owned()])
    }

    /// `chain` ends with the name of the table.
    fn resolve_table(&self, table: &Table, chain: &mut Vec<String>) -> Result<Profile> {
        let name = chain.last().expect("it has a name").clone();
        let of_profile = |error: Error| error.within(format_args!("profile `{name}`"));
        let at_key =
            |key: &str, error: Error| of_profile(error).within(self.places.of_key(slice::from_ref(&name), key));
        function::check_secrets(&table.secrets, "secrets").map_err(|error| at_key("secrets", error))?;
        parameters::refuse_nested(&table.parameters).map_err(|error| at_key("parameters", error))?;
        let swaps = table.swaps.iter().map(|Object(swap)| {
            swap.check().map_err(|error| {
                let error = of_profile(error.within(format_args!("key `swaps.{}`", swap.from)));
                error.within(self.places.of_swap(slice::from_ref(&name), swap))
            })
        });
        let twice = table.swaps.iter().enumerate().map(|(index, Object(swap))| {
            let is_same = |Object(other): &Object<Swap>| other.from == swap.from && other.functions == swap.functions;
            match table.swaps[..index].iter().any(is_same) {
                false => Ok(()),
                true => {
                    let twice = format!("key `swaps.{}`: it comes twice, for the same functions", swap.from);
                    let error = of_profile(Error::invalid(twice).help("remove one, or tell them apart by `functions`"));
                    Err(error.within(self.places.of_swap(slice::from_ref(&name), swap)))
                }
            }
        });
        collect_all(swaps.chain(twice))?;
        let base = match &table.extends {
            None => None,
            Some(base) if chain.contains(base) => {
                chain.push(base.clone());
                let cycle = format!("profiles extend each other in a cycle: `{}`", chain.join("` → `"));
                return Err(at_key(
                    "extends",
                    Error::invalid(cycle).help("remove one of these `extends`"),
                ));
            }
            Some(base) => {
                let unknown = || {
                    at_key(
                        "extends",
                        self.unknown(base, ErrorKind::Invalid).within("key `extends`"),
                    )
                };
                let table = self.tables.get(base.as_str()).ok_or_else(unknown)?;
                chain.push(base.clone());
                Some(self.resolve_table(table, chain)?)
            }
        };
        let own = Profile {
            chain: vec![name.clone()],
            name,
            places: self.places.clone(),
            tier: table.tier.unwrap_or_default(),
            functions: table.functions.clone(),
            layers: table.layers.clone(),
            architecture: table.architecture,
            parameters: table.parameters.clone(),
            store: table.store.clone(),
            swaps: table.swaps.iter().map(|Object(swap)| swap.clone()).collect(),
            secrets: table.secrets.iter().map(|Object(secret)| secret.clone()).collect(),
            limits: table.limits,
        };
        let Some(base) = base else { return Ok(own) };
        Ok(Profile {
            name: own.name,
            chain: own.chain.into_iter().chain(base.chain).collect(),
            places: own.places,
            tier: table.tier.unwrap_or(base.tier),
            functions: own.functions.or(base.functions),
            layers: own.layers.or(base.layers),
            architecture: own.architecture.or(base.architecture),
            parameters: base.parameters.into_iter().chain(own.parameters).collect(),
            store: own.store.or(base.store),
            swaps: replaced(inherited(base.swaps), own.swaps, |a, b| {
                a.from == b.from && a.functions == b.functions
            }),
            secrets: replaced(base.secrets, own.secrets, |a, b| {
                a.id == b.id && a.functions == b.functions
            }),
            limits: own.limits.or(base.limits),
        })
    }

    fn unknown(&self, name: &str, kind: ErrorKind) -> Error {
        let name = shorten(name);
        let help = match (suggest(&name, self.names()), self.tables.is_empty()) {
            (Some(meant), _) => format!("did you mean `{meant}`?"),
            (None, true) => format!("define it in lambda-pack.toml, as `[profiles.{name}]`"),
            (None, false) => format!(
                "defined in lambda-pack.toml: {}",
                self.names().collect::<Vec<_>>().join(", ")
            ),
        };
        Error::new(kind, format!("no profile is named `{name}`")).help(help)
    }
}

fn inherited(swaps: Vec<Swap>) -> Vec<Swap> {
    let inherited = swaps.into_iter().map(|swap| Swap {
        inherited: true,
        ..swap
    });
    inherited.collect()
}

/// What is inherited, with what is said anew in its place.
fn replaced<T>(base: Vec<T>, own: Vec<T>, is_same: impl Fn(&T, &T) -> bool) -> Vec<T> {
    let kept = base
        .into_iter()
        .filter(|inherited| !own.iter().any(|said| is_same(said, inherited)));
    let kept: Vec<T> = kept.collect();
    kept.into_iter().chain(own).collect()
}

impl Profile {
    /// Whether the size of packages decides that they fit.
    pub fn limits_size(&self) -> bool {
        self.tier == Tier::LambdaEdge || self.limits.size_bytes.is_some()
    }

    /// The functions that are deployed, as this profile wants them. `functions` are all that are defined.
    pub fn apply(&self, functions: BTreeMap<String, Function>) -> Result<BTreeMap<String, Function>> {
        let within = |error: Error| error.within(format_args!("profile `{}`", self.name));
        self.check_names(&functions)?;
        let selects = self.selection();
        let needed: Vec<String> = functions
            .values()
            .filter(|function| selects(function))
            .flat_map(|function| {
                let of_swaps = self.swaps_of(function).filter_map(|swap| swap.to.layer());
                function.layer_names().chain(of_swaps.map(FunctionName::as_str))
            })
            .map(str::to_owned)
            .collect();
        let unused = self.unused_parameters(&functions);
        // A function without a layer that it names could not be deployed.
        let selected = functions
            .into_iter()
            .filter(|(name, function)| selects(function) || needed.contains(name));
        let changed = selected.map(|(name, mut function)| match self.change(&mut function) {
            Ok(()) => Ok((name, function)),
            Err(error) => Err(within(error.within(function.file.display()))),
        });
        // One that is misspelt is wrong in both places.
        let selected = collect_all(changed.chain(unused.into_iter().map(Err)))?;
        let selected: BTreeMap<String, Function> = selected.into_iter().collect();
        if !selected
            .values()
            .any(|function| function.definition.kind == Kind::Function)
        {
            return Err(within(
                Error::invalid("no function is left")
                    .help("name functions with `functions`, a list of globs on their names"),
            ));
        }
        Ok(selected)
    }

    /// Whether it names a function or layer, by a glob.
    pub fn selection(&self) -> impl Fn(&Function) -> bool {
        let names = [
            (Kind::Function, globs(self.functions.as_deref())),
            (Kind::Layer, globs(self.layers.as_deref())),
        ];
        move |function| {
            let (_, globs) = names
                .iter()
                .find(|(kind, _)| *kind == function.definition.kind)
                .expect("these are all kinds");
            globs.is_match(function.name.as_str())
        }
    }

    /// Whether a function has this secret from here, rather than from its definition.
    pub fn declares(&self, function: &Function, secret: &Secret) -> bool {
        let name = function.name.as_str();
        let mut own = self.secrets.iter().filter(|own| own.id == secret.id);
        own.any(|own| globs(own.functions.as_deref()).is_match(name))
    }

    /// Where the file says from which store.
    pub fn place_of_store(&self) -> String {
        self.places.of_key(&self.chain, "store")
    }

    /// The swaps that are meant for a function. What is split off from it is part of it; and nothing is moved out of a layer
    /// into another one.
    fn swaps_of<'a>(&'a self, function: &'a Function) -> impl Iterator<Item = &'a Swap> {
        let owner = function.owner();
        let is_layer = function.definition.kind == Kind::Layer && *owner == function.name;
        self.swaps.iter().filter(move |swap| {
            let globs = globs(swap.functions.as_deref());
            let is_named = globs.is_match(owner.as_str()) || globs.is_match(function.name.as_str());
            is_named && !(is_layer && swap.to.layer().is_some())
        })
    }

    fn change(&self, function: &mut Function) -> Result<()> {
        function.swaps = self.swaps_of(function).cloned().collect();
        if function.definition.kind == Kind::Function {
            let layers: Vec<FunctionName> = function
                .swaps
                .iter()
                .filter_map(|swap| swap.to.layer())
                .cloned()
                .collect();
            layers.iter().for_each(|layer| function.add_layer_of_swap(layer));
        }
        let name = function.name.as_str();
        let is_for = |globs: Option<&[GlobText]>| self::globs(globs).is_match(name);
        let definition = &mut function.definition;
        definition.deployment_profile = Some(self.name.clone());
        if let Some(architecture) = self.architecture {
            definition.architectures = architecture.into();
        }
        parameters::fill(definition, &self.parameters)?;
        for secret in self.secrets.iter().filter(|secret| is_for(secret.functions.as_deref())) {
            // Layers have no environment; what must not be packed must not be packed with them either.
            if definition.kind == Kind::Layer && secret.is_deployed() {
                continue;
            }
            definition.secrets.retain(|Object(declared)| declared.id != secret.id);
            definition.secrets.push(Object(Secret {
                functions: None,
                ..secret.clone()
            }));
        }
        definition.check_secrets()?;
        definition.check_tags()
    }
}

/// What matches any of the globs; everything where there are none.
fn globs(globs: Option<&[GlobText]>) -> GlobSet {
    match globs {
        None => GlobSet::new([globset::Glob::new("*").expect("a literal")]).expect("one glob"),
        Some(globs) => GlobSet::new(globs.iter().map(|glob| glob.glob().clone())).expect("each compiles by itself"),
    }
}
