//! Python: locked requirements, installed as wheels by uv, or by pip where uv is missing.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use lambda_pack_core::build::{self, Dependencies};
use lambda_pack_core::disk::remove_if_there;
use lambda_pack_core::function::Architecture;
use lambda_pack_core::{Error, Result};

use super::program::{self, Programs};

/// Installs into `directory` itself.
pub fn install(dependencies: &Dependencies, directory: &Path, programs: &Programs) -> Result<()> {
    let target = Target::new(&dependencies.runtime, dependencies.architecture)?;
    match program::find(&["uv"]) {
        Some(uv) => with_uv(&uv, dependencies, &target, directory, programs)?,
        None => with_pip(dependencies, &target, directory, programs)?,
    }
    tidy(directory).map_err(|cause| Error::io("put in order what was installed in", directory, cause))
}

pub const GET_UV: &str = "install uv: https://docs.astral.sh/uv/getting-started/installation/";

/// What uv must know of a function: Python's version, and the platform.
pub fn uv_target(target: &build::Target) -> Result<(String, String)> {
    let target = Target::new(target.runtime.as_deref().unwrap_or_default(), target.architecture)?;
    let platform = target.uv_platform();
    Ok((target.version, platform))
}

/// What wheels must fit.
struct Target {
    /// `3.13`
    version: String,
    /// As wheels spell it.
    machine: &'static str,
    /// The newest glibc 2.x that the runtime has.
    glibc: u32,
    /// The same for uv, which knows some.
    manylinux: &'static str,
}

impl Target {
    fn new(runtime: &str, architecture: Architecture) -> Result<Self> {
        let version = runtime.trim_start_matches("python").to_owned();
        let minor: Option<u32> = version.strip_prefix("3.").and_then(|minor| minor.parse().ok());
        let minor = minor.ok_or_else(|| Error::invalid(format!("the runtime {runtime} is unknown")))?;
        Ok(Target {
            version,
            machine: match architecture {
                Architecture::X86_64 => "x86_64",
                Architecture::Arm64 => "aarch64",
            },
            // Amazon Linux 2023 from Python 3.12 on, Amazon Linux 2 before:
            // <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html>
            glibc: if minor >= 12 { 34 } else { 26 },
            manylinux: if minor >= 12 { "manylinux_2_34" } else { "manylinux2014" },
        })
    }

    fn uv_platform(&self) -> String {
        format!("{}-{}", self.machine, self.manylinux)
    }
}

fn with_uv(
    uv: &Path,
    dependencies: &Dependencies,
    target: &Target,
    directory: &Path,
    programs: &Programs,
) -> Result<()> {
    let exported = directory.with_extension("requirements.txt");
    let requirements = match &dependencies.beside {
        None => &dependencies.lock,
        Some(project) => {
            let mut export = Command::new(uv);
            export
                .args([
                    "export",
                    "--quiet",
                    "--locked",
                    "--no-dev",
                    "--no-emit-project",
                    "--no-header",
                ])
                .args(["--format", "requirements-txt"])
                .arg("--directory")
                .arg(project.parent().unwrap_or(Path::new(".")))
                .arg("--output-file")
                .arg(&exported);
            programs.run(export)?;
            &exported
        }
    };
    let mut command = Command::new(uv);
    command
        .args([
            "pip",
            "install",
            "--no-deps",
            "--require-hashes",
            "--only-binary",
            ":all:",
            "--link-mode",
            "copy",
        ])
        .args(["--python-version", &target.version])
        .args(["--python-platform", &target.uv_platform()])
        .arg("--target")
        .arg(directory)
        .arg("--requirements")
        .arg(requirements);
    programs.run(command)
}

fn with_pip(dependencies: &Dependencies, target: &Target, directory: &Path, programs: &Programs) -> Result<()> {
    if dependencies.beside.is_some() {
        return Err(Error::failed("uv is not installed, and uv.lock needs it").help(GET_UV));
    }
    let python =
        program::find(&["python3", "python"]).filter(|it| program::output(it, &["-m", "pip", "--version"]).is_some());
    let python = python.ok_or_else(|| Error::failed("neither uv nor pip is installed").help(GET_UV))?;
    // pip takes markers for this machine's, whatever it is told to install for.
    let here = program::output(
        &python,
        &[
            "-c",
            "import sys, platform; print('%d.%d' % sys.version_info[:2], platform.machine())",
        ],
    );
    let text =
        fs::read_to_string(&dependencies.lock).map_err(|cause| Error::input("read", &dependencies.lock, cause))?;
    let has_markers = text
        .lines()
        .any(|line| !line.trim_start().starts_with('#') && line.contains(';'));
    if has_markers && here.as_deref() != Some(&format!("{} {}", target.version, target.machine)) {
        return Err(Error::failed(format!(
            "`{}` has environment markers, which pip can evaluate for this machine alone",
            dependencies.lock.display()
        ))
        .help(GET_UV));
    }
    let mut command = Command::new(python);
    command
        .args([
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--no-input",
            "--no-deps",
            "--no-compile",
        ])
        .args(["--require-hashes", "--only-binary", ":all:", "--implementation", "cp"])
        .args(["--python-version", &target.version]);
    for abi in [&format!("cp{}", target.version.replace('.', "")), "abi3", "none"] {
        command.args(["--abi", abi]);
    }
    // The oldest platform that Python 3 wheels are made for is 2.5.
    for glibc in (5..=target.glibc).rev() {
        command.args(["--platform", &format!("manylinux_2_{glibc}_{}", target.machine)]);
    }
    for legacy in ["manylinux2014", "manylinux2010", "manylinux1"] {
        command.args(["--platform", &format!("{legacy}_{}", target.machine)]);
    }
    command
        .arg("--target")
        .arg(directory)
        .arg("--requirement")
        .arg(&dependencies.lock);
    programs.run(command)
}

