//! The `.tf` files of a directory, which Terraform reads as one.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hcl_edit::Span;
use hcl_edit::expr::Expression;
use hcl_edit::structure::{Attribute, Block, Body};

use super::super::files::Repository;
use super::super::value::Place;
use crate::{Error, Result};

pub struct Module {
    pub directory: PathBuf,
    files: Vec<TfFile>,
    /// `terraform.tfvars` and `*.auto.tfvars`, which Terraform reads by itself, in its order: the last one wins.
    values: Vec<TfFile>,
}

pub struct TfFile {
    pub path: Arc<Path>,
    body: Body,
    /// Where each line begins.
    lines: Vec<usize>,
}

/// A block with its file, which says what its spans mean.
#[derive(Clone, Copy)]
pub struct Located<'a> {
    pub file: &'a TfFile,
    pub block: &'a Block,
}

/// An expression with its file.
#[derive(Clone, Copy)]
pub struct Expr<'a> {
    pub file: &'a TfFile,
    pub expr: &'a Expression,
}

impl TfFile {
    /// `shown` is its path in messages.
    pub fn parse(shown: &Path, text: &str) -> Result<Self> {
        let body = text.parse::<Body>().map_err(|error| {
            let at = error.location();
            let place = format!("{}:{}:{}", shown.display(), at.line(), at.column());
            Error::invalid(format!("{place}: not Terraform's language: {}", error.message()))
        })?;
        let breaks = text.match_indices('\n').map(|(index, _)| index + 1);
        Ok(TfFile {
            path: shown.into(),
            body,
            lines: [0].into_iter().chain(breaks).collect(),
        })
    }

    fn place(&self, span: Option<Range<usize>>) -> Place {
        let start = span.map_or(0, |span| span.start);
        Place {
            file: Arc::clone(&self.path),
            line: self.lines.partition_point(|line| *line <= start),
        }
    }

    /// The attributes of the file itself: of `terraform.tfvars`.
    pub fn attribute(&self, name: &str) -> Option<Expr<'_>> {
        let attribute = self.body.get_attribute(name)?;
        Some(Expr {
            file: self,
            expr: &attribute.value,
        })
    }
}

impl<'a> Expr<'a> {
    pub fn place(self) -> Place {
        self.file.place(self.expr.span())
    }

    /// Another expression of the same file.
    pub fn with(self, expr: &'a Expression) -> Self {
        Expr { expr, ..self }
    }
}

impl<'a> Located<'a> {
    pub fn place(self) -> Place {
        self.file.place(self.block.span())
    }

    pub fn label(self, index: usize) -> &'a str {
        self.block.labels.get(index).map_or("", |label| label.as_str())
    }

    pub fn attribute(self, name: &str) -> Option<Expr<'a>> {
        let attribute = self.block.body.get_attribute(name)?;
        Some(Expr {
            file: self.file,
            expr: &attribute.value,
        })
    }

    pub fn attributes(self) -> impl Iterator<Item = (&'a Attribute, Place)> {
        let attributes = self.block.body.attributes();
        attributes.map(move |attribute| (attribute, self.file.place(attribute.span())))
    }

    /// The blocks in it.
    pub fn blocks(self) -> impl Iterator<Item = Located<'a>> {
        let blocks = self.block.body.blocks();
        blocks.map(move |block| Located { block, ..self })
    }
}

impl Module {
    /// `files` are the directory's, with their paths in messages.
    pub fn read(directory: &Path, files: &[(PathBuf, PathBuf)], repository: &Repository) -> Result<Self> {
        let mut parsed = BTreeMap::new();
        for (path, shown) in files {
            parsed.insert(path.clone(), TfFile::parse(shown, &repository.text(path)?)?);
        }
        let (values, files) = parsed
            .into_iter()
            .partition::<Vec<_>, _>(|(path, _)| path.extension().is_some_and(|extension| extension == "tfvars"));
        // `terraform.tfvars` counts least: https://developer.hashicorp.com/terraform/language/values/variables
        let (first, last): (Vec<_>, Vec<_>) = values
            .into_iter()
            .partition(|(path, _)| path.ends_with("terraform.tfvars"));
        Ok(Module {
            directory: directory.to_owned(),
            files: files.into_iter().map(|(_, file)| file).collect(),
            values: first.into_iter().chain(last).map(|(_, file)| file).collect(),
        })
    }

    /// The blocks of this kind, in the order of files and lines.
    pub fn blocks<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = Located<'a>> {
        let files = self.files.iter();
        files.flat_map(move |file| file.body.get_blocks(kind).map(move |block| Located { file, block }))
    }

    /// The resource, data source, variable or module of these labels.
    pub fn block<'a>(&'a self, kind: &'a str, labels: &[&str]) -> Option<Located<'a>> {
        self.blocks(kind).find(|found| found.block.has_exact_labels(labels))
    }

    /// Whether functions or layers are made in it, or in modules that it calls.
    pub fn may_have_functions(&self) -> bool {
        let mut resources = self.blocks("resource");
        resources.any(|block| block.label(0).starts_with("aws_lambda_")) || self.blocks("module").next().is_some()
    }

    pub fn local(&self, name: &str) -> Option<Expr<'_>> {
        self.blocks("locals").find_map(|locals| locals.attribute(name))
    }

    /// What a variable is where nobody says otherwise.
    pub fn variable(&self, name: &str) -> Option<Expr<'_>> {
        let given = self.values.iter().rev().find_map(|file| file.attribute(name));
        given.or_else(|| self.block("variable", &[name])?.attribute("default"))
    }
}
