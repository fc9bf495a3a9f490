//! The phases of a build specification, run as CodeBuild runs them.

use std::collections::VecDeque;
use std::env;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use lambda_pack_core::bundle::Outputs;
use lambda_pack_core::bundle::mask::{MaskedLines, Masks};
use lambda_pack_core::bundle::spec::{PhaseName, Spec};
use lambda_pack_core::disk::make_link;
use lambda_pack_core::temporary::{PrivateDirectory, write_whole};
use lambda_pack_core::{Error, Meter, Result, shorten};
use serde::Serialize;

use super::environment::Environment;
use super::metadata::{self, MetadataFile};
use super::shell::{Exit, Shell};
use crate::build;
use crate::time;

/// Lines of a failed command's output that its error shows.
const LINES_SHOWN: usize = 15;

/// What is to be run.
pub struct Phases<'a> {
    pub spec: &'a Spec,
    /// The last command of the phase `build`, as words; none if empty.
    pub command: &'a [String],
    /// Where commands start.
    pub directory: &'a Path,
    pub environment: Environment,
    /// What neither the log nor a result may show.
    pub masks: &'a Masks,
    /// Gets all output; it is begun anew.
    pub log: &'a Path,
    pub meter: &'a Meter,
}

/// What was run.
#[derive(Debug)]
pub struct PhasesRun {
    pub phases: Vec<PhaseRun>,
    /// The module metadata that commands have left.
    pub outputs: Outputs,
    /// The first failure.
    pub failure: Option<Error>,
}

#[derive(Clone, Debug, Serialize)]
pub struct PhaseRun {
    pub name: PhaseName,
    pub status: PhaseStatus,
    pub duration_ms: u64,
    pub commands: Vec<CommandRun>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PhaseStatus {
    Succeeded,
    Failed,
    /// After a failure.
    Skipped,
}

#[derive(Clone, Debug, Serialize)]
pub struct CommandRun {
    /// Masked.
    pub command: String,
    /// As shells have it: 128 and the signal's number for a command that a signal ended.
    pub exit_code: i32,
    pub duration_ms: u64,
}

/// Runs the phases. A command that fails is no error here, so that what was run can be told: it is in the result. What is an
/// error is that commands can't be run at all, or an interruption.
pub fn run(phases: Phases) -> Result<PhasesRun> {
    let Phases {
        spec,
        command,
        directory,
        mut environment,
        masks,
        log,
        meter,
    } = phases;
    let program = build::find(&[spec.shell.name()]).ok_or_else(|| {
        Error::failed(format!("`{}` is not installed", spec.shell.name()))
            .help("the commands of the build specification are run by it; install it, or correct PATH")
    })?;
    let cannot_find = |cause| Error::io("find", directory, cause);
    let directory = fs::canonicalize(directory).map_err(cannot_find)?;
    let tools = Tools::new(&mut environment)?;
    environment.set(metadata::PLACE, MetadataFile::in_directory(&directory).path());
    environment.set("CODEBUILD_SRC_DIR", &directory);
    let extra = match command {
        [] => None,
        words => {
            let words = words.iter().map(String::as_str);
            Some(shlex::try_join(words).map_err(|_| Error::invalid("COMMAND holds a NUL character"))?)
        }
    };

    let mut runner = Runner {
        shell: Shell::new(program, directory.clone(), environment)?,
        log: Log::create(log)?,
        masks,
        meter,
    };
    let mut runs = Vec::new();
    let mut failure = None;
    let mut goes_on = true;
    for (name, phase) in spec.phases.in_order() {
        let commands = phase.commands.iter();
        let commands = commands.chain(extra.iter().filter(|_| name == PhaseName::Build));
        if !goes_on {
            runs.push(PhaseRun {
                name,
                status: PhaseStatus::Skipped,
                duration_ms: 0,
                commands: Vec::new(),
            });
            continue;
        }
        let succeeding = if failure.is_none() { "1" } else { "0" };
        runner.shell.environment.set("CODEBUILD_BUILD_SUCCEEDING", succeeding);
        let (run, failed) = runner.run_phase(name, commands, &phase.finally)?;
        goes_on = failed.is_none() || phase.on_failure.goes_on_after(name);
        failure = failure.or(failed);
        runs.push(run);
    }
    runner.log.flush()?;
    let outputs = match failure {
        Some(_) => Outputs::default(),
        None => runner.take_outputs(&directory)?,
    };
    drop(runner);
    drop(tools);
    Ok(PhasesRun {
        phases: runs,
        outputs,
        failure,
    })
}

struct Runner<'a> {
    shell: Shell,
    log: Log,
    masks: &'a Masks,
    meter: &'a Meter,
}

