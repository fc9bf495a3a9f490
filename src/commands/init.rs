//! `init`: a project that works, or definitions of what is there.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use lambda_pack_core::adopt::{self, Adopted, Adoption, Note};
use lambda_pack_core::function::FunctionName;
use lambda_pack_core::{Error, ErrorKind, Meter, Result, printable};
use serde::Serialize;

use super::output;
use crate::cli::{Common, InitArgs};
use crate::init::{self, Architecture, Language, Layout, NewFile, Published};
use crate::report;
use crate::settings::{self, Named};

#[derive(Serialize)]
struct Answer {
    files: Vec<FileRow>,
    functions: Vec<FunctionRow>,
    notes: Vec<Note>,
}

#[derive(Serialize)]
struct FileRow {
    path: String,
    status: Published,
}

/// A function or layer that was carried over.
#[derive(Serialize)]
struct FunctionRow {
    name: String,
    file: PathBuf,
    line: usize,
}

pub fn run(args: &InitArgs, common: &Common, meter: &'static Meter) -> Result<()> {
    let answer = match &args.adopt {
        Some(repository) => adopt(args, repository, common, meter)?,
        None => match existing(args)? {
            Some(existing) => modules_alone(args, existing, common, meter)?,
            None => fresh(args, common, meter)?,
        },
    };
    for text in said_once(&answer.notes) {
        report::warning(&text);
    }
    if common.json {
        return output::json(&answer);
    }
    if args.adopt.is_some() {
        let rows = answer.functions.iter().map(|row| {
            vec![
                row.name.clone(),
                printable(&format!("{}:{}", row.file.display(), row.line)),
            ]
        });
        output::line(&report::table(&["function", "found in"], &[], rows))?;
        output::line("")?;
    }
    let rows = answer.files.iter().map(|row| {
        let status = match row.status {
            Published::Written => "written",
            Published::Unchanged => "unchanged",
            Published::Planned => "would be written",
            Published::Skipped => "skipped: it is no regular file",
        };
        vec![row.path.clone(), status.to_owned()]
    });
    output::line(&report::table(&["file", "status"], &[], rows))?;
    if !args.dry_run {
        next_steps(args);
    }
    Ok(())
}

fn next_steps(args: &InitArgs) {
    let enter = match args.directory == Path::new(".") {
        true => String::new(),
        false => format!("cd {}; ", args.directory.display()),
    };
    report::note(&format!("next: {enter}lambda-pack validate; lambda-pack build"));
    if args.terraform {
        let bucket = match args.state_bucket {
            Some(_) => "",
            None => "TF_STATE_BUCKET=… ",
        };
        report::note(&format!(
            "to deploy: {enter}{bucket}terragrunt run --all --backend-bootstrap -- apply"
        ));
    }
}

/// `unsaid` is what counts where nothing is said.
fn layout(args: &InitArgs, common: &Common, unsaid: Named) -> Result<Layout> {
    if let Some(bucket) = &args.state_bucket {
        check_bucket(bucket).map_err(|reason| Error::new(ErrorKind::Usage, format!("--state-bucket: {reason}")))?;
    }
    let store = common.store.clone().filter(|store| !store.is_empty());
    Ok(Layout {
        code_dir: init::within_project("--code-dir", common.code_dir.as_deref(), &unsaid.code_dir)?,
        config_dir: init::within_project("--config-dir", common.config_dir.as_deref(), &unsaid.config_dir)?,
        out_dir: None,
        store: store.or(unsaid.store),
    })
}

/// The project that gets the modules and nothing else: it is there, and no sample was asked for.
fn existing(args: &InitArgs) -> Result<Option<Named>> {
    let is_sample_wanted = args.language.is_some() || args.name.is_some() || args.architecture.is_some();
    if !args.terraform || is_sample_wanted {
        return Ok(None);
    }
    Named::of(&args.directory)
}

/// What a project that is there lacks for Terraform.
fn modules_alone(args: &InitArgs, existing: Named, common: &Common, meter: &Meter) -> Result<Answer> {
    let layout = layout(args, common, existing)?;
    let directories = [&layout.code_dir, &layout.config_dir];
    if let Some(path) = directories.into_iter().find(|path| path.is_absolute()) {
        let file = args.directory.join(settings::FILE_NAME);
        return Err(Error::invalid(format!(
            "`{}` of `{}` is an absolute path",
            path.display(),
            file.display()
        ))
        .help("say it relative to that file: Terraform runs on other machines, too"));
    }
    let state_bucket = state_bucket(args.state_bucket.as_deref(), asks(args, common), meter)?;
    let answer = write(args, &init::modules(&layout, state_bucket.as_deref()), true, meter)?;
    if let (None, Some(store)) = (&layout.store, init::store_of_modules(state_bucket.as_deref())) {
        report::note(&format!(
            "{} names no store: with `store = \"{store}\"` it is the one that lambda-build-module makes",
            settings::FILE_NAME
        ));
    }
    Ok(answer)
}

