//! From the command line as typed to settings as resolved: flag, `LAMBDA_PACK_*` variable (clap merges these two),
//! `lambda-pack.toml`, default.

mod schema;

use std::env;
use std::fs;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::time::Duration;

use etcetera::BaseStrategy;
use lambda_pack_core::archive::Compression;
use lambda_pack_core::disk::or_here;
use lambda_pack_core::graph::Places;
use lambda_pack_core::profile::{Profile, Profiles, STORE};
use lambda_pack_core::{Error, ErrorKind, Meter, Result, toml_text};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use crate::aws::AwsSettings;
use crate::bundle::BundleTable;
use crate::cli::{Common, CompressionName, PackingArgs};
use crate::hidden;
use crate::store::{Store, StoreUrl};

/// Longer than a server that works well thinks, shorter than people wait.
const DOWNLOAD_TIMEOUT: Duration = Duration::from_secs(30);

pub const FILE_NAME: &str = "lambda-pack.toml";
const CODE_DIR: &str = "code";
const CONFIG_DIR: &str = "lambda-json";

/// Where everything is, for one run.
#[derive(Clone, Debug)]
pub struct Settings {
    pub project_dir: PathBuf,
    pub code_dir: PathBuf,
    pub config_dir: PathBuf,
    pub out_dir: PathBuf,
    /// Where `run` writes the inputs of Terraform, if they go into a file.
    pub tfvars: Option<PathBuf>,
    pub store: StoreUrl,
    pub aws: AwsSettings,
    pub compression: Compression,
    /// Longest time that a download may take without a byte.
    pub download_timeout: Duration,
    pub bundle: BundleTable,
    pub application: ApplicationTable,
    /// All that the project has.
    pub profiles: Profiles,
    /// What is deployed, and how; `None` for everything as it is defined.
    pub profile: Option<Profile>,
    /// `None`: no cache is read or written.
    pub cache_dir: Option<PathBuf>,
}

/// `lambda-pack.toml`: where things are, and how they are deployed. Paths in it are relative to its directory; flags and variables win over it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "lambda-pack.toml")]
struct ProjectFile {
    /// Directory that sources are relative to; default: `code`.
    #[serde(default, deserialize_with = "named")]
    #[schemars(length(min = 1))]
    code_dir: Option<PathBuf>,
    /// Directory of the definitions; default: `lambda-json`.
    #[serde(default, deserialize_with = "named")]
    #[schemars(length(min = 1))]
    config_dir: Option<PathBuf>,
    /// Where `build` puts packages; default: `dist`.
    #[serde(default, deserialize_with = "named")]
    #[schemars(length(min = 1))]
    out_dir: Option<PathBuf>,
    /// Where packages are: `s3://bucket/prefix` or `file://directory`; default: `.lambda-pack/store`.
    #[schemars(regex(pattern = STORE))]
    store: Option<String>,
    /// AWS region; default: that of the AWS profile.
    region: Option<String>,
    /// Another service than AWS, for all requests.
    endpoint_url: Option<String>,
    /// Profile of the AWS configuration, whose credentials are used; deployment profiles are `[profiles.NAME]`.
    profile: Option<String>,
    /// How hard packages are compressed; it changes their bytes. Default: `standard`.
    compression: Option<CompressionName>,
    /// Longest time in seconds that a download may take without a byte; default: 30.
    download_timeout: Option<NonZeroU16>,
    #[serde(default)]
    bundle: BundleTable,
    #[serde(default)]
    application: ApplicationTable,
    /// Deployment profiles by name: what is deployed, and how it differs from what is defined.
    #[serde(default)]
    profiles: Profiles,
}

/// The JSON Schema of `lambda-pack.toml`, draft 2020-12.
pub fn json_schema() -> schemars::Schema {
    schema::of_toml(schemars::schema_for!(ProjectFile))
}

/// A path of the file. Who leaves it empty meant one: that of the file's own directory is `.`.
fn named<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    let path = PathBuf::deserialize(deserializer)?;
    match path.as_os_str().is_empty() {
        false => Ok(Some(path)),
        true => Err(de::Error::invalid_value(
            de::Unexpected::Str(""),
            &"a directory; `.` is that of this file",
        )),
    }
}

/// What the project is called where its packages go.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Application")]
pub struct ApplicationTable {
    pub name: Option<String>,
    pub version: Option<String>,
}

impl Settings {
    /// `out_dir` and `packing` are flags of the commands that have them; the others must know the directory too, to keep it
    /// out of sources.
    pub fn resolve(common: &Common, out_dir: Option<&Path>, packing: Option<&PackingArgs>) -> Result<Self> {
        let given = |path: &Option<PathBuf>| path.clone().filter(|path| !path.as_os_str().is_empty());
        let said = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());

