//! AWS for code that isn't asynchronous: configuration, a runtime, and calls that the user can interrupt.

use aws_config::SdkConfig;
use lambda_pack_core::{Meter, Result};
use tokio::runtime::{Handle, Runtime};
use tokio::task::JoinHandle;

use super::bucket::Bucket;
use super::{AwsSettings, custom_endpoint};
use crate::network;

/// A connection to AWS: one region, one set of credentials.
pub struct Connection {
    pub config: SdkConfig,
    runtime: Runtime,
    meter: &'static Meter,
}

impl Connection {
    pub fn connect(settings: &AwsSettings, meter: &'static Meter) -> Result<Self> {
        let runtime = network::runtime()?;
        let config = runtime.block_on(network::unless_interrupted(meter, super::load(settings)))?;
        Ok(Connection { config, runtime, meter })
    }

    /// Where the service is, else the region: tells apart what has the same address in two places.
    pub fn place(&self) -> String {
        let region = || self.region().map(str::to_owned);
        custom_endpoint(&self.config).or_else(region).unwrap_or_default()
    }

    pub fn region(&self) -> Option<&str> {
        self.config.region().map(AsRef::as_ref)
    }

    pub fn bucket(&self, name: &str, prefix: &str) -> Bucket {
        Bucket {
            client: super::s3(&self.config),
            name: name.to_owned(),
            prefix: prefix.to_owned(),
            meter: self.meter,
        }
    }

    /// Has a call made by the thread that carries requests, unless the user interrupts it.
    pub fn call<T: Send + 'static>(&self, call: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
        self.call_to_its_end(network::unless_interrupted(self.meter, call))
    }

    /// The same for a call that ends by itself where the user interrupts: what must not be dropped half-way.
    pub fn call_to_its_end<T: Send + 'static>(
        &self,
        call: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        self.join(self.start(call))
    }

    /// For threads that make calls of their own.
    pub fn handle(&self) -> Handle {
        self.runtime.handle().clone()
    }

    /// Has it done meanwhile.
    pub fn start<T: Send + 'static>(&self, call: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.runtime.spawn(call)
    }

    /// What it came to; its panic is ours.
    pub fn join<T>(&self, started: JoinHandle<T>) -> T {
        let ended = self.runtime.block_on(started);
        ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }
}
