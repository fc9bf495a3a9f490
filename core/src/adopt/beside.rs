//! What stands beside functions: resources that name one, call it or keep it warm, and that no definition has a key for.

use super::carry::CALLERS;

pub const ALIAS: &str = "lambda-deploy-module makes an alias of its own, called as its `alias_name` says, for the version that it publishes: \
     call it as this one is called, or name it where this one is named";

pub const WARM: &str =
    "lambda-deploy-module provisions no concurrency: keep this beside it, for the alias that it makes";

const KEPT: &str = "no definition has anything like it: keep it beside lambda-deploy-module";

/// Of Terraform, of CloudFormation, and what becomes of it.
const RESOURCES: [(&str, &str, &str); 6] = [
    ("aws_lambda_alias", "AWS::Lambda::Alias", ALIAS),
    (
        "aws_lambda_event_source_mapping",
        "AWS::Lambda::EventSourceMapping",
        CALLERS,
    ),
    (
        "aws_lambda_function_event_invoke_config",
        "AWS::Lambda::EventInvokeConfig",
        CALLERS,
    ),
    ("aws_lambda_function_url", "AWS::Lambda::Url", CALLERS),
    ("aws_lambda_permission", "AWS::Lambda::Permission", CALLERS),
    // Of CloudFormation a property of aliases and functions.
    ("aws_lambda_provisioned_concurrency_config", "", WARM),
];

/// Those that are read, or that say nothing which lambda-deploy-module doesn't do by itself.
const READ: [&str; 6] = [
    "aws_lambda_function",
    "aws_lambda_layer_version",
    "AWS::Lambda::Function",
    "AWS::Lambda::LayerVersion",
    "AWS::Lambda::Version",
    "AWS::Serverless::Function",
];

/// Why a resource of this type isn't carried over; `None` if it is no resource of Lambda's, or is read.
pub fn reason(kind: &str) -> Option<&'static str> {
    let is_of_lambda = ["aws_lambda_", "AWS::Lambda::"]
        .iter()
        .any(|start| kind.starts_with(start));
    if !is_of_lambda || READ.contains(&kind) {
        return None;
    }
    let mut known = RESOURCES.iter();
    let known = known.find(|(terraform, template, _)| *terraform == kind || *template == kind);
    Some(known.map_or(KEPT, |(.., reason)| reason))
}