/// A project with a sample function.
fn fresh(args: &InitArgs, common: &Common, meter: &Meter) -> Result<Answer> {
    let layout = layout(args, common, Named::default())?;
    let choices = Choices::of(args, common, meter)?;
    let asks = choices.terraform && asks(args, common);
    let state_bucket = state_bucket(args.state_bucket.as_deref(), asks, meter)?;
    let layout = layout.with_modules(state_bucket.as_deref());
    let mut files = init::sample(choices.language, &choices.name, choices.architecture, &layout);
    files.push(init::settings_file(&layout));
    if choices.terraform {
        files.extend(init::modules(&layout, state_bucket.as_deref()));
    }
    write(args, &files, choices.terraform, meter)
}

/// What is written, by options, answers and defaults.
struct Choices {
    language: Language,
    name: String,
    architecture: Architecture,
    terraform: bool,
}

impl Choices {
    fn of(args: &InitArgs, common: &Common, meter: &Meter) -> Result<Self> {
        let asks = asks(args, common);
        let (language, name, architecture) = (Language::Python, "hello", Architecture::X86_64);
        Ok(Choices {
            language: match args.language {
                None if asks => ask_value("Language", language, meter)?,
                given => given.unwrap_or(language),
            },
            name: match &args.name {
                None if asks => init::ask("Name of the function", name, meter, check_name)?,
                given => {
                    let name = given.as_deref().unwrap_or(name);
                    check_name(name).map_err(|reason| Error::new(ErrorKind::Usage, format!("--name: {reason}")))?
                }
            },
            architecture: match args.architecture {
                None if asks => ask_value("Architecture", architecture, meter)?,
                given => given.unwrap_or(architecture),
            },
            terraform: match args.terraform {
                false if asks => {
                    let question = "Terraform modules, for `terragrunt apply` (yes or no)";
                    init::ask(question, "no", meter, yes_or_no)?
                }
                given => given,
            },
        })
    }
}

fn asks(args: &InitArgs, common: &Common) -> bool {
    !args.yes && !common.json && init::are_possible()
}

fn state_bucket(given: Option<&str>, asks: bool, meter: &Meter) -> Result<Option<String>> {
    match given {
        None if asks => {
            let question = "Bucket for Terraform's state (none: TF_STATE_BUCKET names it)";
            init::ask(question, "", meter, |answer| match answer {
                "" => Ok(None),
                bucket => check_bucket(bucket).map(|()| Some(bucket.to_owned())),
            })
        }
        given => Ok(given.map(str::to_owned)),
    }
}

fn ask_value<T: ValueEnum>(question: &str, default: T, meter: &Meter) -> Result<T> {
    let name = |value: &T| {
        value
            .to_possible_value()
            .expect("no value is hidden")
            .get_name()
            .to_owned()
    };
    let all: Vec<String> = T::value_variants().iter().map(name).collect();
    let question = format!("{question} ({})", all.join(", "));
    init::ask(&question, &name(&default), meter, |answer| {
        T::from_str(answer, true).map_err(|_unknown| format!("`{answer}` is none of {}", all.join(", ")))
    })
}

fn yes_or_no(answer: &str) -> Result<bool, String> {
    match answer.to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(true),
        "n" | "no" => Ok(false),
        other => Err(format!("`{other}` is neither yes nor no")),
    }
}

fn check_name(name: &str) -> Result<String, String> {
    match name.parse::<FunctionName>() {
        Ok(name) => Ok(name.to_string()),
        Err(expected) => Err(format!("`{name}` is no name of a function: allowed are {expected}")),
    }
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>, as lambda-build-module has it.
fn check_bucket(bucket: &str) -> Result<(), String> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_fine = (3..=63).contains(&bucket.len())
        && bucket.chars().all(|c| is_plain(c) || c == '-')
        && bucket.starts_with(is_plain)
        && bucket.ends_with(is_plain);
    match is_fine {
        true => Ok(()),
        false => Err(format!(
            "`{bucket}` is not 3 to 63 lower-case letters, digits and hyphens, with a letter or digit at both ends"
        )),
    }
}