        let config_dir = given(&common.config_dir);
        let found = ProjectFile::find(config_dir.as_deref().unwrap_or(Path::new(".")))?;
        let (root, file) = match found {
            Some((root, file)) => (Some(root), file),
            None => (None, ProjectFile::default()),
        };
        let project_dir = match (root, &config_dir) {
            (Some(root), _) => root,
            (None, Some(config_dir)) => parent_of(config_dir)?,
            (None, None) => PathBuf::new(),
        };
        let in_project =
            |path: Option<PathBuf>, default: &str| project_dir.join(path.unwrap_or_else(|| default.into()));
        let config_dir = config_dir.unwrap_or_else(|| in_project(file.config_dir, CONFIG_DIR));
        hidden::definitions_are_in(&config_dir);

        let profile = said(&common.deployment_profile)
            .map(|name| file.profiles.resolve(&name))
            .transpose()?;
        let of_profile = profile.as_ref().and_then(|profile| profile.store.clone());
        let store = match (said(&common.store), of_profile.or(file.store)) {
            (Some(url), _) => StoreUrl::parse(&url, Path::new("."))?,
            (None, Some(url)) => StoreUrl::parse(&url, &project_dir)?,
            (None, None) => StoreUrl::in_directory(&project_dir.join(".lambda-pack/store"))?,
        };
        Ok(Settings {
            code_dir: given(&common.code_dir).unwrap_or_else(|| in_project(file.code_dir, CODE_DIR)),
            config_dir,
            out_dir: given(
                &out_dir
                    .map(Path::to_owned)
                    .or_else(|| env::var_os("LAMBDA_PACK_OUT_DIR").map(PathBuf::from)),
            )
            .unwrap_or_else(|| in_project(file.out_dir, "dist")),
            tfvars: None,
            store,
            aws: AwsSettings {
                region: said(&common.region).or(file.region),
                endpoint_url: said(&common.endpoint_url).or(file.endpoint_url),
                profile: said(&common.profile).or(file.profile),
            },
            compression: match packing.and_then(|packing| packing.compression).or(file.compression) {
                Some(CompressionName::Best) => Compression::Best,
                Some(CompressionName::Standard) | None => Compression::Standard,
            },
            download_timeout: common
                .download_timeout
                .or(file.download_timeout)
                .map_or(DOWNLOAD_TIMEOUT, |seconds| Duration::from_secs(seconds.get().into())),
            bundle: file.bundle,
            application: file.application,
            profiles: file.profiles,
            profile,
            cache_dir: cache_dir(common),
            project_dir,
        })
    }
}

impl Settings {
    /// What a graph of the project needs to know of it.
    pub fn places(&self) -> Places<'_> {
        Places {
            project_dir: &self.project_dir,
            code_dir: &self.code_dir,
            out_dir: &self.out_dir,
        }
    }

    /// The profile that a command can't do without.
    pub fn needs_profile(&self) -> Result<&Profile> {
        self.profile.as_ref().ok_or_else(|| {
            let names: Vec<&str> = self.profiles.names().collect();
            let help = match names.as_slice() {
                [] => "define one in lambda-pack.toml, as `[profiles.prod]`, and name it with --deployment-profile"
                    .to_owned(),
                names => format!("name one with --deployment-profile: {}", names.join(", ")),
            };
            Error::new(ErrorKind::Usage, "no deployment profile is named").help(help)
        })
    }

    pub fn open_store(&self, meter: &'static Meter) -> Result<Store> {
        self.open_other_store(&self.store, meter)
    }

    /// One that was named instead.
    pub fn open_other_store(&self, url: &StoreUrl, meter: &'static Meter) -> Result<Store> {
        let profile = self.profile.as_ref().map(|profile| profile.name.as_str());
        Ok(Store::open(url, &self.aws, meter)?.of_profile(profile))
    }

    /// The project's `lambda-pack.toml`, whether it is there or not.
    pub fn file(&self) -> PathBuf {
        self.project_dir.join(FILE_NAME)
    }

    /// The profiles that the file once had; `None` if nobody can say, or if it named other directories for code or
    /// definitions.
    pub fn earlier_profiles(&self, text: &[u8], common: &Common) -> Option<Profiles> {
        let text = std::str::from_utf8(text).ok()?;
        let file: ProjectFile = toml_text::parse(FILE_NAME, text)
            .inspect_err(|error| tracing::info!("as it was: {error}"))
            .ok()?;
        let is_same = |given: &Option<PathBuf>, named: Option<PathBuf>, default: &str, now: &Path| {
            let named = self.project_dir.join(named.unwrap_or_else(|| default.into()));
            let is_given = given.as_ref().is_some_and(|given| !given.as_os_str().is_empty());
            // By name: where a link led then, nobody knows.
            let [named, now] = [&named, now].map(std::path::absolute);
            is_given || matches!((named, now), (Ok(named), Ok(now)) if named == now)
        };
        let are_same = is_same(&common.code_dir, file.code_dir, CODE_DIR, &self.code_dir)
            && is_same(&common.config_dir, file.config_dir, CONFIG_DIR, &self.config_dir);
        are_same.then_some(file.profiles)
    }
}

