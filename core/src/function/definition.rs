//! The keys of a definition, with Terraform's names (`aws_lambda_function`). Parser, defaults and JSON Schema come from
//! these types alone.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use regex::Regex;
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::allowed_secret::AllowedSecret;
use super::asset::Asset;
use super::build::Build;
use super::entry_glob::EntryGlob;
use super::kinds;
use super::policy::{self, PolicyStatement};
use super::secret::{self, Secret};
use super::tags;
use super::text::{Bounded, EntryPrefix, GlobText, RelativePath, Rule, Text};
use crate::json::Object;
use crate::limits::{
    LEAST_EPHEMERAL_STORAGE, LEAST_MEMORY_SIZE, LEAST_TIMEOUT, MOST_EPHEMERAL_STORAGE, MOST_MEMORY_SIZE, MOST_TIMEOUT,
};
use crate::{Error, Result, collect_all};

/// A Lambda function or layer, as `lambda-pack` builds and deploys it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "lambda-pack function definition")]
pub struct Definition {
    /// Address of this schema, for editors.
    #[serde(rename = "$schema", default, skip_serializing)]
    #[schemars(rename = "$schema")]
    #[expect(dead_code, reason = "allowed in the file, read by editors only")]
    schema: Option<String>,
    /// Name in AWS and key everywhere; default: the file's name without `.json`.
    pub function_name: Option<FunctionName>,
    /// `function` (default) or `layer`.
    #[serde(rename = "type", default)]
    pub kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Text<DescriptionRule>>,
    /// The file or directory that the function is packed from, or several that are merged.
    #[serde(skip_serializing)]
    pub source: Source,
    /// How dependencies get into the package.
    #[serde(default, skip_serializing)]
    pub build: Option<Object<Build>>,
    /// Files from elsewhere that are packed with the source.
    #[serde(default, skip_serializing)]
    pub assets: Vec<Object<Asset>>,
    /// Runtime identifier, such as `python3.13`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime: Option<Text<RuntimeRule>>,
    /// Runtimes that a layer is made for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compatible_runtimes: Option<Vec<Text<RuntimeRule>>>,
    /// Entry point, such as `app.lambda_handler`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handler: Option<Text<HandlerRule>>,
    /// One instruction set: `x86_64` (default) or `arm64`.
    #[serde(default)]
    #[schemars(with = "Vec<Architecture>", length(equal = 1))]
    pub architectures: Architectures,
    /// Memory in MB; default 128.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_size: Option<Bounded<LEAST_MEMORY_SIZE, MOST_MEMORY_SIZE>>,
    /// Longest run in seconds; default 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Bounded<LEAST_TIMEOUT, MOST_TIMEOUT>>,
    /// Environment variables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<UniqueMap<Text<EnvironmentKeyRule>>>,
    /// Layer version ARNs, or names of layers that are defined beside this file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layers: Option<Vec<Text<LayerRule>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ephemeral_storage: Option<Object<EphemeralStorage>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracing_config: Option<Object<TracingConfig>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_letter_config: Option<Object<DeadLetterConfig>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_config: Option<Object<VpcConfig>>,
    /// Key that encrypts the environment variables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_key_arn: Option<Text<KmsKeyRule>>,
    /// Concurrency kept for this function alone; -1 means none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reserved_concurrent_executions: Option<Bounded<-1, { i32::MAX as i64 }>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<UniqueMap<String>>,
    /// What the function may do in AWS, beyond what its other keys need.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policy_statements: Vec<Object<PolicyStatement>>,
    /// Secrets, by what becomes of them. Those that never leave are no part of what is deployed.
    #[serde(
        default,
        skip_serializing_if = "secret::none_is_deployed",
        serialize_with = "secret::deployed"
    )]
    pub secrets: Vec<Object<Secret>>,
    /// The profile that it was resolved with.
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    pub deployment_profile: Option<String>,
    /// What looks like a secret and is none, or may be packed nevertheless.
    #[serde(default, skip_serializing)]
    pub allowed_secrets: Vec<Object<AllowedSecret>>,
}

