//! What drafts need of each other, and of the repository, before definitions are made of them: names, sources, ids of secrets.

use std::collections::BTreeMap;
use std::{fs, io};

use serde_json::{Value as Json, json};

use super::draft::{Candidate, Draft, Links};
use super::files::{Link, Repository};
use super::value::Place;
use super::{relative, slashes};
use crate::Result;
use crate::function::{FunctionName, Kind};
use crate::source::normal;

/// One that is allowed, and no other function's.
pub fn settle_name(draft: &mut Draft, names: &mut BTreeMap<String, Place>) {
    let place = draft.place.clone();
    if draft.name.parse::<FunctionName>().is_err() {
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() || "_-".contains(c) {
                c
            } else {
                '-'
            }
        };
        let name: String = draft.name.chars().map(plain).take(64).collect();
        let name = match name.trim_matches('-') {
            "" => "function".to_owned(),
            name => name.to_owned(),
        };
        let reason = format!(
            "`{}` is no name of a function; the definition is called `{name}`",
            crate::shorten(&draft.name)
        );
        draft.name = name;
        draft.lost(&place, "function_name", reason);
    }
    if let Some(other) = names.get(&draft.name)
        && let Some(name) = name_of_its_own(draft, names)
    {
        let reason = format!("another one is called so: {other}; the definition is called `{name}`");
        draft.name = name;
        draft.lost(&place, "function_name", reason);
    }
    match names.get(&draft.name) {
        Some(other) if !draft.is_refused => {
            let reason = format!("another function has its name: {other}");
            draft.refuse(&place, reason);
        }
        Some(_) => {}
        None if draft.is_refused => {}
        None => {
            names.insert(draft.name.clone(), place);
        }
    }
}

/// With the names of its file's directories, for a function that is called so in its file alone. Layers are named by others.
fn name_of_its_own(draft: &Draft, names: &BTreeMap<String, Place>) -> Option<String> {
    if draft.is_named || draft.is_refused || draft.kind == Kind::Layer {
        return None;
    }
    let mut name = draft.name.clone();
    let directories = draft.place.file.parent()?.iter().rev();
    directories
        .map(|directory| {
            name = format!("{}-{name}", directory.to_string_lossy());
            name.clone()
        })
        .find(|name| name.parse::<FunctionName>().is_ok() && !names.contains_key(name))
}

/// Sources that are there, in the repository, by their real paths.
pub fn settle_sources(draft: &mut Draft, repository: &Repository) -> Result<()> {
    let place = draft.place.clone();
    let mut refused = Vec::new();
    for part in &mut draft.sources {
        let shown = slashes(&relative(&normal(&part.path), &repository.directory));
        match fs::canonicalize(&part.path) {
            Ok(path) if !path.starts_with(&repository.directory) => refused.push(format!(
                "its source `{shown}` is outside of the repository, so it isn't packed: move it into it, or adopt a directory that \
                 holds both"
            )),
            Ok(path) => {
                part.path = path;
                match part.links {
                    Links::Kept => {}
                    Links::Followed => match repository.link_in(&part.path)? {
                        Link::None => part.links = Links::Kept,
                        Link::Within => {}
                        Link::Outside(link) => refused.push(format!(
                            "`{}` in its source leads out of the repository, so it isn't packed",
                            slashes(&relative(&link, &repository.directory))
                        )),
                    },
                }
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => refused.push(format!(
                "its source `{shown}` isn't there: if something makes it, write a definition with the `build` that does"
            )),
            Err(cause) => refused.push(format!("its source `{shown}` can't be read: {cause}")),
        }
    }
    if let Some(Candidate { lock, place, .. }) = &draft.build
        && lock
            .as_ref()
            .is_some_and(|lock| !lock.starts_with(&repository.directory))
    {
        let place = place.clone();
        draft.build = None;
        draft.lost(&place, "build", "its lock file is outside of the repository");
    }
    for reason in refused {
        draft.refuse(&place, reason);
    }
    if draft.sources.is_empty() && !draft.is_refused {
        draft.refuse(&place, "nothing says what it is packed from");
    }
    Ok(())
}

/// One id is one secret: where what is declared differs, the later one is called by its function too.
pub fn settle_secrets(drafts: &mut [Draft]) {
    let mut known = BTreeMap::<String, [Json; 4]>::new();
    for draft in drafts {
        let name = draft.name.clone();
        for secret in draft.secrets_mut() {
            let id = secret["id"].as_str().expect("it is a text").to_owned();
            let what = ["class", "arn", "name", "parameter"].map(|key| secret[key].clone());
            match known.get(&id) {
                Some(other) if *other != what => secret["id"] = format!("{name}-{id}").into(),
                _ => {
                    known.insert(id, what);
                }
            }
        }
    }
}

/// A layer that says nothing of it is for the architecture that all functions have which name it.
pub fn settle_layers_architectures(drafts: &mut [Draft]) {
    let mut users = BTreeMap::<String, Vec<Json>>::new();
    for draft in drafts
        .iter()
        .filter(|draft| draft.kind == Kind::Function && !draft.is_refused)
    {
        let mut own = draft.keys().filter(|(key, _)| *key == "architectures");
        let own = own.next().map_or_else(|| json!(["x86_64"]), |(_, value)| value.clone());
        for (_, layer) in &draft.layers {
            users.entry(layer.clone()).or_default().push(own.clone());
        }
    }
    for draft in drafts.iter_mut().filter(|draft| draft.kind == Kind::Layer) {
        let place = draft.place.clone();
        let is_set = draft.keys().any(|(key, _)| key == "architectures");
        match users.get(&draft.name).map(Vec::as_slice) {
            Some([first, others @ ..]) if !is_set && others.iter().all(|other| other == first) => {
                draft.set_json("architectures", "architectures", &place, first.clone());
            }
            Some(_) if !is_set => draft.lost(
                &place,
                "architectures",
                "functions of both name it, and a layer here is packed for one: `x86_64`, unless `architectures` says `arm64`",
            ),
            _ => {}
        }
    }
}
