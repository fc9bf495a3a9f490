//! What isn't known of a template before it is deployed, and how it is shown.

use std::fmt;

/// What is known only when it is deployed, or is not to be known here. It holds names alone, never a text that somebody wrote
/// as a value: so it can be shown.
#[derive(Clone, Debug, Default)]
pub struct Unknown {
    pub tool: Tool,
    /// What it refers to, such as `data.archive_file.orders.output_path`, a part each; empty for an expression of no name.
    pub reference: Vec<Part>,
    pub says: Says,
    /// Where it is kept, as CloudFormation spells it: `{{resolve:ssm:/shop/stripe}}`.
    pub kept: Option<String>,
    /// Which key of the JSON is meant that is kept there.
    pub key: Option<String>,
}

/// What is said of a value that isn't known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Says {
    #[default]
    Nothing,
    /// It is marked as a secret.
    Secret,
    /// It is the name, ARN or address of something, so that it is none.
    Name,
    /// What it refers to should be in the file, and isn't.
    Missing,
}

/// Whose spelling a reference has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tool {
    #[default]
    Terraform,
    CloudFormation,
    Serverless,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Name(String),
    /// `["orders"]` or `[0]`; `None` where that isn't known.
    Index(Option<String>),
    /// `("app.py")`, where that is one text that is known.
    Argument(Option<String>),
}

impl Unknown {
    pub fn of(tool: Tool, reference: Vec<Part>) -> Self {
        Unknown {
            tool,
            reference,
            ..Unknown::default()
        }
    }

    /// Why it isn't known, as the beginning of a sentence.
    pub fn reason(&self) -> String {
        let what = match self.reference.is_empty() {
            true => "it".to_owned(),
            false => format!("`{self}`"),
        };
        match self.says {
            Says::Secret => format!("{what} is marked as a secret"),
            Says::Missing => format!("{what} refers to what isn't there"),
            Says::Nothing | Says::Name => format!("{what} is known only when it is deployed"),
        }
    }

    /// Whether it is read from where secrets are kept, but nobody knows where in it.
    pub fn is_kept_elsewhere(&self) -> bool {
        let reads =
            |name: &&str| name.starts_with("aws_secretsmanager_secret") || name.starts_with("aws_ssm_parameter");
        self.kept.is_none() && self.names().get(1).is_some_and(reads) && self.names()[0] == "data"
    }

    /// The first index in what it refers to that is known.
    pub fn index(&self) -> Option<&str> {
        self.reference.iter().find_map(|part| match part {
            Part::Index(index) => index.as_deref(),
            Part::Name(_) | Part::Argument(_) => None,
        })
    }

    /// The names in what it refers to: `["data", "archive_file", "orders", "output_path"]`.
    pub fn names(&self) -> Vec<&str> {
        let names = self.reference.iter().filter_map(|part| match part {
            Part::Name(name) => Some(name.as_str()),
            Part::Index(_) | Part::Argument(_) => None,
        });
        names.collect()
    }
}

/// Without what stands in brackets: that may be any text.
impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.names();
        match self.tool {
            Tool::Terraform => {
                for (index, part) in self.reference.iter().enumerate() {
                    match part {
                        Part::Name(name) if index > 0 => write!(f, ".{name}")?,
                        Part::Name(name) => f.write_str(name)?,
                        Part::Index(_) => f.write_str("[…]")?,
                        Part::Argument(_) => f.write_str("(…)")?,
                    }
                }
                Ok(())
            }
            Tool::CloudFormation => write!(f, "!{}", names.join(" ").trim_start_matches("Fn::")),
            Tool::Serverless => write!(f, "${{{}}}", names.join(":")),
        }
    }
}
