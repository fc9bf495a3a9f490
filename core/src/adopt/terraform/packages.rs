//! What a function's package is made of: the `archive_file` that its `filename` refers to.

use std::path::Path;

use super::super::draft::{self, Draft, Links};
use super::super::unknown::Part;
use super::super::value::{Data, Value};
use super::evaluate::Scope;
use super::module::Located;
use crate::source::normal;

/// Finds the sources of a function or layer, or says why there are none.
pub fn find<'a>(scope: &Scope<'a>, attributes: &Value, draft: &mut Draft) {
    let mut elsewhere = None;
    // The hash names the archive too, where the package's name is written out.
    for key in ["filename", "s3_key", "source_code_hash"] {
        let Some(value) = attributes.get(key) else {
            continue;
        };
        if let Some((scope, archive)) = archive_of(scope, value, 0) {
            return sources(&scope, archive, draft);
        }
        elsewhere.get_or_insert((key, value));
    }
    let place = draft.place.clone();
    match elsewhere {
        Some((key, value)) => {
            let package = value.first_unknown().filter(|unknown| !unknown.reference.is_empty());
            let package = package.map_or_else(|| format!("`{key}`"), |unknown| format!("`{key} = {unknown}`"));
            let reason = format!(
                "no `archive_file` makes its package, {package}: write a definition with the `source` or `build` that does"
            );
            draft.refuse(&value.place, reason);
        }
        None => draft.refuse(&place, "it has no package: neither `filename` nor `s3_key`"),
    }
}

/// The `archive_file` that a value refers to, also by way of an object in S3 or of the file's name.
fn archive_of<'a>(scope: &Scope<'a>, value: &Value, depth: usize) -> Option<(Scope<'a>, Located<'a>)> {
    let Data::Unknown(unknown) = &value.data else {
        return archive_named(scope, value.as_str()?);
    };
    let names = unknown.names();
    let names: Vec<&str> = names.strip_prefix(&["data"]).map_or(names.clone(), <[_]>::to_vec);
    let [kind, label, ..] = names[..] else {
        return None;
    };
    let found = match kind {
        "archive_file" => scope
            .module
            .block("data", &[kind, label])
            .or_else(|| scope.module.block("resource", &[kind, label])),
        "aws_s3_object" | "aws_s3_bucket_object" => scope.module.block("resource", &[kind, label]),
        _ => None,
    }?;
    let scope = instance(scope, found, unknown.index())?;
    if kind == "archive_file" {
        return Some((scope, found));
    }
    // An object that is uploaded from an archive that is uploaded …
    let source = scope.attribute(found, "source").filter(|_| depth < 4)?;
    archive_of(&scope, &source, depth + 1)
}

/// The scope of one instance of a block.
fn instance<'a>(scope: &Scope<'a>, block: Located, index: Option<&str>) -> Option<Scope<'a>> {
    let Some(each) = scope.attribute(block, "for_each") else {
        return Some(scope.clone());
    };
    let key = index?;
    let value = match &each.data {
        Data::Map(_) => each.get(key)?,
        Data::List(members) => members.iter().find(|member| member.text().as_deref() == Some(key))?,
        _ => return None,
    };
    Some(scope.with_each(&Value::string(&value.place, key), value))
}

/// The archive that is written to this path.
fn archive_named<'a>(scope: &Scope<'a>, path: &str) -> Option<(Scope<'a>, Located<'a>)> {
    let blocks = scope.module.blocks("data").chain(scope.module.blocks("resource"));
    let mut archives = blocks.filter(|block| block.label(0) == "archive_file");
    let wanted = normal(&scope.path(path));
    let found = archives.find(|archive| {
        let output = scope.attribute(*archive, "output_path");
        output.is_some_and(|output| {
            output
                .as_str()
                .is_some_and(|output| normal(&scope.path(output)) == wanted)
        })
    })?;
    Some((scope.clone(), found))
}

/// What an `archive_file` packs.
fn sources(scope: &Scope, archive: Located, draft: &mut Draft) {
    let place = archive.place();
    let known = |draft: &mut Draft, key: &str| {
        let value = scope.attribute(archive, key)?;
        let text = draft.path(&format!("`{key}` of its `archive_file`"), &value)?;
        Some(scope.path(&text))
    };
    if let Some(path) = known(draft, "source_file") {
        draft.sources.push(draft::Part::plain(path));
    }
    if let Some(path) = known(draft, "source_dir") {
        let exclude = scope.attribute(archive, "excludes");
        let exclude = exclude
            .iter()
            .flat_map(Value::members)
            .flat_map(|value| match value.plain() {
                Some(text) => {
                    let mut globs = excluded(&path, &text);
                    globs.retain(|glob| draft.can_have(glob, &value.place, "excludes"));
                    globs
                }
                None => {
                    draft.lost(&value.place, "excludes", "what it leaves out isn't known here");
                    Vec::new()
                }
            });
        let exclude = exclude.collect();
        draft.sources.push(draft::Part {
            exclude,
            // archive_file packs what links lead to.
            links: Links::Followed,
            ..draft::Part::plain(path)
        });
    }
    let file = (
        scope.attribute(archive, "source_content"),
        scope.attribute(archive, "source_content_filename"),
    );
    let blocks = archive.blocks().filter(|block| block.block.ident.as_str() == "source");
    let blocks = blocks.map(|block| (scope.attribute(block, "content"), scope.attribute(block, "filename")));
    for (content, name) in blocks.chain([file]) {
        let (Some(content), Some(name)) = (content, name) else {
            continue;
        };
        let Some(name) = draft.path("a file's name in its `archive_file`", &name) else {
            continue;
        };
        match written(scope, &content, &name) {
            Some(part) => draft.sources.push(part),
            None => draft.refuse(
                &content.place,
                format!(
                    "`{}` in its package is written in Terraform: put it into a file",
                    crate::shorten(&name)
                ),
            ),
        }
    }
    if draft.sources.is_empty() && !draft.is_refused {
        draft.refuse(&place, "its `archive_file` has neither `source_file` nor `source_dir`");
    }
}

/// A glob of `excludes`, which may name a directory too.
fn excluded(directory: &Path, text: &str) -> Vec<String> {
    let text = text.trim_start_matches("./").trim_end_matches('/');
    if directory.join(text).is_dir() {
        return vec![format!("{text}/**")];
    }
    vec![text.to_owned()]
}

/// `content = file("app.py")`, where the file keeps its name.
fn written(scope: &Scope, content: &Value, name: &str) -> Option<draft::Part> {
    let Data::Unknown(unknown) = &content.data else {
        return None;
    };
    let [Part::Name(function), Part::Argument(Some(path))] = &unknown.reference[..] else {
        return None;
    };
    let path = scope.path(path);
    let (directory, name) = match name.rsplit_once('/') {
        Some((directory, name)) => (Some(directory), name),
        None => (None, name),
    };
    if function != "file" || path.file_name()? != name {
        return None;
    }
    Some(draft::Part {
        prefix: directory.map(str::to_owned),
        ..draft::Part::plain(path)
    })
}