impl Runner<'_> {
    /// What commands have left in the variable, and over it in the file, which is taken out of the directory.
    fn take_outputs(&self, directory: &Path) -> Result<Outputs> {
        let exported = self.shell.environment.get(metadata::NAME);
        let exported = exported.and_then(|text| text.to_str());
        let exported = match exported.filter(|text| !text.trim().is_empty()) {
            Some(text) => Outputs::parse(format_args!("the variable {}", metadata::NAME), text.as_bytes())?,
            None => Outputs::default(),
        };
        let file = MetadataFile::in_directory(directory);
        let text = match fs::read(file.path()) {
            Ok(text) => text,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(exported),
            Err(cause) => return Err(Error::input("read", file.path(), cause)),
        };
        let outputs = match Outputs::parse(metadata::NAME, &text) {
            Ok(outputs) => exported.with(outputs),
            Err(error) => return Err(self.keep_damaged(error, &text)?),
        };
        fs::remove_file(file.path()).map_err(|cause| Error::io("delete", file.path(), cause))?;
        Ok(outputs)
    }

    /// The directory of the build goes away; beside the log somebody can read what the commands wrote.
    fn keep_damaged(&self, error: Error, text: &[u8]) -> Result<Error> {
        let copy = self.log.path.with_file_name(format!("{}.damaged", metadata::NAME));
        write_whole(&copy, &self.masks.mask(text), None).map_err(|cause| Error::io("write", &copy, cause))?;
        let help = format!(
            "correct the commands that write it; what they left is in `{}`",
            copy.display()
        );
        Ok(error.help(help))
    }

    /// Runs commands up to the first that fails, and those of `finally` in any case.
    fn run_phase<'c>(
        &mut self,
        name: PhaseName,
        commands: impl Iterator<Item = &'c String>,
        finally: &'c [String],
    ) -> Result<(PhaseRun, Option<Error>)> {
        let start = Instant::now();
        let mut runs = Vec::new();
        let mut failure = self.run_all(name, commands, &mut runs)?;
        let of_finally = self.run_all(name, finally.iter(), &mut runs)?;
        failure = failure.or(of_finally);
        let status = match failure {
            None => PhaseStatus::Succeeded,
            Some(_) => PhaseStatus::Failed,
        };
        let duration_ms = milliseconds(start);
        if !runs.is_empty() {
            tracing::info!(
                "{name}: {} in {duration_ms} ms",
                if failure.is_none() { "done" } else { "failed" }
            );
        }
        let run = PhaseRun {
            name,
            status,
            duration_ms,
            commands: runs,
        };
        Ok((run, failure))
    }

    fn run_all<'c>(
        &mut self,
        phase: PhaseName,
        commands: impl Iterator<Item = &'c String>,
        runs: &mut Vec<CommandRun>,
    ) -> Result<Option<Error>> {
        for command in commands {
            let place = format!("{phase}[{}]", runs.len());
            let (run, failure) = self.run_command(&place, phase, command)?;
            runs.push(run);
            if failure.is_some() {
                return Ok(failure);
            }
        }
        Ok(None)
    }

    fn run_command(&mut self, place: &str, phase: PhaseName, text: &str) -> Result<(CommandRun, Option<Error>)> {
        let start = Instant::now();
        let command = self.masks.mask_text(text);
        for line in command.lines() {
            self.log.write(place, &format!("$ {line}"))?;
        }
        tracing::info!("{place} $ {}", shorten(&command));
        let mut output = MaskedLines::new(self.masks);
        let mut last = VecDeque::new();
        let log = &mut self.log;
        let mut show = |line: String| {
            tracing::info!("{place} {line}");
            log.write(place, &line)?;
            if last.len() == LINES_SHOWN {
                last.pop_front();
            }
            last.push_back(line);
            Ok(())
        };
        let exit = self.shell.run(text, self.meter, |bytes| {
            output.take(bytes).into_iter().try_for_each(&mut show)
        });
        output.rest().into_iter().try_for_each(&mut show)?;
        let exit = match exit {
            Ok(exit) => exit,
            Err(error) => {
                self.log.write(place, &format!("ended: {error}"))?;
                self.log.flush()?;
                return Err(error.within(format_args!("phase {phase}")));
            }
        };
        let duration_ms = milliseconds(start);
        let (exit_code, ended) = match exit {
            Exit::Code(code) => (code, format!("exit code {code}")),
            Exit::Signal(signal) => (128 + signal, format!("ended by signal {signal}")),
        };
        self.log.write(place, &format!("{ended}, {duration_ms} ms"))?;
        self.log.flush()?;
        let failure = (exit != Exit::Code(0)).then(|| {
            let said: Vec<String> = last.into_iter().map(|line| format!("\n  {}", shorten(&line))).collect();
            let message = format!(
                "phase {phase}: `{}` failed ({ended}){}",
                shorten(&command),
                said.concat()
            );
            Error::failed(message).help(format!("all of the output is in {}", self.log.path.display()))
        });
        let run = CommandRun {
            command,
            exit_code,
            duration_ms,
        };
        Ok((run, failure))
    }
}

fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Lines with time, phase and number of the command.
struct Log {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Log {
    fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).map_err(|cause| Error::io("write the log", path, cause))?;
        Ok(Log {
            path: path.to_owned(),
            file: BufWriter::new(file),
        })
    }

    fn write(&mut self, place: &str, line: &str) -> Result<()> {
        let now = time::text(time::now());
        writeln!(self.file, "{now} {place} {line}").map_err(|cause| Error::io("write the log", &self.path, cause))
    }

    fn flush(&mut self) -> Result<()> {
        self.file
            .flush()
            .map_err(|cause| Error::io("write the log", &self.path, cause))
    }
}

/// A directory at the end of PATH with this program as `lambda-pack` and as `seedfarmer`, whose `metadata` commands it has: a
/// deployspec that calls them with `|| true` would lose its metadata in silence.
struct Tools {
    _directory: PrivateDirectory,
}

impl Tools {
    fn new(environment: &mut Environment) -> Result<Self> {
        let cannot = |cause| Error::failed(format!("cannot make a directory for the commands' tools: {cause}"));
        let directory = PrivateDirectory::new(&env::temp_dir()).map_err(cannot)?;
        let this = env::current_exe().map_err(cannot)?;
        for name in ["lambda-pack", "seedfarmer"] {
            make_link(&this, &directory.path().join(name)).map_err(cannot)?;
        }
        let path = environment.get("PATH").unwrap_or_default();
        // An empty one would mean the current directory.
        let places = env::split_paths(path).filter(|place| !place.as_os_str().is_empty());
        let places = places.chain([directory.path().to_owned()]);
        let path = env::join_paths(places).map_err(|error| cannot(io::Error::other(error)))?;
        environment.set("PATH", path);
        Ok(Tools { _directory: directory })
    }
}

#[cfg(test)]
mod tests;
