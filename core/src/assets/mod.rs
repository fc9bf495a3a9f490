//! Assets: what decides the content of a package that has some, how archives are extracted, and how checksums get into a
//! definition.

mod archives;
mod lock;
mod names;
mod unpack;

use serde_json::{Map, Value};

use crate::function::{Asset, Function, Mode, Sha256, as_argument};
use crate::json::Object;
use crate::manifest::BuildInputs;
use crate::{Error, Result};

pub use lock::fill_in;
pub use unpack::Unpacker;

/// Number of the rules by which archives are extracted. A change of them changes source hashes.
const RECIPE: u32 = 1;

/// The function's assets.
pub fn of(function: &Function) -> impl Iterator<Item = &Asset> {
    function.definition.assets.iter().map(|Object(asset)| asset)
}

/// The checksum of an asset, which a build can't do without.
pub fn checksum(function: &Function, asset: &Asset) -> Result<Sha256> {
    asset.sha256.ok_or_else(|| {
        Error::invalid(format!("the asset `{}` has no `sha256`", asset.url)).help(format!(
            "`lambda-pack assets lock {}` downloads it and fills that in",
            as_argument(function.name.as_str())
        ))
    })
}

/// What the assets add to a function's build inputs: not where they come from, nor their order. `None` without any.
pub fn inputs(function: &Function) -> Result<Option<BuildInputs>> {
    let mut inputs = Vec::new();
    for asset in of(function) {
        let sha256 = checksum(function, asset)?;
        let path = asset.path.as_ref().map_or("", |path| path.as_str());
        let mut input = Map::from_iter([
            ("path".to_owned(), path.into()),
            ("sha256".to_owned(), sha256.to_string().into()),
        ]);
        // That of a plain file is 0644 whether the definition says so or not.
        let mut mode = asset.mode.filter(|mode| *mode == Mode::Executable);
        if let Some(kind) = asset.archive() {
            input.insert("extract".to_owned(), kind.name().into());
            input.insert("recipe".to_owned(), RECIPE.into());
            mode = asset.mode;
        }
        if let Some(mode) = mode {
            input.insert("mode".to_owned(), mode.name().into());
        }
        inputs.push((path, sha256, Value::from(input)));
    }
    inputs.sort_by(|(a_path, a_sha256, _), (b_path, b_sha256, _)| (a_path, a_sha256).cmp(&(b_path, b_sha256)));
    let inputs: Vec<Value> = inputs.into_iter().map(|(_, _, input)| input).collect();
    if inputs.is_empty() {
        return Ok(None);
    }
    BuildInputs::new(Map::from_iter([("assets".to_owned(), inputs.into())])).map(Some)
}
