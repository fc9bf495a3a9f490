//! The file by which lambda-deploy-module is told to deploy something else than it is handed: a rollback.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use lambda_pack_core::disk::directory_of;
use lambda_pack_core::temporary::sync_directory;
use lambda_pack_core::{Error, ErrorKind, Result, json_unique};
use serde_json::{Map, Value};

use crate::handoff;
use crate::settings::Settings;
use crate::store::shell_word;

/// Where the module is, and how the file is called there. Terraform and Terragrunt read files of such names by themselves, so
/// that nobody undoes a rollback by leaving an option out.
const MODULE: &str = "lambda-deploy-module";
const FILE_NAME: &str = "rollback.auto.tfvars.json";

const EXTENSION: &str = ".tfvars.json";

pub const PACKAGES: &str = "package_overrides";
pub const ALIASES: &str = "alias_versions";

/// Where the file is unless somebody names another one.
pub fn default_file(settings: &Settings) -> PathBuf {
    settings.project_dir.join(MODULE).join(FILE_NAME)
}

/// What the file says. Other variables in it, and other functions, stay as they are.
pub struct Overrides {
    file: PathBuf,
    variables: Map<String, Value>,
    before: Option<String>,
}

impl Overrides {
    /// Reads the file; one that isn't there says nothing.
    pub fn read(given: Option<&Path>, settings: &Settings) -> Result<Self> {
        let file = match given {
            Some(file) if file.to_string_lossy().ends_with(EXTENSION) => file.to_owned(),
            Some(file) => {
                let named = format!("--file {}: its name doesn't end with {EXTENSION}", file.display());
                return Err(Error::new(ErrorKind::Usage, named).help(format!(
                    "Terraform tells JSON by the name: {MODULE}/{FILE_NAME}, for example"
                )));
            }
            None => default_file(settings),
        };
        let directory = directory_of(&file);
        if !directory.is_dir() {
            return Err(Error::invalid(format!("there is no directory `{}`", directory.display()))
                .help("name the file with --file: in the directory of the root module that deploys, which must pass the variable on if lambda-deploy-module is a child of it"));
        }
        let before = match fs::read_to_string(&file) {
            Ok(text) => Some(text),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => None,
            Err(cause) => return Err(Error::input("read", &file, cause)),
        };
        let variables = match &before {
            Some(text) => json_unique::parse_object(file.display(), text.as_bytes())?,
            None => Map::new(),
        };
        let overrides = Overrides {
            file,
            variables,
            before,
        };
        for variable in [PACKAGES, ALIASES] {
            overrides.functions(variable)?;
        }
        Ok(overrides)
    }

    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The functions that a variable says something of.
    fn functions(&self, variable: &str) -> Result<Option<&Map<String, Value>>> {
        match self.variables.get(variable) {
            None => Ok(None),
            Some(Value::Object(functions)) => Ok(Some(functions)),
            Some(_) => Err(Error::invalid(format!(
                "{}: key `{variable}`: allowed: an object, with an entry for each function",
                self.file.display()
            ))),
        }
    }

    /// What a variable says of a function.
    pub fn get(&self, variable: &str, name: &str) -> Option<&Value> {
        self.variables.get(variable)?.get(name)
    }

    pub fn set(&mut self, variable: &str, name: &str, value: Value) {
        let functions = self.variables.entry(variable).or_insert_with(|| Map::new().into());
        let functions = functions.as_object_mut().expect("looked at when it was read");
        functions.insert(name.to_owned(), value);
    }

    /// Nothing is said of the function any more.
    pub fn clear(&mut self, name: &str) {
        for variable in [PACKAGES, ALIASES] {
            let Some(functions) = self.variables.get_mut(variable).and_then(Value::as_object_mut) else {
                continue;
            };
            functions.remove(name);
            if functions.is_empty() {
                self.variables.remove(variable);
            }
        }
    }

    /// The text of the file; `None` where it says nothing, and so isn't there.
    pub fn text(&self) -> Option<String> {
        if self.variables.is_empty() {
            return None;
        }
        let text = serde_json::to_string_pretty(&self.variables).expect("string keys");
        Some(text + "\n")
    }

    pub fn is_changed(&self) -> bool {
        self.text() != self.before
    }

    pub fn write(&self) -> Result<()> {
        match self.text() {
            Some(text) => handoff::write(&self.file, &text),
            None => fs::remove_file(&self.file)
                .and_then(|()| sync_directory(directory_of(&self.file)))
                .map_err(|cause| Error::io("remove", &self.file, cause)),
        }
    }

    /// The command that shows what comes of it.
    pub fn plan_command(&self) -> String {
        let directory = directory_of(&self.file);
        let tool = match directory.join("terragrunt.hcl").is_file() {
            true => "terragrunt plan",
            false => "terraform plan",
        };
        let name = self.file.file_name().unwrap_or_default().to_string_lossy();
        let is_read_by_itself = name.ends_with(".auto.tfvars.json") || name == "terraform.tfvars.json";
        let option = match is_read_by_itself {
            true => String::new(),
            false => format!(" -var-file={}", shell_word(&name)),
        };
        match directory == Path::new(".") {
            true => format!("{tool}{option}"),
            false => format!("cd {} && {tool}{option}", shell_word(&directory.to_string_lossy())),
        }
    }
}
