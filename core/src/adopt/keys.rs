//! Which keys definitions have, and what each format calls them: one table for all. What only one format has stands beside how
//! it is read.

/// Whose keys they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `aws_lambda_function` and `aws_lambda_layer_version`: arguments and blocks.
    Terraform,
    /// `terraform-aws-modules/lambda/aws`: inputs.
    Registry,
    /// SAM and CloudFormation: properties of functions and layers.
    Template,
    /// `serverless.yml`: keys of functions and layers.
    Serverless,
}

/// How a value is carried over.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    /// As it is, under this key.
    As(&'static str),
    /// As one member of an object: its key, and the name within.
    Member(&'static str, &'static str),
    /// As the object of this key, whose members have other names: theirs and ours.
    Object(&'static str, &'static [(&'static str, &'static str)]),
    /// As a mapping of texts of this key, each looked at by itself; it may stand within, under this name.
    Texts(&'static str, Option<&'static str>),
    /// As the architectures of a layer.
    LayerArchitectures,
}

/// What becomes of a key.
pub enum Fate {
    Carried(Way),
    /// It is read elsewhere, or says nothing that a definition or lambda-deploy-module doesn't know by itself.
    Silent,
    /// It is left behind, and why.
    Noted(&'static str),
    /// Nothing is known of it.
    Unknown,
}

/// What a format has beside [`KEYS`].
pub struct Others {
    pub format: Format,
    /// What is left behind, and why.
    pub noted: &'static [(&'static [&'static str], &'static str)],
    pub silent: &'static [&'static str],
}

/// No key of this format.
const NONE: &str = "";

/// In the order of [`Format`].
const KEYS: [(Way, [&str; 4]); 29] = {
    use Way::{As, LayerArchitectures, Member, Object, Texts};
    [
        (
            As("architectures"),
            ["architectures", "architectures", "Architectures", "architecture"],
        ),
        (
            As("compatible_runtimes"),
            [
                "compatible_runtimes",
                "compatible_runtimes",
                "CompatibleRuntimes",
                "compatibleRuntimes",
            ],
        ),
        (
            As("description"),
            ["description", "description", "Description", "description"],
        ),
        (As("handler"), ["handler", "handler", "Handler", "handler"]),
        (
            As("kms_key_arn"),
            ["kms_key_arn", "kms_key_arn", "KmsKeyArn", "kmsKeyArn"],
        ),
        (
            As("memory_size"),
            ["memory_size", "memory_size", "MemorySize", "memorySize"],
        ),
        (As("runtime"), ["runtime", "runtime", "Runtime", "runtime"]),
        (As("timeout"), ["timeout", "timeout", "Timeout", "timeout"]),
        (
            As("reserved_concurrent_executions"),
            [
                "reserved_concurrent_executions",
                "reserved_concurrent_executions",
                "ReservedConcurrentExecutions",
                "reservedConcurrency",
            ],
        ),
        (
            LayerArchitectures,
            [
                "compatible_architectures",
                "compatible_architectures",
                "CompatibleArchitectures",
                "compatibleArchitectures",
            ],
        ),
        (
            Texts("environment", Some("variables")),
            ["environment", NONE, NONE, NONE],
        ),
        (
            Texts("environment", Some("Variables")),
            [NONE, NONE, "Environment", NONE],
        ),
        (
            Texts("environment", None),
            [NONE, "environment_variables", NONE, "environment"],
        ),
        (Texts("tags", None), ["tags", "tags", "Tags", "tags"]),
        (As("ephemeral_storage"), ["ephemeral_storage", NONE, NONE, NONE]),
        (
            Member("ephemeral_storage", "size"),
            [NONE, "ephemeral_storage_size", NONE, "ephemeralStorageSize"],
        ),
        (
            Object("ephemeral_storage", &[("Size", "size")]),
            [NONE, NONE, "EphemeralStorage", NONE],
        ),
        (As("tracing_config"), ["tracing_config", NONE, NONE, NONE]),
        (
            Member("tracing_config", "mode"),
            [NONE, "tracing_mode", "Tracing", "tracing"],
        ),
        (
            Object("tracing_config", &[("Mode", "mode")]),
            [NONE, NONE, "TracingConfig", NONE],
        ),
        (As("dead_letter_config"), ["dead_letter_config", NONE, NONE, NONE]),
        (
            Member("dead_letter_config", "target_arn"),
            [NONE, "dead_letter_target_arn", NONE, "onError"],
        ),
        // `DeadLetterQueue` is SAM's.
        (
            Object("dead_letter_config", &[("TargetArn", "target_arn")]),
            [NONE, NONE, "DeadLetterConfig", NONE],
        ),
        (
            Object("dead_letter_config", &[("TargetArn", "target_arn")]),
            [NONE, NONE, "DeadLetterQueue", NONE],
        ),
        (As("vpc_config"), ["vpc_config", NONE, NONE, NONE]),
        (Member("vpc_config", "subnet_ids"), [NONE, "vpc_subnet_ids", NONE, NONE]),
        (
            Member("vpc_config", "security_group_ids"),
            [NONE, "vpc_security_group_ids", NONE, NONE],
        ),
        (
            Object(
                "vpc_config",
                &[("SubnetIds", "subnet_ids"), ("SecurityGroupIds", "security_group_ids")],
            ),
            [NONE, NONE, "VpcConfig", NONE],
        ),
        (
            Object(
                "vpc_config",
                &[("subnetIds", "subnet_ids"), ("securityGroupIds", "security_group_ids")],
            ),
            [NONE, NONE, NONE, "vpc"],
        ),
    ]
};

impl Others {
    pub fn fate(&self, key: &str) -> Fate {
        let carried = KEYS
            .iter()
            .find(|(_, names)| key != NONE && names[self.format as usize] == key);
        let noted = || self.noted.iter().find(|(keys, _)| keys.contains(&key));
        match (carried, noted()) {
            (Some((way, _)), _) => Fate::Carried(*way),
            (None, Some((_, reason))) => Fate::Noted(reason),
            (None, None) if self.silent.contains(&key) => Fate::Silent,
            (None, None) => Fate::Unknown,
        }
    }
}
