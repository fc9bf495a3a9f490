//! The document: CycloneDX 1.6, <https://cyclonedx.org/docs/1.6/json/>. It has no time, and its serial number is derived, so
//! that it is the same whenever and wherever it is made.

use serde::Serialize;

use super::{Checksum, License, Part, Sbom};
use crate::digest::{Algorithm, Digest};
use crate::function::{Function, Kind};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    bom_format: &'static str,
    spec_version: &'static str,
    serial_number: String,
    version: u32,
    metadata: Metadata<'a>,
    components: Vec<Component<'a>>,
    dependencies: Vec<Dependency<'a>>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    lifecycles: [Lifecycle; 1],
    tools: Tools<'a>,
    component: Component<'a>,
}

#[derive(Serialize)]
struct Lifecycle {
    phase: &'static str,
}

#[derive(Serialize)]
struct Tools<'a> {
    components: [Component<'a>; 1],
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Component<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "bom-ref", skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(skip_serializing_if = "no_checksums")]
    hashes: Vec<&'a Checksum>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    licenses: &'a [License],
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_references: Option<[ExternalReference<'a>; 1]>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property<'a>>,
}

fn no_checksums(checksums: &[&Checksum]) -> bool {
    checksums.is_empty()
}

#[derive(Serialize)]
struct ExternalReference<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    url: &'a str,
    comment: &'static str,
    hashes: Vec<&'a Checksum>,
}

#[derive(Serialize)]
struct Property<'a> {
    name: &'static str,
    value: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Dependency<'a> {
    #[serde(rename = "ref")]
    reference: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    depends_on: Vec<&'a str>,
}

impl Sbom {
    /// The document for a function's package; the same bytes for the same source hash.
    pub fn to_json(&self, function: &Function, source_hash: &Digest) -> Vec<u8> {
        let name = function.name.as_str();
        let source_hash = source_hash.to_hex();
        let parts = self.parts.iter().map(|(purl, part)| Dependency {
            reference: purl,
            depends_on: part.needs.iter().map(String::as_str).collect(),
        });
        let of_function = Dependency {
            reference: name,
            depends_on: self.top().into_iter().collect(),
        };
        let document = Document {
            schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
            bom_format: "CycloneDX",
            spec_version: "1.6",
            serial_number: serial_number(name, &source_hash),
            version: 1,
            metadata: Metadata {
                lifecycles: [Lifecycle { phase: "build" }],
                // Without its version: an upgrade of the tool changes no document.
                tools: Tools {
                    components: [Component {
                        kind: "application",
                        name: "lambda-pack",
                        ..Component::default()
                    }],
                },
                component: of_package(function, &source_hash),
            },
            components: self.parts.iter().map(|(purl, part)| of_part(purl, part)).collect(),
            dependencies: std::iter::once(of_function).chain(parts).collect(),
        };
        let mut json = serde_json::to_vec_pretty(&document).expect("strings and numbers");
        json.push(b'\n');
        json
    }
}

fn of_package<'a>(function: &'a Function, source_hash: &'a str) -> Component<'a> {
    let definition = &function.definition;
    let runtime = definition.runtime.as_ref().map(|runtime| Property {
        name: "lambda-pack:runtime",
        value: runtime.as_str(),
    });
    let architecture = Property {
        name: "lambda-pack:architecture",
        value: definition.architectures.one().name(),
    };
    Component {
        kind: match definition.kind {
            Kind::Function => "application",
            Kind::Layer => "library",
        },
        reference: Some(function.name.as_str()),
        name: function.name.as_str(),
        version: Some(source_hash),
        properties: runtime.into_iter().chain([architecture]).collect(),
        ..Component::default()
    }
}

fn of_part<'a>(purl: &'a str, part: &'a Part) -> Component<'a> {
    let distribution = ExternalReference {
        kind: "distribution",
        url: purl,
        comment: "one of the files that the lock file allows",
        hashes: part.one_of.iter().collect(),
    };
    Component {
        kind: "library",
        reference: Some(purl),
        group: part.group.as_deref(),
        name: &part.name,
        version: part.version.as_deref(),
        hashes: part.checksums.iter().collect(),
        licenses: &part.licenses,
        purl: Some(purl),
        external_references: (!part.one_of.is_empty()).then_some([distribution]),
        properties: Vec::new(),
    }
}

/// A UUID of version 8 (RFC 9562): one for each function and source hash.
fn serial_number(name: &str, source_hash: &str) -> String {
    let digest = Algorithm::Blake3.hash(format!("{name}\0{source_hash}").as_bytes());
    let mut bytes: [u8; 16] = digest.as_bytes()[..16].try_into().expect("16 bytes of 32");
    bytes[6] = bytes[6] & 0x0F | 0x80;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    let digits = hex::encode(bytes);
    format!(
        "urn:uuid:{}-{}-{}-{}-{}",
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..]
    )
}
