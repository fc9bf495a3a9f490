//! What an expression is, as far as it is known before anything is deployed.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hcl_edit::expr::{BinaryOperator, Expression, ObjectKey, Traversal, TraversalOperator, UnaryOperator};
use hcl_edit::template::{Element, Template};

use super::super::value::{Data, Part, Place, Unknown, Value};
use super::functions;
use super::module::{Expr, Located, Module};

/// Locals that name each other end nowhere.
const DEEPEST: usize = 100;

/// A module as it is called: what its variables are.
pub struct Scope<'a> {
    pub module: &'a Module,
    /// The names of the calls that lead here.
    pub calls: Vec<String>,
    /// The directory of the root module, which relative paths start from.
    pub root: &'a Path,
    /// `path.module`, relative to it.
    path: String,
    /// What the call gives; `None` in the root module, whose variables have files.
    inputs: Option<BTreeMap<String, Value>>,
    /// `each.key` and `each.value`.
    each: Option<(String, Value)>,
    depth: Cell<usize>,
}

impl<'a> Scope<'a> {
    pub fn of_root(module: &'a Module) -> Self {
        Scope {
            module,
            calls: Vec::new(),
            root: &module.directory,
            path: ".".to_owned(),
            inputs: None,
            each: None,
            depth: Cell::new(0),
        }
    }

    /// The module that `call` calls, from here.
    pub fn called(&self, call: Located<'_>, path: String, module: &'a Module) -> Self {
        let inputs = call.attributes().map(|(attribute, _)| {
            let expr = Expr {
                file: call.file,
                expr: &attribute.value,
            };
            (attribute.key.to_string(), self.evaluate(expr))
        });
        Scope {
            module,
            calls: self.calls.iter().cloned().chain([call.label(0).to_owned()]).collect(),
            root: self.root,
            path,
            inputs: Some(inputs.collect()),
            each: None,
            depth: Cell::new(0),
        }
    }

    /// The same, for one instance of what has `for_each`.
    pub fn with_each(&self, key: &str, value: Value) -> Self {
        self.with(Some((key.to_owned(), value)))
    }

    /// The same, for a block that has no `for_each` of its own.
    pub fn with_same_each(&self) -> Self {
        self.with(self.each.clone())
    }

    fn with(&self, each: Option<(String, Value)>) -> Self {
        Scope {
            module: self.module,
            calls: self.calls.clone(),
            root: self.root,
            path: self.path.clone(),
            inputs: self.inputs.clone(),
            each,
            depth: Cell::new(0),
        }
    }

    pub fn each_key(&self) -> Option<&str> {
        self.each.as_ref().map(|(key, _)| key.as_str())
    }

    /// A path in the templates, as Terraform reads it.
    pub fn path(&self, text: &str) -> PathBuf {
        self.root.join(text)
    }

    pub fn attribute(&self, block: Located, name: &str) -> Option<Value> {
        let value = self.evaluate(block.attribute(name)?);
        (!value.is_null()).then_some(value)
    }

    pub fn evaluate(&self, expr: Expr) -> Value {
        let place = expr.place();
        if self.depth.get() > DEEPEST {
            return Value::unknown(&place, expr.spelling());
        }
        self.depth.set(self.depth.get() + 1);
        let data = self.data(expr);
        self.depth.set(self.depth.get() - 1);
        Value::new(&place, data.unwrap_or_else(|reference| unknown(expr, reference)))
    }

