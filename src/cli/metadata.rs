//! `metadata`, with the options of Seed-Farmer's.

use std::path::PathBuf;

use clap::{ArgAction, Args, Subcommand};

/// Keep what a module's commands hand on to other modules; for the commands of a build specification
///
/// The metadata are one JSON object in the file SEEDFARMER_MODULE_METADATA of the module's directory (or where
/// SEEDFARMER_MODULE_METADATA_FILE says). What is added later wins over what the file has, and that over a JSON object in the
/// variable SEEDFARMER_MODULE_METADATA. A damaged file is an error and stays as it is.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lambda-pack metadata add -k VpcId -v vpc-12345678
  lambda-pack metadata convert -f cdk-exports.json
  lambda-pack metadata get VpcId")]
pub struct MetadataArgs {
    #[command(flatten)]
    pub long: LongAlone,
    #[command(subcommand)]
    pub verb: MetadataVerb,
}

/// Seed-Farmer's `-v` and `-q` are a value and a query here, so that the common options have no short names.
#[derive(Args, Debug)]
#[command(next_help_heading = "Common options")]
pub struct LongAlone {
    /// Print no warnings and no progress
    #[arg(long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Say more on stderr; twice for details
    #[arg(long, global = true, action = ArgAction::Count)]
    verbose: u8,
}

#[derive(Debug, Subcommand)]
pub enum MetadataVerb {
    /// Add a key with its value, or all of a JSON object
    #[command(after_help = "\
Examples:
  lambda-pack metadata add -k VpcId -v vpc-12345678
  lambda-pack metadata add -j '{\"SubnetIds\": [\"subnet-1\", \"subnet-2\"]}'")]
    Add(MetadataAdd),
    /// Print the value of a key (text as it is, else JSON), or all as one JSON object
    #[command(after_help = "Examples:\n  lambda-pack metadata get\n  lambda-pack metadata get VpcId")]
    Get(MetadataGet),
    /// Add the module's output `metadata` of a file that `cdk deploy --outputs-file` wrote
    ///
    /// Without -q it is that of the stack that `metadata depmod` names. What is found must be a JSON object, or a text that
    /// holds one.
    #[command(after_help = "\
Examples:
  lambda-pack metadata convert -f cdk-exports.json
  lambda-pack metadata convert -f cdk-exports.json -q my-stack.metadata")]
    Convert(MetadataConvert),
    /// Print the module's full name: project, deployment, group and module
    #[command(after_help = "Example:\n  STACK=$(lambda-pack metadata depmod)")]
    Depmod,
    /// Print the value of a parameter, or of a variable that begins with SEEDFARMER_
    #[command(
        after_help = "Examples:\n  lambda-pack metadata paramvalue -s vpc-id\n  lambda-pack metadata paramvalue -s DEPLOYMENT_NAME"
    )]
    Paramvalue(MetadataParamvalue),
    /// Delete a key, or with --all the file
    #[command(after_help = "Examples:\n  lambda-pack metadata delete VpcId\n  lambda-pack metadata delete --all")]
    Delete(MetadataDelete),
}

#[derive(Args, Debug)]
pub struct MetadataAdd {
    /// Key
    #[arg(long, short, requires = "value", required_unless_present = "json_object")]
    pub key: Option<String>,
    /// Its value, a text
    #[arg(long, short, requires = "key", allow_hyphen_values = true)]
    pub value: Option<String>,
    /// JSON object whose keys are added
    #[arg(long = "jsonstring", short = 'j', value_name = "JSON", conflicts_with_all = ["key", "value"])]
    pub json_object: Option<String>,
}

#[derive(Args, Debug)]
pub struct MetadataGet {
    #[command(flatten)]
    pub key: KeyName,
}

#[derive(Args, Debug)]
pub struct KeyName {
    /// Key
    #[arg(value_name = "KEY")]
    named: Option<String>,
    /// The same, spelled as for `add`
    #[arg(long, short, conflicts_with = "named")]
    key: Option<String>,
}

impl KeyName {
    pub fn get(&self) -> Option<&str> {
        self.named.as_deref().or(self.key.as_deref())
    }
}

#[derive(Args, Debug)]
pub struct MetadataConvert {
    /// File, in the current directory or the module's
    #[arg(
        long = "json-file",
        short = 'f',
        value_name = "FILE",
        default_value = "cdk-exports.json"
    )]
    pub file: PathBuf,
    /// Where the object is in the file: a path of jq, such as .stack.metadata or ."my stack".list[0]
    #[arg(long = "jq-path", short = 'q', value_name = "PATH")]
    pub query: Option<String>,
    /// Nothing: Seed-Farmer spells the option before as `-jq`
    #[arg(short = 'j', hide = true, requires = "query")]
    seed_farmer: bool,
}

#[derive(Args, Debug)]
pub struct MetadataParamvalue {
    /// Name of the parameter, or of a variable without SEEDFARMER_
    #[arg(long, short, value_name = "NAME")]
    pub suffix: String,
}

#[derive(Args, Debug)]
pub struct MetadataDelete {
    #[command(flatten)]
    pub key: KeyName,
    /// Delete all of it
    #[arg(long, conflicts_with_all = ["named", "key"])]
    pub all: bool,
}
