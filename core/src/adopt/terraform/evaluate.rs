//! What an expression is, as far as it is known before anything is deployed.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use hcl_edit::expr::{Expression, ObjectKey, Traversal, TraversalOperator, UnaryOperator};
use hcl_edit::template::{Element, Template};

use super::super::origin::Origin;
use super::super::resolve::{Names, Resolver, Seen};
use super::super::unknown::{Part, Says, Tool, Unknown};
use super::super::value::{Data, Place, Value, last_of_each};
use super::module::{Expr, Located, Module};
use super::{functions, operators};
use crate::secrets;
use crate::source::normal;

/// A module as it is called: what its variables are.
pub struct Called<'a> {
    pub module: &'a Module,
    /// The names of the calls that lead here.
    pub calls: Vec<String>,
    /// The directories of the modules on the way, this one's included.
    chain: Vec<PathBuf>,
    /// The directory of the root module, which relative paths start from.
    pub root: &'a Path,
    /// `path.module`, relative to it.
    path: String,
    /// What the call gives; `None` in the root module, whose variables have files.
    inputs: Option<BTreeMap<String, Value>>,
    /// Of `var` or `local`, and by name.
    names: Names<(String, String)>,
    pub resolver: &'a Resolver<'a>,
}

/// The same, for one instance of what has `for_each`.
#[derive(Clone)]
pub struct Scope<'a> {
    called: Rc<Called<'a>>,
    /// `each.key` and `each.value`.
    each: Option<(Value, Value)>,
}

impl<'a> Deref for Scope<'a> {
    type Target = Called<'a>;

    fn deref(&self) -> &Called<'a> {
        &self.called
    }
}

impl<'a> Scope<'a> {
    pub fn of_root(module: &'a Module, resolver: &'a Resolver<'a>) -> Self {
        Scope {
            called: Rc::new(Called {
                module,
                calls: Vec::new(),
                chain: vec![module.directory.clone()],
                root: &module.directory,
                path: ".".to_owned(),
                inputs: None,
                names: Names::default(),
                resolver,
            }),
            each: None,
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
            called: Rc::new(Called {
                module,
                calls: self.calls.iter().cloned().chain([call.label(0).to_owned()]).collect(),
                chain: self.chain.iter().cloned().chain([module.directory.clone()]).collect(),
                root: self.root,
                path,
                inputs: Some(inputs.collect()),
                names: Names::default(),
                resolver: self.resolver,
            }),
            each: None,
        }
    }

    pub fn with_each(&self, key: &Value, value: &Value) -> Self {
        Scope {
            called: Rc::clone(&self.called),
            each: Some((key.clone(), self.resolver.copy(value))),
        }
    }

    /// What may be shown of it.
    pub fn each_key(&self) -> Option<String> {
        self.each.as_ref()?.0.plain()
    }

    /// Whether the module is this one, or calls it.
    pub fn is_within(&self, module: &Module) -> bool {
        self.chain.contains(&module.directory)
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
        self.resolver.value(&expr.place(), |seen| self.data(expr, seen))
    }

    /// What isn't known says what it refers to.
    fn data(&self, expr: Expr, seen: &Seen) -> Result<Data, Unknown> {
        let member = |inner| self.evaluate(expr.with(inner));
        let of = |inner| seen.of(member(inner));
        Ok(match expr.expr {
            Expression::Null(_) => Data::Null,
            Expression::Bool(value) => Data::Bool(*value.value()),
            Expression::Number(number) => Data::Number(number.value().to_string()),
            Expression::String(text) => Data::String(text.value().clone()),
            Expression::Array(array) => Data::List(array.iter().map(member).collect()),
            Expression::Object(object) => {
                let mut entries = Vec::<(String, Value)>::new();
                for (key, value) in object.iter() {
                    let key = match key {
                        ObjectKey::Ident(name) => name.to_string(),
                        // Keys are shown.
                        ObjectKey::Expression(key) => member(key).plain().ok_or_else(Unknown::default)?,
                    };
                    entries.push((key, member(value.expr())));
                }
                Value::map(&expr.place(), last_of_each(entries)).data
            }
            Expression::StringTemplate(template) => self.template(expr, template, seen)?,
            Expression::HeredocTemplate(heredoc) => {
                let mut heredoc = heredoc.clone();
                heredoc.dedent();
                self.template(expr, &heredoc.template, seen)?
            }
            Expression::Parenthesis(inner) => of(inner.inner()).known()?,
            Expression::Variable(name) => return Err(refers_to(vec![Part::Name(name.to_string())])),
            Expression::Conditional(it) => match member(&it.cond_expr).known()? {
                Data::Bool(true) => of(&it.true_expr).known()?,
                Data::Bool(false) => of(&it.false_expr).known()?,
                _ => return Err(Unknown::default()),
            },
            Expression::UnaryOp(it) => match (*it.operator.value(), of(&it.expr).known()?) {
                (UnaryOperator::Not, Data::Bool(value)) => Data::Bool(!value),
                (UnaryOperator::Neg, Data::Number(text)) => Data::Number(format!("-{text}")),
                _ => return Err(Unknown::default()),
            },
            Expression::BinaryOp(it) => {
                let (left, right) = (of(&it.lhs_expr).known()?, of(&it.rhs_expr).known()?);
                operators::binary(*it.operator.value(), &left, &right).ok_or_else(Unknown::default)?
            }
            Expression::FuncCall(call) => {
                let arguments: Vec<Value> = call.args.iter().map(member).collect();
                let name = call.name.name.as_str();
                let result = match call.name.is_namespaced() || call.args.expand_final() {
                    true => None,
                    false if name == "abspath" => self.absolute(&arguments, seen),
                    false => functions::call(name, &arguments),
                };
                for argument in &arguments {
                    seen.add(match &result {
                        // Members bring their own.
                        Some(Data::List(_) | Data::Map(_)) => argument.origin,
                        _ => argument.origin_of_parts(),
                    });
                }
                result.ok_or_else(|| unknown_call(name, &arguments))?
            }
            Expression::Traversal(traversal) => self.traversal(expr, traversal, seen)?,
            Expression::ForExpr(_) => return Err(Unknown::default()),
        })
    }

