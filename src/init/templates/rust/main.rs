//! Greets whoever the event names.

use std::env;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let greeting = env::var("GREETING").unwrap_or_else(|_unset| "Hello".to_owned());
    let name = event.payload["name"].as_str().unwrap_or("world");
    Ok(json!({ "message": format!("{greeting}, {name}!") }))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::run(service_fn(handle)).await
}