    /// What isn't known says what it refers to.
    fn data(&self, expr: Expr) -> Result<Data, Vec<Part>> {
        let of = |inner| self.evaluate(expr.with(inner));
        Ok(match expr.expr {
            Expression::Null(_) => Data::Null,
            Expression::Bool(value) => Data::Bool(*value.value()),
            Expression::Number(number) => Data::Number(number.value().to_string()),
            Expression::String(text) => Data::String(text.value().clone()),
            Expression::Array(array) => Data::List(array.iter().map(of).collect()),
            Expression::Object(object) => {
                let mut entries = Vec::<(String, Value)>::new();
                for (key, value) in object.iter() {
                    let key = match key {
                        ObjectKey::Ident(name) => name.to_string(),
                        ObjectKey::Expression(key) => of(key).text().ok_or_else(Vec::new)?,
                    };
                    entries.retain(|(known, _)| *known != key);
                    entries.push((key, of(value.expr())));
                }
                Data::Map(entries)
            }
            Expression::StringTemplate(template) => self.template(expr, template)?,
            Expression::HeredocTemplate(heredoc) => {
                let mut heredoc = heredoc.clone();
                heredoc.dedent();
                self.template(expr, &heredoc.template)?
            }
            Expression::Parenthesis(inner) => of(inner.inner()).known()?,
            Expression::Variable(name) => return Err(vec![Part::Name(name.to_string())]),
            Expression::Conditional(it) => match of(&it.cond_expr).known()? {
                Data::Bool(true) => of(&it.true_expr).known()?,
                Data::Bool(false) => of(&it.false_expr).known()?,
                _ => return Err(Vec::new()),
            },
            Expression::UnaryOp(it) => match (*it.operator.value(), of(&it.expr).known()?) {
                (UnaryOperator::Not, Data::Bool(value)) => Data::Bool(!value),
                (UnaryOperator::Neg, Data::Number(text)) => Data::Number(format!("-{text}")),
                _ => return Err(Vec::new()),
            },
            Expression::BinaryOp(it) => {
                let (left, right) = (of(&it.lhs_expr).known()?, of(&it.rhs_expr).known()?);
                binary(*it.operator.value(), &left, &right).ok_or_else(Vec::new)?
            }
            Expression::FuncCall(call) => {
                let arguments: Vec<Value> = call.args.iter().map(of).collect();
                let name = call.name.name.as_str();
                let result = match call.name.is_namespaced() || call.args.expand_final() {
                    true => None,
                    false => functions::call(name, &arguments),
                };
                result.ok_or_else(|| match (name, arguments.first().and_then(Value::text)) {
                    // A file's content: what matters of it is where it stands.
                    ("file", Some(path)) => vec![Part::Name(name.to_owned()), Part::Index(Some(path))],
                    _ => references(&arguments),
                })?
            }
            Expression::Traversal(traversal) => self.traversal(expr, traversal)?,
            Expression::ForExpr(_) => return Err(Vec::new()),
        })
    }

    fn template(&self, expr: Expr, template: &Template) -> Result<Data, Vec<Part>> {
        if let Some(Element::Interpolation(only)) = template.as_single_element() {
            return self.evaluate(expr.with(&only.expr)).known();
        }
        let mut text = String::new();
        for element in template.iter() {
            match element {
                Element::Literal(literal) => text.push_str(literal.value()),
                Element::Interpolation(inner) => {
                    let value = self.evaluate(expr.with(&inner.expr));
                    match value.text() {
                        Some(part) => text.push_str(&part),
                        None => return Err(value.known().err().unwrap_or_default()),
                    }
                }
                Element::Directive(_) => return Err(Vec::new()),
            }
        }
        Ok(Data::String(text))
    }

    fn traversal(&self, expr: Expr, traversal: &Traversal) -> Result<Data, Vec<Part>> {
        let mut parts = Vec::new();
        for operator in &traversal.operators {
            parts.push(match operator.value() {
                TraversalOperator::GetAttr(name) => Part::Name(name.to_string()),
                TraversalOperator::Index(index) => Part::Index(self.evaluate(expr.with(index)).text()),
                TraversalOperator::LegacyIndex(index) => Part::Index(Some(index.to_string())),
                TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_) => Part::Index(None),
            });
        }
        let (value, rest) = match &traversal.expr {
            Expression::Variable(root) => match self.variable(root.as_str(), &parts, &expr.place()) {
                Some((value, used)) => (value, &parts[used..]),
                None => return Err([Part::Name(root.to_string())].into_iter().chain(parts).collect()),
            },
            inner => (self.evaluate(expr.with(inner)), parts.as_slice()),
        };
        walk(value, rest)
    }

    /// What Terraform's own names stand for, and how many of the parts say so.
    fn variable(&self, root: &str, parts: &[Part], place: &Place) -> Option<(Value, usize)> {
        let Some(Part::Name(name)) = parts.first() else {
            return None;
        };
        let value = match (root, name.as_str()) {
            ("var", name) => match self.inputs.as_ref().and_then(|inputs| inputs.get(name)) {
                Some(value) => value.clone(),
                None => self.evaluate(match &self.inputs {
                    Some(_) => self.module.block("variable", &[name])?.attribute("default")?,
                    None => self.module.variable(name)?,
                }),
            },
            ("local", name) => self.evaluate(self.module.local(name)?),
            ("path", "module") => Value::string(place, self.path.as_str()),
            ("path", "root" | "cwd") => Value::string(place, "."),
            ("each", "key") => Value::string(place, self.each.as_ref()?.0.as_str()),
            ("each", "value") => self.each.as_ref()?.1.clone(),
            _ => return None,
        };
        Some((value, 1))
    }
}