impl Definition {
    /// Fills in name and defaults, so that what is published says what will be deployed.
    pub(super) fn resolve(mut self, name: FunctionName) -> Result<Self> {
        self.function_name = Some(name);
        let variables = self.environment.iter().flat_map(|map| map.0.keys());
        if let Some(key) = variables.into_iter().find(|key| is_reserved(key.as_str())) {
            return Err(
                Error::invalid(format!("environment variable `{key}` is set by Lambda itself"))
                    .at_key(format_args!("environment.{key}"))
                    .help("use another name: Lambda refuses functions that set this one"),
            );
        }
        if let Some(Object(build)) = &self.build {
            let made_by_tools = build.made_by_tools().map(GlobText::all_below);
            for spec in self.source.0.iter_mut().filter(|spec| spec.prefix.is_none()) {
                spec.exclude.extend(made_by_tools.iter().cloned());
            }
        }
        let checked = self.assets.iter().enumerate().map(|(index, Object(asset))| {
            let checked = asset.check();
            checked.map_err(|error| error.in_key(&format!("assets[{index}]")))
        });
        collect_all(checked)?;
        collect_all([
            secret::check(&self.secrets, "secrets"),
            self.check_secrets(),
            policy::check(&self.policy_statements),
            self.check_tags(),
            self.vpc_config.as_ref().map_or(Ok(()), |Object(vpc)| vpc.check()),
        ])?;
        kinds::check(&self)?;
        if self.kind == Kind::Function {
            // Lambda's own defaults, see CreateFunction in its API reference.
            self.memory_size.get_or_insert(Bounded::literal(128));
            self.timeout.get_or_insert(Bounded::literal(3));
            self.environment.get_or_insert_default();
            self.layers.get_or_insert_default();
        }
        Ok(self)
    }
}

impl Definition {
    /// With every default filled in, as Terraform gets it.
    pub fn resolved(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(resolved)) => resolved,
            other => unreachable!("a definition is an object: {other:?}"),
        }
    }

    /// Of all names and values in its environment, with those that tell where secrets are: the deploy module may put a prefix
    /// before names of secrets that it makes, which isn't known here.
    pub(crate) fn environment_bytes(&self) -> usize {
        let own = self.environment.as_ref().map_or(0, UniqueMap::bytes);
        let of_secrets = self.secrets.iter().filter_map(|Object(secret)| {
            let place = [&secret.parameter, &secret.name, &secret.arn]
                .into_iter()
                .flatten()
                .next();
            let place = place.map_or(secret.id.as_str(), String::as_str);
            Some(secret.target.as_ref()?.as_str().len() + place.len())
        });
        own + of_secrets.sum::<usize>()
    }

    /// Fails where secrets and the rest of the definition contradict each other.
    pub(crate) fn check_secrets(&self) -> Result<()> {
        secret::check_together(&self.secrets, self.kind, self.environment.as_ref())
    }

    /// Fails where AWS refuses a tag.
    pub(crate) fn check_tags(&self) -> Result<()> {
        tags::check(self.tags.as_ref())
    }

    /// A function's runtime, or those that a layer is made for.
    pub(crate) fn runtimes(&self) -> impl Iterator<Item = &str> {
        let runtimes = self.runtime.iter().chain(self.compatible_runtimes.iter().flatten());
        runtimes.map(Text::as_str)
    }

    /// The definition of a layer with nothing but the dependencies of this function.
    pub(super) fn layer_of_dependencies(&self, name: FunctionName) -> Self {
        let description = format!(
            "Dependencies of {}",
            self.function_name.as_ref().expect("it is resolved")
        );
        Definition {
            schema: None,
            function_name: Some(name),
            kind: Kind::Layer,
            description: Some(description.parse().expect("names are shorter than descriptions")),
            source: self.source.clone(),
            assets: Vec::new(),
            build: self.build.clone(),
            compatible_runtimes: self.runtime.clone().map(|runtime| vec![runtime]),
            architectures: self.architectures.clone(),
            runtime: None,
            handler: None,
            memory_size: None,
            timeout: None,
            environment: None,
            layers: None,
            ephemeral_storage: None,
            tracing_config: None,
            dead_letter_config: None,
            vpc_config: None,
            kms_key_arn: None,
            reserved_concurrent_executions: None,
            tags: None,
            policy_statements: Vec::new(),
            secrets: Vec::new(),
            deployment_profile: None,
            // What is in dependencies matters only to secrets that are declared.
            allowed_secrets: self.allowed_secrets.clone(),
        }
    }
}