fn write(args: &InitArgs, files: &[NewFile], has_modules: bool, meter: &Meter) -> Result<Answer> {
    let ignored = |existing: Option<&str>| init::ignored(existing, has_modules);
    let rows = init::publish(&args.directory, files, ignored, args.dry_run, meter)?;
    for (path, _) in rows.iter().filter(|(_, status)| *status == Published::Skipped) {
        let lines = init::ignored(None, has_modules).unwrap_or_default();
        report::warning(&format!(
            "`{}` is no regular file, so it stays as it is: see to it that git ignores {}",
            path.display(),
            lines.trim_end().replace('\n', " ")
        ));
    }
    let rows = rows.into_iter().map(|(path, status)| FileRow {
        path: path.display().to_string(),
        status,
    });
    Ok(Answer {
        files: rows.collect(),
        functions: Vec::new(),
        notes: Vec::new(),
    })
}

/// Definitions of what a repository has.
fn adopt(args: &InitArgs, repository: &Path, common: &Common, meter: &Meter) -> Result<Answer> {
    let layout = layout(args, common, Named::default())?;
    if common
        .code_dir
        .as_ref()
        .is_some_and(|given| !given.as_os_str().is_empty())
    {
        return Err(Error::new(ErrorKind::Usage, "--code-dir can't be given with --adopt")
            .help("the code directory is where the repository has its sources"));
    }
    let Adoption {
        functions,
        notes,
        code_dir,
        is_within_source,
        files,
    } = adopt::adopt(repository, &args.directory, meter)?;
    if functions.is_empty() {
        return Err(nothing(repository, files, &notes));
    }
    let layout = Layout {
        code_dir: code_dir.into(),
        // What is always left out of sources.
        out_dir: is_within_source.then(|| ".lambda-pack/dist".into()),
        ..layout.with_modules(args.state_bucket.as_deref())
    };
    let definition = |function: &Adopted| {
        let path = layout.config_dir.join(format!("{}.json", function.name));
        NewFile::new(path, function.definition.as_str())
    };
    let mut new: Vec<NewFile> = functions.iter().map(definition).collect();
    new.push(init::settings_file(&layout));
    if args.terraform {
        new.extend(init::modules(&layout, args.state_bucket.as_deref()));
    }
    let answer = write(args, &new, args.terraform, meter)?;
    let rows = functions.into_iter().map(|function| FunctionRow {
        name: function.name,
        file: function.file,
        line: function.line,
    });
    Ok(Answer {
        functions: rows.collect(),
        notes,
        ..answer
    })
}

fn nothing(repository: &Path, files: usize, notes: &[Note]) -> Error {
    let place = repository.display();
    if notes.is_empty() {
        return Error::invalid(format!("no function was found in `{place}` ({files} files say something of AWS)"))
            .help("looked for: `aws_lambda_function` in *.tf, SAM and CloudFormation templates, serverless.yml; make a new project with `lambda-pack init`");
    }
    let first = Error::invalid(format!("no function of `{place}` can be carried over"));
    let notes = notes.iter().map(|note| Error::invalid(words(note)));
    Error::join([first].into_iter().chain(notes)).expect("one at least")
}

/// The notes in words; what is said of several functions is said once.
fn said_once(notes: &[Note]) -> Vec<String> {
    let mut alike = Vec::<(&Note, Vec<&Note>)>::new();
    for note in notes {
        let is_alike = |first: &Note| (&first.key, &first.reason) == (&note.key, &note.reason);
        match alike
            .iter_mut()
            .find(|(first, _)| note.function.is_some() && note.key.is_some() && is_alike(first))
        {
            Some((_, others)) => others.push(note),
            None => alike.push((note, Vec::new())),
        }
    }
    let texts = alike.into_iter().map(|(first, others)| {
        let also = others.into_iter().map(|note| {
            let function = note.function.as_deref().unwrap_or_default();
            printable(&format!("`{function}` ({})", place(note)))
        });
        let also: Vec<String> = also.collect();
        match also.is_empty() {
            true => words(first),
            false => format!("{}; so it is with {}", words(first), also.join(", ")),
        }
    });
    texts.collect()
}

fn place(note: &Note) -> String {
    match note.line {
        0 => note.file.display().to_string(),
        line => format!("{}:{line}", note.file.display()),
    }
}

/// In one line, whatever stands in the repository.
fn words(note: &Note) -> String {
    let place = place(note);
    let text = match (&note.function, &note.key) {
        (Some(function), Some(key)) => format!("{place}: `{function}`: `{key}` isn't carried over: {}", note.reason),
        (Some(function), None) => format!("{place}: `{function}` isn't carried over: {}", note.reason),
        (None, Some(key)) => format!("{place}: `{key}` isn't carried over: {}", note.reason),
        // The place stands in the text where a parser says it.
        (None, None) => match note.reason.starts_with(&place) {
            true => note.reason.clone(),
            false => format!("{place}: {}", note.reason),
        },
    };
    printable(&text)
}
