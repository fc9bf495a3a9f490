//! What Parameter Store refuses and moto lets through: for [`super::proxy::Proxy::before`].

use std::collections::HashMap;
use std::sync::Mutex;

use serde_json::Value;

use super::http::Request;
use super::proxy::Action;

const JSON: &str = "Content-Type: application/x-amz-json-1.1\r\n";

/// As Parameter Store says it, found in reports of its users:
/// <https://github.com/github-aws-runners/terraform-aws-github-runner/issues/3815>
const TOO_LARGE_FOR_STANDARD: &str = r#"{"__type": "ValidationException", "message": "Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, see https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"}"#;
const TOO_LARGE: &str = r#"{"__type": "ValidationException", "message": "The specified parameter value is too large. Advanced-tier parameters support a maximum parameter value of 8192 characters."}"#;
/// <https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/ssm/parameter.go>
const NO_WAY_BACK: &str = r#"{"__type": "ValidationException", "message": "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced parameter and recreate it as a standard parameter. Be aware that standard parameters have a value limit of 4096 characters."}"#;
/// It comes without a message: <https://github.com/airbnb/streamalert/issues/682>
const TOO_MANY_UPDATES: &str = r#"{"__type": "TooManyUpdates"}"#;

/// In bytes: the documentation counts KB, the errors count characters, and ours are the same where they matter.
/// <https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html>
const STANDARD_BYTES: usize = 4096;
const ADVANCED_BYTES: usize = 8192;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tier {
    Standard,
    Advanced,
}

/// Sizes and tiers of parameters that are written through it.
#[derive(Default)]
pub struct SsmLimits {
    tiers: Mutex<HashMap<String, Tier>>,
}

impl SsmLimits {
    pub fn decide(&self, request: &Request) -> Action {
        match request.operation().as_str() {
            "PutParameter" => self.put(request),
            "DeleteParameter" | "DeleteParameters" => {
                let body = json(request);
                let mut tiers = self.tiers.lock().unwrap();
                for name in names(&body) {
                    tiers.remove(name);
                }
                Action::Forward
            }
            _ => Action::Forward,
        }
    }

    fn put(&self, request: &Request) -> Action {
        let mut body = json(request);
        let name = body["Name"].as_str().unwrap().to_owned();
        let size = body["Value"].as_str().unwrap().len();
        let mut tiers = self.tiers.lock().unwrap();
        let current = tiers.get(&name).copied();
        let tier = match body["Tier"].as_str() {
            None | Some("Standard") => Tier::Standard,
            Some("Advanced") => Tier::Advanced,
            Some("Intelligent-Tiering") if size > STANDARD_BYTES || current == Some(Tier::Advanced) => Tier::Advanced,
            Some("Intelligent-Tiering") => Tier::Standard,
            Some(other) => panic!("tier {other}"),
        };
        if tier == Tier::Standard && current == Some(Tier::Advanced) {
            return Action::Answer(400, JSON, NO_WAY_BACK);
        }
        if tier == Tier::Standard && size > STANDARD_BYTES {
            return Action::Answer(400, JSON, TOO_LARGE_FOR_STANDARD);
        }
        if size > ADVANCED_BYTES {
            return Action::Answer(400, JSON, TOO_LARGE);
        }
        tiers.insert(name, tier);
        // The service stores the tier that it picked; moto stores what it is told.
        body["Tier"] = match tier {
            Tier::Standard => "Standard".into(),
            Tier::Advanced => "Advanced".into(),
        };
        Action::ForwardBody(body.to_string().into_bytes())
    }
}

/// Parameter Store that takes no value: somebody else always writes too.
pub fn too_many_updates(request: &Request) -> Action {
    match request.operation().as_str() {
        "PutParameter" => Action::Answer(400, JSON, TOO_MANY_UPDATES),
        _ => Action::Forward,
    }
}

fn json(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

/// Of `DeleteParameter`, or of `DeleteParameters`.
fn names(body: &Value) -> impl Iterator<Item = &str> {
    let many = body["Names"].as_array().into_iter().flatten();
    body["Name"].as_str().into_iter().chain(many.filter_map(Value::as_str))
}
