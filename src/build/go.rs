//! Go: a static `bootstrap`, by Go's own compiler.

use std::collections::BTreeMap;

use lambda_pack_core::function::{Architecture, GoBuild};
use lambda_pack_core::{Error, Result};

use super::{Job, program};

/// Go's settings that tell where modules, tools and caches are: the user's. All else could change bytes, and is ours.
const PLACES: [&str; 12] = [
    "GOAUTH",
    "GOCACHE",
    "GOINSECURE",
    "GOMODCACHE",
    "GONOPROXY",
    "GONOSUMDB",
    "GOPATH",
    "GOPRIVATE",
    "GOPROXY",
    "GOSUMDB",
    "GOTOOLCHAIN",
    "GOVCS",
];

/// Builds `bootstrap` of the module in the source's directory.
pub fn make(build: &GoBuild, job: &Job) -> Result<()> {
    let copy = job.copy(&job.beside("copy"))?;
    let go = program::find(&["go"]).ok_or_else(go_is_missing)?;
    // From variables and from `go env -w`.
    let places = program::output(&go, &[&["env", "-json"], PLACES.as_slice()].concat())
        .and_then(|json| serde_json::from_str::<BTreeMap<String, String>>(&json).ok())
        .ok_or_else(|| Error::failed(format!("`{} env` fails", go.display())).help("mend the installation of Go"))?;
    let mut command = program::isolated(&go);
    command
        .envs(places.iter().filter(|(_, value)| !value.is_empty()))
        // Nothing from `go env -w`.
        .env("GOENV", "off")
        .env("GOOS", "linux")
        .env("CGO_ENABLED", "0")
        // The oldest processors that Lambda has would do for more, but Go's default is what everyone tests.
        .env(
            "GOARCH",
            match job.output.architecture {
                Architecture::X86_64 => "amd64",
                Architecture::Arm64 => "arm64",
            },
        )
        .current_dir(&copy)
        .args(["build", "-trimpath", "-buildvcs=false"])
        .args(["-ldflags", "-s -w -buildid="])
        // aws-lambda-go leaves out what only the runtime go1.x needed.
        .args(["-tags", "lambda.norpc"])
        .arg("-o")
        .arg(job.directory.join("bootstrap"))
        .arg(build.package.as_ref().map_or(".", |package| package.as_str()));
    // A workspace or module above the copy is none of its own.
    if !copy.join("go.work").exists() {
        command.env("GOWORK", "off");
    }
    job.programs.run(command)
}

pub fn go_is_missing() -> Error {
    Error::failed("Go is not installed").help("install it: https://go.dev/doc/install")
}