/// Removes and rewrites what differs from one installation to the next, or from one installer to the other.
fn tidy(directory: &Path) -> io::Result<()> {
    // uv's lock of the directory.
    remove_if_there(&directory.join(".lock"))?;
    let scripts = directory.join("bin");
    let mut packages = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "dist-info") {
            packages.push(path);
        }
    }
    for package in &packages {
        for script in generated_scripts(package)? {
            remove_if_there(&scripts.join(script))?;
        }
        // Who installed it, from where, and why.
        for note in ["INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"] {
            remove_if_there(&package.join(note))?;
        }
    }
    if scripts.is_dir() {
        for entry in fs::read_dir(&scripts)? {
            portable_shebang(&entry?.path())?;
        }
    }
    for package in &packages {
        rewrite_record(directory, &package.join("RECORD"))?;
    }
    Ok(())
}

/// Names of the scripts that installers write themselves, each in its own way and for its own interpreter:
/// <https://packaging.python.org/en/latest/specifications/entry-points/#file-format>
fn generated_scripts(package: &Path) -> io::Result<Vec<String>> {
    let text = match fs::read_to_string(package.join("entry_points.txt")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text?,
    };
    let mut section = "";
    let mut names = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
        } else if matches!(section, "[console_scripts]" | "[gui_scripts]")
            && let Some((name, _)) = line.split_once('=')
        {
            names.push(name.trim().to_owned());
        }
    }
    Ok(names)
}

/// A package's own script names the interpreter that installed it, with its whole path.
fn portable_shebang(script: &Path) -> io::Result<()> {
    let content = fs::read(script)?;
    let line = content.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if line.starts_with(b"#!") && line.windows(6).any(|part| part == b"python") {
        let rest = &content[line.len()..];
        let permissions = fs::metadata(script)?.permissions();
        fs::write(script, [b"#!/usr/bin/env python3", rest].concat())?;
        fs::set_permissions(script, permissions)?;
    }
    Ok(())
}

/// `RECORD` lists what was installed, in any order: <https://packaging.python.org/en/latest/specifications/recording-installed-packages/>.
/// What remains is sorted; digests stay, but for scripts, whose first line was changed.
fn rewrite_record(directory: &Path, record: &Path) -> io::Result<()> {
    if !record.is_file() {
        return Ok(());
    }
    let mut rows = BTreeSet::new();
    for row in csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_path(record)?
        .records()
    {
        let row = row?;
        let path = row.get(0).unwrap_or_default();
        // Seen from a directory of its own, scripts stand two levels above: `../../bin/x`.
        let path = path.trim_start_matches("../");
        if path.ends_with(".pyc") || !directory.join(path).is_file() {
            continue;
        }
        let digest = if path.starts_with("bin/") {
            ""
        } else {
            row.get(1).unwrap_or_default()
        };
        let size = if digest.is_empty() {
            ""
        } else {
            row.get(2).unwrap_or_default()
        };
        rows.insert([path.to_owned(), digest.to_owned(), size.to_owned()]);
    }
    let mut out = csv::WriterBuilder::new()
        .has_headers(false)
        .terminator(csv::Terminator::Any(b'\n'))
        .from_path(record)?;
    for row in &rows {
        out.write_record(row)?;
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_installers_leave_is_put_in_order() {
        let directory = tempfile::tempdir().expect("a directory");
        let write = |path: &str, content: &str| {
            let file = directory.path().join(path);
            fs::create_dir_all(file.parent().expect("below the directory")).expect("made");
            fs::write(file, content).expect("written");
        };
        write("a.py", "");
        write(".lock", "");
        write("bin/own", "#!/home/me/venv/bin/python3\nprint()\n");
        write("bin/made", "#!/home/me/venv/bin/python3\n");
        write("bin/shell", "#!/bin/sh\n");
        write("a-1.dist-info/INSTALLER", "pip");
        write("a-1.dist-info/direct_url.json", "{}");
        write(
            "a-1.dist-info/entry_points.txt",
            "[console_scripts]\nmade = a:main\n\n[other]\nown = a:other\n",
        );
        write(
            "a-1.dist-info/RECORD",
            "a.py,sha256=x,0\n../../bin/own,sha256=y,9\n../../bin/made,sha256=z,9\na.pyc,,\na-1.dist-info/INSTALLER,sha256=p,3\n",
        );
        tidy(directory.path()).expect("tidy");
        let read = |path: &str| fs::read_to_string(directory.path().join(path)).ok();
        assert_eq!(
            read("a-1.dist-info/RECORD").as_deref(),
            Some("a.py,sha256=x,0\nbin/own,,\n")
        );
        assert_eq!(read("bin/own").as_deref(), Some("#!/usr/bin/env python3\nprint()\n"));
        assert_eq!(read("bin/shell").as_deref(), Some("#!/bin/sh\n"));
        for gone in [
            "bin/made",
            ".lock",
            "a-1.dist-info/INSTALLER",
            "a-1.dist-info/direct_url.json",
        ] {
            assert_eq!(read(gone), None, "{gone}");
        }
    }
}