/// What the `lambda-pack.toml` of one directory says, for what is written beside it.
pub struct Named {
    /// Relative to the file, unless somebody made it absolute.
    pub code_dir: PathBuf,
    pub config_dir: PathBuf,
    pub store: Option<String>,
}

impl Default for Named {
    fn default() -> Self {
        Named {
            code_dir: CODE_DIR.into(),
            config_dir: CONFIG_DIR.into(),
            store: None,
        }
    }
}

impl Named {
    /// `None` where just this directory has no such file.
    pub fn of(project: &Path) -> Result<Option<Self>> {
        let file = project.join(FILE_NAME);
        if file.symlink_metadata().is_err() {
            return Ok(None);
        }
        let (_, file) = ProjectFile::read(&file)?;
        let unsaid = Named::default();
        Ok(Some(Named {
            code_dir: file.code_dir.unwrap_or(unsaid.code_dir),
            config_dir: file.config_dir.unwrap_or(unsaid.config_dir),
            store: file.store,
        }))
    }
}

/// Where this user's caches are: `$XDG_CACHE_HOME/lambda-pack`, by default `~/.cache/lambda-pack`.
pub fn cache_dir(common: &Common) -> Option<PathBuf> {
    if common.no_cache {
        return None;
    }
    match etcetera::choose_base_strategy() {
        Ok(places) => Some(places.cache_dir().join("lambda-pack")),
        Err(error) => {
            tracing::info!("no cache: {error}");
            None
        }
    }
}

impl ProjectFile {
    /// The nearest file upward from `start`, with its directory.
    fn find(start: &Path) -> Result<Option<(PathBuf, Self)>> {
        let absolute = absolute(start)?;
        let Some(file) = absolute
            .ancestors()
            .map(|dir| dir.join(FILE_NAME))
            // A link that leads nowhere, too: who made it means a file.
            .find(|file| file.symlink_metadata().is_ok())
        else {
            return Ok(None);
        };
        Self::read(&file).map(Some)
    }

    /// This file, with its directory.
    fn read(file: &Path) -> Result<(PathBuf, Self)> {
        let directory = file.parent().expect("a file stands in a directory");
        // Relative to where the user stands, messages are shorter and hold no home directory.
        let directory = match env::current_dir() {
            Ok(current) => directory.strip_prefix(&current).unwrap_or(directory),
            Err(_no_current_directory) => directory,
        };
        let place = directory.join(FILE_NAME);
        if !file.is_file() {
            return Err(Error::invalid(format!("`{}` is no file", place.display()))
                .help("make it one, or remove it: `lambda-pack schema project` prints the JSON Schema of its keys"));
        }
        let text = fs::read_to_string(file).map_err(|cause| Error::input("read", file, cause))?;
        hidden::hide_of_project(&text);
        hidden::definitions_are_in(&directory.join(CONFIG_DIR));
        let parsed = toml_text::parse(place.display(), &text).map_err(|error| with_profiles(error, &text));
        let mut parsed: ProjectFile = parsed?;
        parsed.profiles = parsed.profiles.read_from(place.display(), text);
        Ok((directory.to_owned(), parsed))
    }
}

/// `profile` is AWS's, and who writes `[profile.prod]` means another one.
fn with_profiles(error: Error, text: &str) -> Error {
    let is_table = toml_text::parse::<Value>("", text).is_ok_and(|file| file["profile"].is_object());
    match is_table {
        true => error.help("`profile` is that of AWS; deployment profiles are `[profiles.NAME]`"),
        false => error,
    }
}

fn parent_of(directory: &Path) -> Result<PathBuf> {
    match directory.parent() {
        // `lambda-json` alone: an empty path, which is the directory where the user stands.
        Some(parent) if parent.as_os_str().is_empty() && !directory.ends_with("..") => Ok(PathBuf::new()),
        Some(parent) if !directory.ends_with("..") && directory != Path::new(".") => Ok(parent.to_owned()),
        _ => {
            let absolute = absolute(directory)?;
            Ok(absolute.parent().unwrap_or(&absolute).to_owned())
        }
    }
}

/// Without links and `..`, of what is there.
pub fn canonical(path: &Path) -> Result<PathBuf> {
    fs::canonicalize(path).map_err(|cause| Error::input("find", path, cause))
}

/// As the user spelled it; only `..` needs the disk, where a symbolic link is followed before it.
pub fn absolute(path: &Path) -> Result<PathBuf> {
    // As the project's directory is where one stands in it.
    let path = or_here(path);
    let absolute = if path.iter().any(|part| part == "..") {
        fs::canonicalize(path)
    } else {
        std::path::absolute(path)
    };
    absolute.map_err(|cause| Error::input("find", path, cause))
}