    /// The path of the machine that Terraform would run on, as if that were this one.
    fn absolute(&self, arguments: &[Value], seen: &Seen) -> Option<Data> {
        let [argument] = arguments else { return None };
        let path = normal(&self.path(&argument.text()?));
        seen.add(Origin::LOCAL);
        Some(Data::String(path.to_str()?.to_owned()))
    }

    fn template(&self, expr: Expr, template: &Template, seen: &Seen) -> Result<Data, Unknown> {
        if let Some(Element::Interpolation(only)) = template.as_single_element() {
            return seen.of(self.evaluate(expr.with(&only.expr))).known();
        }
        let mut text = String::new();
        for element in template.iter() {
            match element {
                Element::Literal(literal) => text.push_str(literal.value()),
                Element::Interpolation(inner) => {
                    let value = seen.of(self.evaluate(expr.with(&inner.expr)));
                    match value.text() {
                        Some(part) => text.push_str(&part),
                        None => return Err(value.known().err().unwrap_or_default()),
                    }
                }
                Element::Directive(_) => return Err(Unknown::default()),
            }
        }
        Ok(Data::String(text))
    }

    fn traversal(&self, expr: Expr, traversal: &Traversal, seen: &Seen) -> Result<Data, Unknown> {
        let mut parts = Vec::new();
        for operator in &traversal.operators {
            parts.push(match operator.value() {
                TraversalOperator::GetAttr(name) => Part::Name(name.to_string()),
                TraversalOperator::Index(index) => Part::Index(self.evaluate(expr.with(index)).text()),
                TraversalOperator::LegacyIndex(index) => Part::Index(Some(index.to_string())),
                TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_) => Part::Index(None),
            });
        }
        let Expression::Variable(root) = &traversal.expr else {
            seen.add(Origin::named(&names(&parts)));
            return self.walk(&self.evaluate(expr.with(&traversal.expr)), &parts, seen);
        };
        if let Some(value) = self.variable(root.as_str(), &parts, &expr.place()) {
            seen.add(Origin::named(&names(&parts)));
            return self.walk(&value, &parts[1..], seen);
        }
        let reference: Vec<Part> = [Part::Name(root.to_string())].into_iter().chain(parts).collect();
        let all = names(&reference);
        // What people call a resource says nothing of its attributes.
        let says_something = |index: usize| match all[0] {
            "var" | "local" | "each" => true,
            "data" => index != 2,
            _ => index != 1,
        };
        let said = all.iter().enumerate().filter(|(index, _)| says_something(*index));
        seen.add(Origin::named(&said.map(|(_, name)| *name).collect::<Vec<_>>()));
        let kept = self.kept(&all);
        Err(Unknown {
            kept,
            ..refers_to(reference)
        })
    }

    /// Where what a data source reads is kept, if that is said.
    fn kept(&self, reference: &[&str]) -> Option<String> {
        let ["data", kind, label, ..] = reference else {
            return None;
        };
        let block = self.module.block("data", &[kind, label])?;
        match *kind {
            "aws_ssm_parameter" => Some(format!(
                "{{{{resolve:ssm:{}}}}}",
                self.attribute(block, "name")?.plain()?
            )),
            "aws_secretsmanager_secret" => {
                let id = ["arn", "name"].into_iter().find_map(|key| self.attribute(block, key));
                Some(format!("{{{{resolve:secretsmanager:{}}}}}", id?.plain()?))
            }
            "aws_secretsmanager_secret_version" => {
                let id = self.attribute(block, "secret_id")?;
                match &id.data {
                    Data::Unknown(unknown) => unknown.kept.clone(),
                    _ => Some(format!("{{{{resolve:secretsmanager:{}}}}}", id.plain()?)),
                }
            }
            _ => None,
        }
    }

    /// What Terraform's own names stand for, with the first of the parts.
    fn variable(&self, root: &str, parts: &[Part], place: &Place) -> Option<Rc<Value>> {
        let Some(Part::Name(name)) = parts.first() else {
            return None;
        };
        let text = |text: &str| Some(Rc::new(Value::string(place, text)));
        let named = |expr: Expr| {
            let key = (root.to_owned(), name.clone());
            self.names.get(key, || self.evaluate(expr))
        };
        match (root, name.as_str()) {
            ("var", name) => {
                let block = self.module.block("variable", &[name]);
                if block.is_some_and(is_sensitive) {
                    let reference = [root, name].map(|part| Part::Name(part.to_owned()));
                    let unknown = Unknown {
                        says: Says::Secret,
                        ..refers_to(reference.to_vec())
                    };
                    return Some(Rc::new(Value::unknown(place, unknown)));
                }
                match &self.inputs {
                    Some(inputs) => match inputs.get(name) {
                        Some(value) => Some(Rc::new(self.resolver.copy(value))),
                        None => named(block?.attribute("default")?),
                    },
                    None => named(self.module.variable(name)?),
                }
            }
            ("local", name) => named(self.module.local(name)?),
            ("path", "module") => text(&self.path),
            ("path", "root") => text("."),
            ("path", "cwd") => Some(Rc::new(Value::string(place, self.root.to_str()?).from(Origin::LOCAL))),
            ("each", "key") => Some(Rc::new(self.each.as_ref()?.0.clone())),
            ("each", "value") => Some(Rc::new(self.resolver.copy(&self.each.as_ref()?.1))),
            _ => None,
        }
    }

    /// Goes into a value.
    fn walk(&self, mut value: &Value, parts: &[Part], seen: &Seen) -> Result<Data, Unknown> {
        for (index, part) in parts.iter().enumerate() {
            let found = match (&value.data, part) {
                (Data::Unknown(unknown), _) => {
                    seen.add(value.origin);
                    let mut unknown = unknown.clone();
                    let keys = names(&parts[index..]);
                    // Before them stand `data`, kind, label and attribute, whose JSON they are of.
                    if unknown.names().len() > 3 && unknown.key.is_none() && !keys.is_empty() {
                        unknown.key = Some(keys.join("."));
                    }
                    unknown.reference.extend_from_slice(&parts[index..]);
                    return Err(unknown);
                }
                (Data::Map(entries), Part::Name(key) | Part::Index(Some(key))) => {
                    entries.iter().find(|(name, _)| name == key).map(|(_, value)| value)
                }
                (Data::List(members), Part::Index(Some(index))) => {
                    index.parse::<usize>().ok().and_then(|index| members.get(index))
                }
                _ => None,
            };
            value = found.ok_or_else(Unknown::default)?;
        }
        seen.of(self.resolver.copy(value)).known()
    }
}

