//! Real servers of AWS's services on free ports, one of each kind for the whole run.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use tokio::runtime::Runtime;

use super::{Dir, TestCommand, tool};
use crate::faults::wait_for;

const ACCESS_KEY: &str = "test";
const SECRET_KEY: &str = "test-secret";
pub(super) const REGION: &str = "us-east-1";

pub struct Server {
    pub endpoint: String,
    runtime: Runtime,
    pub(super) client: Client,
    /// Ends with this process: the shell around the server waits for the end of its stdin.
    _process: Child,
}

pub static MOTO: LazyLock<Server> = LazyLock::new(|| {
    Server::start(|port| {
        let mut command = vec![tool("moto").display().to_string()];
        command.extend(["-H", "127.0.0.1", "-p", port].map(str::to_owned));
        command
    })
});

pub static VERSITYGW: LazyLock<Server> = LazyLock::new(|| {
    let root = fresh_directory("versitygw");
    let iam = fresh_directory("versitygw-iam");
    Server::start(move |port| {
        let mut command = vec![tool("versitygw").display().to_string()];
        let address = format!("127.0.0.1:{port}");
        command.extend(
            [
                "--quiet", "--access", ACCESS_KEY, "--secret", SECRET_KEY, "--port", &address,
            ]
            .map(str::to_owned),
        );
        command.extend(["--iam-dir", iam.to_str().unwrap(), "posix", root.to_str().unwrap()].map(str::to_owned));
        command
    })
});

/// On the disk of the build: a temporary file system may lack the extended attributes that versitygw keeps metadata in.
fn fresh_directory(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if directory.exists() {
        std::fs::remove_dir_all(&directory).unwrap();
    }
    std::fs::create_dir_all(&directory).unwrap();
    directory
}

/// Of a client in the tests' own process, to a server or to a proxy before it.
pub fn config(endpoint: &str) -> SdkConfig {
    let credentials = Credentials::new(ACCESS_KEY, SECRET_KEY, None, None, "tests");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .region(Region::new(REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(endpoint)
        .build()
}

impl Server {
    fn start(command: impl Fn(&str) -> Vec<String>) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new("sh")
            .args(["-c", "\"$@\" >&2 & trap 'kill $!' EXIT; cat >/dev/null", "sh"])
            .args(command(&port.to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_for("the server", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        let endpoint = format!("http://127.0.0.1:{port}");
        let config = aws_sdk_s3::config::Builder::from(&config(&endpoint))
            .force_path_style(true)
            .build();
        Server {
            endpoint,
            runtime: Runtime::new().unwrap(),
            client: Client::from_conf(config),
            _process: process,
        }
    }

    /// Waits for a call of a client.
    pub fn wait<T>(&self, call: impl Future<Output = T>) -> T {
        self.runtime.block_on(call)
    }

    pub fn s3(&self) -> &Client {
        &self.client
    }

    /// A new bucket, and a project that stores there under a prefix.
    pub fn project(&'static self) -> Project {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let bucket = format!("packages-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        self.runtime
            .block_on(self.client.create_bucket().bucket(&bucket).send())
            .unwrap();
        Project {
            server: self,
            endpoint: self.endpoint.clone(),
            bucket,
            dir: Dir::with_app(),
        }
    }
}

/// A project whose store is `s3://{bucket}/some/prefix`.
pub struct Project {
    pub server: &'static Server,
    /// The server's own, or that of a proxy before it.
    pub endpoint: String,
    pub bucket: String,
    pub dir: Dir,
}

impl Project {
    pub fn store(&self) -> String {
        format!("s3://{}/some/prefix", self.bucket)
    }

    pub fn command<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> TestCommand {
        self.dir
            .command(args)
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
            .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
            .env("AWS_ENDPOINT_URL", &self.endpoint)
            .env("LAMBDA_PACK_STORE", self.store())
    }

    pub fn keys(&self) -> Vec<String> {
        let call = self.server.client.list_objects_v2().bucket(&self.bucket);
        self.server.runtime.block_on(async {
            let mut pages = call.into_paginator().send();
            let mut keys = Vec::new();
            while let Some(page) = pages.next().await {
                keys.extend(
                    page.unwrap()
                        .contents()
                        .iter()
                        .map(|object| object.key().unwrap().to_owned()),
                );
            }
            keys
        })
    }

    /// Keys below one of the store's parts: `packages`, `manifests` or `records`.
    pub fn keys_of(&self, part: &str) -> Vec<String> {
        let prefix = format!("some/prefix/{part}/");
        self.keys().into_iter().filter(|key| key.starts_with(&prefix)).collect()
    }

    pub fn get(&self, key: &str) -> Vec<u8> {
        let call = self.server.client.get_object().bucket(&self.bucket).key(key).send();
        self.server
            .runtime
            .block_on(async { call.await.unwrap().body.collect().await.unwrap().to_vec() })
    }

    pub fn head(&self, key: &str) -> HeadObjectOutput {
        let call = self.server.client.head_object().bucket(&self.bucket).key(key).send();
        self.server.runtime.block_on(call).unwrap()
    }

    /// As something else would write it: no metadata, no SHA-256.
    pub fn overwrite(&self, key: &str, content: Vec<u8>) {
        let call = self
            .server
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .body(ByteStream::from(content));
        self.server.runtime.block_on(call.send()).unwrap();
    }

    /// As somebody would who wants it to pass for what was there: its metadata stays.
    pub fn forge(&self, key: &str, content: Vec<u8>) {
        let metadata = self.head(key).metadata().cloned();
        let call = self.server.client.put_object().bucket(&self.bucket).key(key);
        let call = call.set_metadata(metadata).body(ByteStream::from(content));
        self.server.runtime.block_on(call.send()).unwrap();
    }

    pub fn delete(&self, key: &str) {
        let call = self.server.client.delete_object().bucket(&self.bucket).key(key).send();
        self.server.runtime.block_on(call).unwrap();
    }

    pub fn multipart_uploads(&self) -> usize {
        let call = self.server.client.list_multipart_uploads().bucket(&self.bucket).send();
        self.server.runtime.block_on(call).unwrap().uploads().len()
    }
}
