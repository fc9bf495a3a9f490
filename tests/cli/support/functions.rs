//! Functions and layers in moto's Lambda, as Terraform makes them, and as people edit them behind its back.

use std::io::{Cursor, Write};
use std::sync::LazyLock;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{Architecture, FunctionCode, LayerVersionContentInput, Runtime};
use serde_json::Value;

use super::PYTHON;
use super::server::{MOTO, Project, config};

/// Lambda takes no function without a role that it may assume.
static ROLE: LazyLock<String> = LazyLock::new(|| {
    let script = "import boto3, json, sys\n\
        iam = boto3.client('iam', endpoint_url=sys.argv[1], region_name='us-east-1', aws_access_key_id='test', aws_secret_access_key='test')\n\
        allow = {'Effect': 'Allow', 'Principal': {'Service': 'lambda.amazonaws.com'}, 'Action': 'sts:AssumeRole'}\n\
        policy = json.dumps({'Version': '2012-10-17', 'Statement': [allow]})\n\
        print(iam.create_role(RoleName='tests', AssumeRolePolicyDocument=policy)['Role']['Arn'])";
    super::run(&*PYTHON, &["-c", script, &MOTO.endpoint]).trim().to_owned()
});

pub struct Functions<'a> {
    project: &'a Project,
    client: Client,
}

impl<'a> Functions<'a> {
    pub fn of(project: &'a Project) -> Self {
        Functions {
            project,
            client: Client::new(&config(&MOTO.endpoint)),
        }
    }

    /// No two tests have a function of the same name.
    pub fn prefix(&self) -> String {
        format!("{}-", self.project.bucket)
    }

    fn name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix())
    }

    /// Publishes version 1, with the package of a row of `upload --json`.
    pub fn create(&self, name: &str, row: &Value, layers: &[String]) {
        let code = FunctionCode::builder()
            .s3_bucket(&self.project.bucket)
            .s3_key(key(row))
            .build();
        let call = self.client.create_function().function_name(self.name(name));
        let call = call
            .role(&*ROLE)
            .runtime(Runtime::from("python3.13"))
            .handler("app.handler");
        let call = call.architectures(Architecture::X8664).publish(true).code(code);
        MOTO.wait(call.set_layers(Some(layers.to_vec())).send()).unwrap();
    }

    /// Publishes another version.
    pub fn deploy(&self, name: &str, row: &Value) -> String {
        let call = self
            .client
            .update_function_code()
            .function_name(self.name(name))
            .publish(true);
        let call = call.s3_bucket(&self.project.bucket).s3_key(key(row));
        MOTO.wait(call.send()).unwrap().version.unwrap()
    }

    /// As the console's editor does.
    pub fn edit(&self, name: &str) {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("app.py", zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(b"def handler(event, context):\n    return 'edited'\n")
            .unwrap();
        let zip = zip.finish().unwrap().into_inner();
        let call = self.client.update_function_code().function_name(self.name(name));
        MOTO.wait(call.zip_file(Blob::new(zip)).send()).unwrap();
    }

    pub fn set_handler(&self, name: &str, handler: &str) {
        let call = self
            .client
            .update_function_configuration()
            .function_name(self.name(name));
        MOTO.wait(call.handler(handler).send()).unwrap();
    }

    pub fn publish(&self, name: &str) -> String {
        let call = self.client.publish_version().function_name(self.name(name));
        MOTO.wait(call.send()).unwrap().version.unwrap()
    }

    pub fn create_alias(&self, name: &str, alias: &str, version: &str) {
        let call = self.client.create_alias().function_name(self.name(name)).name(alias);
        MOTO.wait(call.function_version(version).send()).unwrap();
    }

    pub fn move_alias(&self, name: &str, alias: &str, version: &str) {
        let call = self.client.update_alias().function_name(self.name(name)).name(alias);
        MOTO.wait(call.function_version(version).send()).unwrap();
    }

    pub fn delete(&self, name: &str) {
        MOTO.wait(self.client.delete_function().function_name(self.name(name)).send())
            .unwrap();
    }

    /// The ARN of a new version of a layer.
    pub fn publish_layer(&self, name: &str, row: &Value) -> String {
        let content = LayerVersionContentInput::builder()
            .s3_bucket(&self.project.bucket)
            .s3_key(key(row))
            .build();
        let call = self.client.publish_layer_version().layer_name(self.name(name));
        MOTO.wait(call.content(content).send())
            .unwrap()
            .layer_version_arn
            .unwrap()
    }
}

/// The key of the package of a row of `upload --json`.
pub fn key(row: &Value) -> String {
    let url = row["store_url"].as_str().unwrap().strip_prefix("s3://").unwrap();
    url.split_once('/').unwrap().1.to_owned()
}

/// A source that no other test has: Lambda tells packages apart by their bytes alone.
pub fn upload(project: &Project, number: usize) -> Value {
    project.dir.write("code/app.py", source(&project.bucket, number));
    project.command(["upload", "app", "--json"]).ok().json()[0].clone()
}

pub fn source(unique: &str, number: usize) -> String {
    format!("def handler(event, context):\n    return \"{unique} {number}\"\n")
}
