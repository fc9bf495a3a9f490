//! The records of a bundle in SSM Parameter Store.

use std::collections::HashMap;

use aws_sdk_ssm::Client;
use aws_sdk_ssm::error::ProvideErrorMetadata;
use aws_sdk_ssm::types::{ParameterTier, ParameterType};
use lambda_pack_core::bundle::{Layout, Metadata, ParameterNames, Status};
use lambda_pack_core::{Error, Result};
use sha2::{Digest as _, Sha256};

use super::Place;
use crate::aws::bucket::jittered;
use crate::aws::{self, Connection};

/// What a parameter of the standard tier holds, in bytes; of the advanced tier, twice as much.
/// <https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html>
const STANDARD_BYTES: usize = 4096;
pub const ADVANCED_BYTES: usize = 8192;

/// Tries of a write that SSM answers with `TooManyUpdates`: somebody else changes the same parameter.
const ATTEMPTS: u32 = 6;

pub struct Records<'a> {
    connection: &'a Connection,
    client: Client,
    pub names: ParameterNames,
    layout: Layout,
}

/// The records of one module, read at one time.
#[derive(Debug, Default)]
pub struct Read {
    pub md5: Option<String>,
    pub metadata: Option<Metadata>,
    pub status: Option<Status>,
    pub outputs: Option<String>,
    /// What is wrong with a record that can't be read.
    pub damaged: Option<String>,
}

impl Read {
    pub fn outputs_sha256(&self) -> Option<String> {
        self.outputs.as_deref().map(sha256_hex)
    }
}

pub fn sha256_hex(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

impl<'a> Records<'a> {
    pub fn of(place: &Place, connection: &'a Connection) -> Self {
        Records {
            connection,
            client: Client::new(&connection.config),
            names: place.layout.parameters(&place.identity),
            layout: place.layout,
        }
    }

    /// All four, in one request.
    pub fn read(&self) -> Result<Read> {
        let ParameterNames {
            md5,
            metadata,
            outputs,
            status,
        } = self.names.clone();
        let request = self
            .client
            .get_parameters()
            .set_names(Some(vec![
                md5.clone(),
                metadata.clone(),
                outputs.clone(),
                status.clone(),
            ]))
            // Who moves over may have secure strings there.
            .with_decryption(true);
        let answer = self.connection.call(async move {
            let answer = request.send().await;
            answer.map_err(|error| aws::explain(&error, "read the records", &metadata))
        })?;
        let mut values: HashMap<String, String> = HashMap::new();
        for parameter in answer.parameters.unwrap_or_default() {
            if let (Some(name), Some(value)) = (parameter.name, parameter.value) {
                values.insert(name, value);
            }
        }
        let mut read = Read {
            outputs: values.remove(&outputs),
            ..Read::default()
        };
        if let Some(text) = values.remove(&md5) {
            read.md5 = self.layout.md5_in(&text);
            if read.md5.is_none() {
                read.damaged = Some(format!("`{md5}` holds no digest"));
            }
        }
        if let Some(text) = values.remove(&self.names.metadata) {
            match Metadata::parse(&self.names.metadata, &text) {
                Ok(metadata) => read.metadata = Some(metadata),
                Err(error) => read.damaged = Some(error.message().to_owned()),
            }
        }
        if let Some(text) = values.remove(&status) {
            match Status::parse(&status, &text) {
                Ok(status) => read.status = Some(status),
                Err(error) => read.damaged = Some(error.message().to_owned()),
            }
        }
        Ok(read)
    }

    /// Everything whose name starts so.
    pub fn below(connection: &Connection, path: &str) -> Result<Vec<(String, String)>> {
        let pages = Client::new(&connection.config)
            .get_parameters_by_path()
            .path(path.trim_end_matches('/'))
            .recursive(true)
            .with_decryption(true)
            .into_paginator()
            .send();
        let place = path.to_owned();
        connection.call(async move {
            let mut pages = pages;
            let mut found = Vec::new();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| aws::explain(&error, "list", &place))?;
                let parameters = page.parameters.unwrap_or_default().into_iter();
                found.extend(parameters.filter_map(|it| Some((it.name?, it.value?))));
            }
            Ok(found)
        })
    }

    pub fn write_md5(&self, md5: &str) -> Result<()> {
        self.write(&self.names.md5, &self.layout.md5_text(md5))
    }

    pub fn write_metadata(&self, metadata: &Metadata) -> Result<()> {
        self.write(&self.names.metadata, &to_json(metadata))
    }

    pub fn write_status(&self, status: &Status) -> Result<()> {
        self.write(&self.names.status, &to_json(status))
    }

    pub fn write_outputs(&self, text: &str) -> Result<()> {
        self.write(&self.names.outputs, text)
    }

    fn write(&self, name: &str, value: &str) -> Result<()> {
        let size = value.len();
        if size > ADVANCED_BYTES {
            return Err(Error::invalid(format!(
                "the record `{name}` has {size} bytes; SSM takes {ADVANCED_BYTES}"
            )));
        }
        let tier = match size <= STANDARD_BYTES {
            true => ParameterTier::Standard,
            false => ParameterTier::IntelligentTiering,
        };
        let request = self
            .client
            .put_parameter()
            .name(name)
            .value(value)
            .r#type(ParameterType::String)
            .overwrite(true);
        let name = name.to_owned();
        self.connection.call(async move {
            let mut tier = tier;
            let mut attempt = 1;
            loop {
                let error = match request.clone().tier(tier.clone()).send().await {
                    Ok(_) => return Ok(()),
                    Err(error) => error,
                };
                match error.code() {
                    Some("TooManyUpdates") if attempt < ATTEMPTS => {
                        tracing::debug!("{name}: somebody else changes it too; attempt {attempt}");
                        tokio::time::sleep(jittered(attempt)).await;
                        attempt += 1;
                    }
                    // Once advanced, a parameter stays so; Intelligent-Tiering leaves it as it is.
                    Some("ValidationException")
                        if tier == ParameterTier::Standard
                            && error.message().is_some_and(|message| message.contains("downgrade")) =>
                    {
                        tier = ParameterTier::IntelligentTiering;
                    }
                    _ => return Err(aws::explain(&error, "write", &name)),
                }
            }
        })
    }
}

fn to_json(record: &impl serde::Serialize) -> String {
    serde_json::to_string(record).expect("strings and numbers")
}