/// Variables that Lambda refuses in a function's configuration:
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime>
pub(super) fn is_reserved(variable: &str) -> bool {
    const RESERVED: [&str; 17] = [
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SECRET_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    ];
    RESERVED.contains(&variable)
}

/// The JSON Schema of a definition, draft 2020-12.
pub fn json_schema() -> schemars::Schema {
    let mut schema = schemars::schema_for!(Definition);
    kinds::restrict(&mut schema);
    schema
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Kind", rename_all = "lowercase")]
pub enum Kind {
    #[default]
    Function,
    Layer,
}

crate::fixed_words!(read and written Kind);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Architecture")]
pub enum Architecture {
    #[default]
    #[serde(rename = "x86_64")]
    X86_64,
    #[serde(rename = "arm64")]
    Arm64,
}

crate::fixed_words!(read and written Architecture);

/// Lambda takes a list that must have one member.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<Architecture>")]
pub struct Architectures([Architecture; 1]);

impl Architectures {
    pub fn one(&self) -> Architecture {
        self.0[0]
    }
}

impl Architecture {
    /// As AWS spells it.
    pub fn name(self) -> &'static str {
        match self {
            Architecture::X86_64 => "x86_64",
            Architecture::Arm64 => "arm64",
        }
    }
}

impl From<Architecture> for Architectures {
    fn from(one: Architecture) -> Self {
        Architectures([one])
    }
}

impl TryFrom<Vec<Architecture>> for Architectures {
    type Error = String;

    fn try_from(list: Vec<Architecture>) -> Result<Self, String> {
        <[Architecture; 1]>::try_from(list)
            .map(Architectures)
            .map_err(|list| format!("found {} architectures; allowed: one, `x86_64` or `arm64`", list.len()))
    }
}

/// Size of `/tmp`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EphemeralStorage {
    /// In MB.
    pub size: Bounded<LEAST_EPHEMERAL_STORAGE, MOST_EPHEMERAL_STORAGE>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TracingConfig {
    pub mode: TracingMode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "TracingMode")]
pub enum TracingMode {
    Active,
    PassThrough,
}

crate::fixed_words!(read and written TracingMode);

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeadLetterConfig {
    /// ARN of an SQS queue or SNS topic.
    target_arn: Text<DeadLetterRule>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VpcConfig {
    subnet_ids: Vec<String>,
    security_group_ids: Vec<String>,
}

impl VpcConfig {
    /// Lambda takes both or none; two empty lists are no VPC, as the deploy module has it.
    fn check(&self) -> Result<()> {
        let (filled, empty) = match (self.subnet_ids.is_empty(), self.security_group_ids.is_empty()) {
            (false, true) => ("subnet_ids", "security_group_ids"),
            (true, false) => ("security_group_ids", "subnet_ids"),
            _ => return Ok(()),
        };
        Err(Error::invalid(format!(
            "found an empty list beside `{filled}`; allowed: at least one, or none in both"
        ))
        .in_key(&format!("vpc_config.{empty}")))
    }
}

/// Where the files come from. A plain string is a path; a list is merged into one tree.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(with = "SourceForms")]
pub struct Source(pub Vec<SourceSpec>);

/// The forms of `source`, for the JSON Schema; [`Source`] reads them with better messages than `untagged` gives.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "describes the JSON, is never made")]
enum SourceForms {
    One(SourceForm),
    Many(#[schemars(length(min = 1))] Vec<SourceForm>),
}

#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "describes the JSON, is never made")]
enum SourceForm {
    Path(RelativePath),
    Spec(SourceSpec),
}

/// One part of a source tree.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceSpec {
    /// File or directory, relative to the code directory.
    pub path: RelativePath,
    /// Only what matches is taken. A glob that spells out a name which is otherwise left out brings it back.
    #[serde(default, deserialize_with = "EntryGlob::some_list")]
    #[schemars(with = "Option<Vec<EntryGlob>>")]
    pub include: Option<Vec<GlobText>>,
    /// What matches is left out. All globs see the entry path before `prefix` is put in front.
    #[serde(default, deserialize_with = "EntryGlob::list")]
    #[schemars(with = "Vec<EntryGlob>")]
    pub exclude: Vec<GlobText>,
    /// Directory in the archive that the entries are put under.
    pub prefix: Option<EntryPrefix>,
    #[serde(default)]
    pub symlinks: Symlinks,
    /// What matches is executable and nothing else is, whatever the file system says.
    #[serde(default, deserialize_with = "EntryGlob::some_list")]
    #[schemars(with = "Option<Vec<EntryGlob>>")]
    pub executable: Option<Vec<GlobText>>,
    /// Honour `.gitignore` files within the tree too.
    #[serde(default)]
    pub gitignore: bool,
}

impl SourceSpec {
    pub fn plain(path: RelativePath) -> Self {
        SourceSpec {
            path,
            include: None,
            exclude: Vec::new(),
            prefix: None,
            symlinks: Symlinks::default(),
            executable: None,
            gitignore: false,
        }
    }
}

/// What becomes of symbolic links.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(remote = "Symlinks", rename_all = "lowercase")]
pub enum Symlinks {
    /// Stored as links.
    #[default]
    Preserve,
    /// Replaced by what they lead to.
    Follow,
    /// Refused.
    Error,
}

crate::fixed_words!(read Symlinks);

impl<'de> Deserialize<'de> for SourceSpecForm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_any(SourceVisitor { list: false })
            .map(|mut it| SourceSpecForm(it.0.pop().expect("a string or an object gives one part")))
    }
}

