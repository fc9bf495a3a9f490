//! What a build is told to do: CodeBuild's build specification, version 0.2.
//! <https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html>
//!
//! No value of the user's stands in it: commands take them from the environment, in double quotes.

use serde_json::json;

/// Makes lambda-pack available, from `LAMBDA_PACK_BINARY` where the image lacks it.
const INSTALL: &str = include_str!("install.sh");

/// Where [`INSTALL`] puts it; last, so that an image's own wins.
const PATH: &str = "export PATH=\"$PATH:/tmp/lambda-pack-bin\"";

/// Where the source is, with its modes and links.
const RESTORE: &str = "lambda-pack remote restore \"$CODEBUILD_SRC_DIR\"";

/// The specification of a build that runs `command`, a line of `sh` in the directory of the source. It is JSON, which is YAML
/// too.
pub fn running(command: &str) -> String {
    // In a shell of its own: CodeBuild's must not end early, nor stop at what this one stops at.
    let install = format!("(\n{INSTALL})");
    let specification = json!({
        "version": 0.2,
        "phases": {
            "install": { "commands": [install] },
            "pre_build": { "commands": [PATH, RESTORE] },
            "build": { "commands": [PATH, command] },
        },
        // Where the project keeps a cache.
        "cache": { "paths": ["/root/.cache/lambda-pack/**/*"] },
    });
    format!("{specification:#}\n")
}

/// Uploads the functions of one shard.
pub const UPLOAD: &str = "cd \"$CODEBUILD_SRC_DIR\" && lambda-pack upload --shard \"$LAMBDA_PACK_SHARD\" --code-dir code --config-dir lambda-json";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_specification_has_the_phases_and_no_value() {
        let text = running(UPLOAD);
        let parsed: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(parsed["version"], 0.2);
        let commands = &parsed["phases"]["build"]["commands"];
        assert_eq!(commands[1], UPLOAD);
        assert_eq!(parsed["phases"]["pre_build"]["commands"][1], RESTORE);
        // Every variable is quoted.
        for (before, _) in text.match_indices('$').map(|(at, _)| text.split_at(at)) {
            assert!(
                before.ends_with('"') || before.contains("PATH=\\\"") || before.ends_with("\\\""),
                "{before}"
            );
        }
    }
}