fn unknown(expr: Expr, reference: Vec<Part>) -> Data {
    let text = expr.spelling();
    Data::Unknown(Unknown { text, reference })
}

impl Value {
    /// The data, or what it refers to where that isn't known.
    fn known(self) -> Result<Data, Vec<Part>> {
        match self.data {
            Data::Unknown(unknown) => Err(unknown.reference),
            data => Ok(data),
        }
    }
}

/// What the first of them refers to that refers to anything.
fn references(values: &[Value]) -> Vec<Part> {
    let mut unknown = values.iter().filter_map(Value::first_unknown);
    let first = unknown.find(|unknown| !unknown.reference.is_empty());
    first.map(|unknown| unknown.reference.clone()).unwrap_or_default()
}

/// Goes into a value.
fn walk(mut value: Value, parts: &[Part]) -> Result<Data, Vec<Part>> {
    for (index, part) in parts.iter().enumerate() {
        value = match (value.data, part) {
            (Data::Unknown(unknown), _) => {
                return Err(unknown.reference.into_iter().chain(parts[index..].to_vec()).collect());
            }
            (Data::Map(entries), Part::Name(key) | Part::Index(Some(key))) => {
                let found = entries.into_iter().find(|(name, _)| name == key);
                found.map(|(_, value)| value).ok_or_else(Vec::new)?
            }
            (Data::List(members), Part::Index(Some(index))) => {
                let index = index.parse::<usize>().map_err(|_no_index| Vec::new())?;
                members.into_iter().nth(index).ok_or_else(Vec::new)?
            }
            _ => return Err(Vec::new()),
        };
    }
    value.known()
}

fn binary(operator: BinaryOperator, left: &Data, right: &Data) -> Option<Data> {
    use BinaryOperator as Op;
    let is_equal = || match (left, right) {
        (Data::String(a), Data::String(b)) | (Data::Number(a), Data::Number(b)) => Some(a == b),
        (Data::Bool(a), Data::Bool(b)) => Some(a == b),
        (Data::Null, Data::Null) => Some(true),
        (Data::Null, _) | (_, Data::Null) => Some(false),
        _ => None,
    };
    let numbers = || match (left, right) {
        (Data::Number(a), Data::Number(b)) => Some((a.parse::<i64>().ok()?, b.parse::<i64>().ok()?)),
        _ => None,
    };
    let calculated = |calculate: fn(i64, i64) -> Option<i64>| {
        let (a, b) = numbers()?;
        Some(Data::Number(calculate(a, b)?.to_string()))
    };
    match (operator, left, right) {
        (Op::Eq, ..) => is_equal().map(Data::Bool),
        (Op::NotEq, ..) => is_equal().map(|equal| Data::Bool(!equal)),
        (Op::And, Data::Bool(a), Data::Bool(b)) => Some(Data::Bool(*a && *b)),
        (Op::Or, Data::Bool(a), Data::Bool(b)) => Some(Data::Bool(*a || *b)),
        (Op::Plus, ..) => calculated(i64::checked_add),
        (Op::Minus, ..) => calculated(i64::checked_sub),
        (Op::Mul, ..) => calculated(i64::checked_mul),
        (Op::Less, ..) => numbers().map(|(a, b)| Data::Bool(a < b)),
        (Op::Greater, ..) => numbers().map(|(a, b)| Data::Bool(a > b)),
        (Op::LessEq, ..) => numbers().map(|(a, b)| Data::Bool(a <= b)),
        (Op::GreaterEq, ..) => numbers().map(|(a, b)| Data::Bool(a >= b)),
        _ => None,
    }
}