/// An element of a `source` list: a path or an object, but no list again.
struct SourceSpecForm(SourceSpec);

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SourceVisitor { list: true })
    }
}

struct SourceVisitor {
    list: bool,
}

impl<'de> Visitor<'de> for SourceVisitor {
    type Value = Source;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a path below the code directory (relative, without `..`), or an object with `path`")?;
        if self.list {
            f.write_str(", or a list of these that is not empty")?;
        }
        Ok(())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Source, E> {
        let path = text
            .parse()
            .map_err(|_expected| E::invalid_value(de::Unexpected::Str(text), &self))?;
        Ok(Source(vec![SourceSpec::plain(path)]))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Source, A::Error> {
        SourceSpec::deserialize(MapAccessDeserializer::new(map)).map(|spec| Source(vec![spec]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Source, A::Error> {
        let mut specs = Vec::new();
        if self.list {
            while let Some(SourceSpecForm(spec)) = seq.next_element()? {
                specs.push(spec);
            }
        }
        if specs.is_empty() {
            return Err(de::Error::invalid_value(de::Unexpected::Seq, &self));
        }
        Ok(Source(specs))
    }
}

/// A map of strings in which no key may come twice: JSON would silently keep the last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct UniqueMap<K: Ord>(BTreeMap<K, String>);

impl<K: Ord + AsRef<str>> UniqueMap<K> {
    /// Of all keys and values.
    pub fn bytes(&self) -> usize {
        self.0.iter().map(|(key, value)| key.as_ref().len() + value.len()).sum()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&K, &str)> {
        self.0.iter().map(|(key, value)| (key, value.as_str()))
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&K, &mut String)> {
        self.0.iter_mut()
    }

    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter()
            .find(|(known, _)| known.as_ref() == key)
            .map(|(_, value)| value)
    }
}

impl<K: Ord> Default for UniqueMap<K> {
    fn default() -> Self {
        UniqueMap(BTreeMap::new())
    }
}

impl<'de, K: Deserialize<'de> + Ord + fmt::Display> Deserialize<'de> for UniqueMap<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Unique<K>(std::marker::PhantomData<fn() -> K>);

        impl<'de, K: Deserialize<'de> + Ord + fmt::Display> Visitor<'de> for Unique<K> {
            type Value = UniqueMap<K>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
                let mut map = BTreeMap::new();
                while let Some((key, value)) = access.next_entry::<K, String>()? {
                    if map.contains_key(&key) {
                        return Err(de::Error::custom(format_args!("`{key}` comes twice")));
                    }
                    map.insert(key, value);
                }
                Ok(UniqueMap(map))
            }
        }

        deserializer.deserialize_map(Unique(std::marker::PhantomData))
    }
}