/// Those that are written there, keys of mappings too.
fn names(parts: &[Part]) -> Vec<&str> {
    let names = parts.iter().filter_map(|part| match part {
        Part::Name(name) | Part::Index(Some(name)) => Some(name.as_str()),
        Part::Index(None) | Part::Argument(_) => None,
    });
    names.collect()
}

/// Whether what a variable holds is kept out of what Terraform shows.
fn is_sensitive(variable: Located) -> bool {
    ["sensitive", "ephemeral"].into_iter().any(|key| {
        let value = variable.attribute(key);
        value.is_some_and(|value| !matches!(value.expr, Expression::Bool(value) if !value.value()))
    })
}

fn refers_to(reference: Vec<Part>) -> Unknown {
    let is_name = matches!(reference.last(), Some(Part::Name(name)) if secrets::is_of_another_thing(name));
    Unknown {
        says: if is_name { Says::Name } else { Says::Nothing },
        ..Unknown::of(Tool::Terraform, reference)
    }
}

/// A call whose result isn't known refers to what its arguments refer to, or to itself.
fn unknown_call(name: &str, arguments: &[Value]) -> Unknown {
    let unknown = || arguments.iter().filter_map(Value::first_unknown);
    let first = unknown().find(|unknown| !unknown.reference.is_empty());
    let itself = || {
        // Of a file's content it matters where it stands.
        let file = arguments.first().filter(|_| name == "file").and_then(Value::text);
        refers_to(vec![Part::Name(name.to_owned()), Part::Argument(file)])
    };
    let mut result = first.cloned().unwrap_or_else(itself);
    if name == "sensitive" || unknown().any(|unknown| unknown.says == Says::Secret) {
        result.says = Says::Secret;
    } else if result.says == Says::Name {
        // Of what is made of a name nothing is known.
        result.says = Says::Nothing;
    }
    result
}

impl Value {
    fn known(self) -> Result<Data, Unknown> {
        match self.data {
            Data::Unknown(unknown) => Err(unknown),
            data => Ok(data),
        }
    }
}