/// Rules of strings: (type, pattern, in words).
macro_rules! rules {
    ($($(#[$doc:meta])* $rule:ident: $name:literal, $pattern:literal, $expected:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub enum $rule {}

        impl Rule for $rule {
            const NAME: &'static str = $name;
            const PATTERN: &'static str = $pattern;
            const EXPECTED: &'static str = $expected;

            fn regex() -> &'static Regex {
                static REGEX: LazyLock<Regex> = LazyLock::new(|| Regex::new($pattern).expect("a literal"));
                &REGEX
            }
        }
    )*};
}

rules! {
    /// CreateFunction's `FunctionName`, without the ARN forms.
    FunctionNameRule: "FunctionName", r"^[A-Za-z0-9_-]{1,64}$", "1 to 64 letters, digits, `_` or `-`";
    /// Families of runtimes rather than a list, which would refuse tomorrow's.
    RuntimeRule: "Runtime",
        r"^(python3\.[0-9]+|nodejs[0-9]+\.x|java[0-9]+(\.al2)?|dotnet(core)?[0-9]+(\.[0-9]+)?|ruby[0-9]+\.[0-9]+|go1\.x|provided(\.al[0-9]+)?)$",
        "a runtime identifier such as `python3.13`, `nodejs22.x`, `java21`, `dotnet8`, `ruby3.4` or `provided.al2023`";
    /// CreateFunction's `Handler`.
    HandlerRule: "Handler", r"^[^\s]{1,128}$", "1 to 128 characters without white space";
    /// CreateFunction's `Description`.
    DescriptionRule: "Description", r"^[\s\S]{0,256}$", "at most 256 characters";
    /// Why something that looks like a secret may be packed.
    ReasonRule: "Reason", r"\S", "a text that is not empty";
    /// CreateFunction's `KMSKeyArn`.
    KmsKeyRule: "KmsKeyArn", r"^arn:[^:]+:kms:[^:]+:[^:]+:.+$", "the ARN of a KMS key or alias";
    /// CreateFunction's `DeadLetterConfig`.
    DeadLetterRule: "DeadLetterArn", r"^arn:[^:]+:(sqs|sns):[^:]+:[^:]+:.+$", "the ARN of an SQS queue or an SNS topic";
    /// CreateFunction's `LayerVersionArn`, or a name.
    LayerRule: "Layer", r"^(arn:[^:]+:lambda:[^:]+:[^:]+:layer:[A-Za-z0-9_-]+:[0-9]+|[A-Za-z0-9_-]{1,64})$",
        "the ARN of a layer version, or the name of a layer that is defined here";
    /// Cargo's: <https://doc.rust-lang.org/cargo/reference/cargo-targets.html#the-name-field>
    BinaryRule: "Binary", r"^[A-Za-z0-9_][A-Za-z0-9_-]*$", "the name of a binary: letters, digits, `_`, `-`";
    /// One text, one spelling: it is hashed.
    IdentityRule: "Identity", r"^[\x21-\x7e]{1,256}$", "1 to 256 characters of ASCII without spaces, such as `model-2026-03`";
    /// What names of Secrets Manager and Parameter Store may hold, but for `/` in front.
    SecretIdRule: "SecretId", r"^[A-Za-z0-9][A-Za-z0-9/_.-]{0,127}$",
        "1 to 128 letters, digits, `/`, `_`, `.` or `-`, a letter or digit first";
    /// Patterns are compiled where they are used, so that the error says what is wrong with them.
    PatternRule: "Pattern", r"^[\s\S]{1,1024}$", "a regular expression of 1 to 1024 characters";
    /// IAM's: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html>
    SidRule: "Sid", r"^[A-Za-z0-9]{1,100}$", "letters and digits";
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html>
    ActionRule: "Action", r"^([a-z0-9-]+:[A-Za-z0-9*?]+|\*)$", "an action such as `dynamodb:GetItem`, or `*`";
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>
    ResourceRule: "Resource", r"^(arn:[^\s]+|\*)$", "an ARN, or `*`";
    /// CreateFunction's `EnvironmentVariableName`.
    EnvironmentKeyRule: "EnvironmentKey", r"^[A-Za-z][A-Za-z0-9_]+$",
        "a variable name: a letter, then at least one letter, digit or `_`";
}

pub type FunctionName = Text<FunctionNameRule>;
