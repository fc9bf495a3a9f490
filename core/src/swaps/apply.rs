//! Which swaps apply to a function, and what then is no longer needed.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value};

use super::locked::Locked;
use super::runtime::PYTHON;
use super::{Installed, PackageName, Replacement, Sdk, Swap};
use crate::build::{Dependencies, Ecosystem, Recipe, Tool};
use crate::function::{Function, FunctionName, Kind, Selected};
use crate::manifest::BuildInputs;
use crate::source::Tree;
use crate::{Error, Result, collect_all, shorten, suggest};

/// Number of the rules by which packages are left out. A change of them changes source hashes.
const RECIPE: u32 = 1;

/// A swap that applies to a function.
#[derive(Clone, Debug)]
pub struct AppliedSwap {
    pub from: PackageName,
    pub to: Replacement,
    /// What that means for the function, for people.
    pub impact: Option<String>,
    /// The packages of the function that it means.
    pub names: BTreeSet<String>,
    /// What is installed in place of it, and what decides that.
    pub installs: Option<(Dependencies, BuildInputs)>,
}

/// Those that apply to a function.
#[derive(Debug)]
pub struct Swaps {
    pub applied: Vec<AppliedSwap>,
    inputs: BuildInputs,
    /// What the function asks for itself, if its lock file tells.
    asked: Option<BTreeSet<String>>,
}

/// What a function has of others before anything is installed.
struct Known {
    /// Of what its lock file names.
    ecosystem: Option<Ecosystem>,
    locked: Locked,
    installed: Installed,
}

impl Known {
    fn of(tree: &Tree) -> Result<Self> {
        let (ecosystem, locked) = match tree.recipe() {
            Some(Recipe::Dependencies(dependencies, _)) => (Some(dependencies.ecosystem), Locked::of(dependencies)?),
            Some(Recipe::Output(output)) if matches!(output.tool, Tool::Bundle(_)) => {
                let text = output.read(tree, "package-lock.json")?;
                (Some(Ecosystem::Node), Locked::of_package_lock_text(&text)?)
            }
            Some(Recipe::Output(_)) | None => (None, Locked::default()),
        };
        Ok(Known {
            ecosystem,
            locked,
            installed: Installed::of(tree)?,
        })
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let installed = self.installed.packages().iter().filter(|package| package.shared);
        let installed = installed.map(|package| package.name.as_str());
        self.locked.names.iter().map(String::as_str).chain(installed)
    }

    /// The packages that a name means.
    fn named<'a>(&'a self, name: &'a PackageName) -> BTreeSet<&'a str> {
        let ecosystem = self.ecosystem;
        let locked = self.locked.names.iter().map(String::as_str);
        let locked = locked.filter(|locked| ecosystem.is_some_and(|ecosystem| name.is_of(ecosystem, locked)));
        let packages = self.installed.packages();
        let installed = self
            .installed
            .named(name)
            .map(|position| packages[position].name.as_str());
        locked.chain(installed).collect()
    }
}

/// Whether a source has any of these, or its lock file names one.
pub(crate) fn has_any(source: &Tree, names: &[PackageName]) -> Result<bool> {
    let known = Known::of(source)?;
    Ok(names.iter().any(|name| !known.named(name).is_empty()))
}

impl Swaps {
    /// Those of a function's swaps that mean something that it has; `None` without any.
    pub(crate) fn of(function: &Function, tree: &Tree, code_dir: &Path) -> Result<Option<Self>> {
        if function.swaps.is_empty() {
            return Ok(None);
        }
        let known = Known::of(tree)?;
        let swaps = function.swaps.iter().map(|swap| (swap, known.named(&swap.from)));
        let applied = swaps.filter(|(_, names)| !names.is_empty()).map(|(swap, names)| {
            let applied = check_target(swap, function, tree).and_then(|()| apply(swap, names, function, code_dir));
            applied.map_err(|error| error.within(place(&swap.from, &swap.to)))
        });
        let mut applied = collect_all(applied)?;
        // Their order in a profile decides nothing.
        applied.sort_by(|a, b| (a.from.as_str(), a.to.to_string()).cmp(&(b.from.as_str(), b.to.to_string())));
        if let Some(pair) = applied.windows(2).find(|pair| pair[0].from == pair[1].from) {
            return Err(Error::invalid(format!(
                "two swaps of `{}` apply: to `{}` and to `{}`",
                pair[0].from, pair[0].to, pair[1].to
            ))
            .help("tell them apart by `functions`, or remove one"));
        }
        if applied.is_empty() {
            return Ok(None);
        }
        let inputs: Vec<Value> = applied.iter().map(AppliedSwap::input).collect();
        Ok(Some(Swaps {
            applied,
            inputs: BuildInputs::new(Map::from_iter([("swaps".to_owned(), inputs.into())]))?,
            asked: known.locked.asked,
        }))
    }

    pub(crate) fn inputs(&self) -> &BuildInputs {
        &self.inputs
    }

    /// Whether something is to be installed in place of what goes.
    pub(crate) fn install(&self) -> bool {
        self.applied.iter().any(|swap| swap.installs.is_some())
    }

    /// What of this tree goes, as positions; and what the user should know of that.
    pub(crate) fn leave_out(&self, tree: &Tree) -> Result<(BTreeSet<usize>, Vec<String>)> {
        let installed = Installed::of(tree)?;
        let named: BTreeSet<usize> = self
            .applied
            .iter()
            .flat_map(|swap| installed.named(&swap.from))
            .collect();
        if named.is_empty() {
            return Ok((BTreeSet::new(), Vec::new()));
        }
        let gone = installed.with_what_only_they_need(&named, self.asked.as_ref());
        let warnings = self.warnings(&installed, &gone);
        Ok((installed.files_of(&gone)?, warnings))
    }

    fn warnings(&self, installed: &Installed, gone: &BTreeSet<usize>) -> Vec<String> {
        let to = |name: &str| self.applied.iter().find(|swap| swap.names.contains(name));
        let mut warnings = Vec::new();
        for (kept, missed) in installed.missed(gone) {
            match to(missed).map(|swap| (&swap.from, &swap.to)) {
                Some((from, Replacement::Drop)) => warnings.push(format!(
                    "`{kept}` needs `{missed}`, which the swap of `{from}` drops; it fails where it uses that"
                )),
                Some((from, Replacement::Dependency(other))) => warnings.push(format!(
                    "`{kept}` needs `{missed}`, in whose place the swap of `{from}` puts `{other}`"
                )),
                Some((_, Replacement::Runtime | Replacement::Layer(_))) | None => {}
            }
        }
        for (gone, stays) in installed.left_behind(gone) {
            let of_runtime = to(gone).is_some_and(|swap| swap.to == Replacement::Runtime);
            if of_runtime && PYTHON.packages.contains(&stays) {
                warnings.push(format!(
                    "the runtime's `{gone}` will find the `{stays}` of the package, which stays because others need it; \
                     their versions may not fit"
                ));
            }
        }
        warnings
    }
}

impl AppliedSwap {
    /// What of it enters the source hash.
    fn input(&self) -> Value {
        let mut input = Map::from_iter([
            ("from".to_owned(), self.from.as_str().into()),
            ("to".to_owned(), self.to.to_string().into()),
            ("recipe".to_owned(), RECIPE.into()),
        ]);
        if let Some((_, inputs)) = &self.installs {
            input.insert("lock".to_owned(), inputs.digest().to_hex().into());
        }
        input.into()
    }
}

fn place(from: &PackageName, to: &Replacement) -> String {
    format!("the swap of `{from}` to `{to}`")
}

/// Fails where what comes in place can't be had.
fn check_target(swap: &Swap, function: &Function, tree: &Tree) -> Result<()> {
    match &swap.to {
        Replacement::Drop | Replacement::Layer(_) => Ok(()),
        Replacement::Runtime => {
            let runtimes: Vec<&str> = function.definition.runtimes().collect();
            let lacking = runtimes
                .iter()
                .find(|runtime| !Sdk::of(runtime).is_some_and(|sdk| sdk.has(&swap.from)));
            match (lacking, runtimes.is_empty()) {
                (None, false) => Ok(()),
                (None, true) => Err(Error::invalid("no runtime is said that could have it").help(match function.definition.kind {
                    Kind::Function => "set `runtime`",
                    Kind::Layer => "set `compatible_runtimes`",
                })),
                (Some(runtime), _) => Err(Error::invalid(format!("the runtime {runtime} doesn't have it")).help(
                    match Sdk::of(runtime) {
                        Some(sdk) => format!("it has {} only; use `drop` if the function doesn't need it", sdk.packages.join(", ")),
                        None => "only runtimes of Python and Node.js have an AWS SDK; use `drop` if the function doesn't need it".to_owned(),
                    },
                )),
            }
        }
        Replacement::Dependency(_) => match tree.recipe() {
            Some(Recipe::Output(output)) => Err(Error::invalid(format!(
                "a package that {} makes takes its dependencies from its own lock file",
                output.tool.name()
            ))
            .help("put the other dependency there; npm takes an alias: `\"moment\": \"npm:dayjs@1\"`")),
            Some(Recipe::Dependencies(..)) | None => Ok(()),
        },
    }
}

fn apply(swap: &Swap, names: BTreeSet<&str>, function: &Function, code_dir: &Path) -> Result<AppliedSwap> {
    let installs = match (&swap.to, &swap.lock) {
        (Replacement::Dependency(other), Some(lock)) => {
            let dependencies = Dependencies::in_place_of_others(function, lock, code_dir)?;
            let inputs = dependencies.inputs()?;
            if !Locked::of(&dependencies)?.has(dependencies.ecosystem, other) {
                return Err(
                    Error::invalid(format!("`{}` doesn't name `{other}`", dependencies.lock.display()))
                        .help(format!("correct `to`, or lock `{other}` there with digests")),
                );
            }
            Some((dependencies, inputs))
        }
        _ => None,
    };
    Ok(AppliedSwap {
        from: swap.from.clone(),
        to: swap.to.clone(),
        impact: swap.impact.clone(),
        names: names.into_iter().map(str::to_owned).collect(),
        installs,
    })
}

/// Takes the layers from functions that a swap of theirs would need, where it applies to nothing that they have. `trees` are
/// theirs, in the same order.
pub fn settle_layers(functions: &mut Selected<Function>, trees: &[Tree]) {
    let applied: BTreeSet<(FunctionName, FunctionName)> = functions
        .all()
        .zip(trees)
        .flat_map(|(function, tree)| {
            let layers = tree.swaps().iter().filter_map(|swap| swap.to.layer());
            layers.map(|layer| (function.owner().clone(), layer.clone()))
        })
        .collect();
    for function in functions.all_mut() {
        for layer in std::mem::take(&mut function.layers_of_swaps) {
            if !applied.contains(&(function.name.clone(), layer.clone())) {
                function.remove_layer_of_swap(&layer);
            }
        }
    }
}

/// Fails where a swap applies to none of its functions. `functions` are all that are deployed, each with its tree.
pub fn check_used<'a>(swaps: &[Swap], functions: impl Iterator<Item = (&'a Function, &'a Tree)> + Clone) -> Result<()> {
    let checked = swaps.iter().map(|swap| {
        let meant = functions.clone().filter(|(function, _)| function.swaps.contains(swap));
        let applies = |applied: &AppliedSwap| applied.from == swap.from && applied.to == swap.to;
        if meant.clone().any(|(_, tree)| tree.swaps().iter().any(applies)) {
            return Ok(());
        }
        let known = meant.map(|(_, tree)| Known::of(tree)).collect::<Result<Vec<Known>>>()?;
        let names: BTreeSet<&str> = known.iter().flat_map(Known::names).collect();
        let help = match suggest(swap.from.as_str(), names.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if names.is_empty() => {
                "its functions have no lock file, and no packages of others in their sources".to_owned()
            }
            None => format!(
                "they have {}",
                shorten(&names.into_iter().collect::<Vec<_>>().join(", "))
            ),
        };
        Err(Error::invalid(format!(
            "{} matches nothing: neither a lock file nor a source of its functions has it",
            place(&swap.from, &swap.to)
        ))
        .help(help))
    });
    collect_all(checked).map(drop)
}

/// Fails where a layer lacks what swaps say that it has. `functions` are all that are walked, each with its tree.
pub(crate) fn check_layers(functions: &[&Function], trees: &[Tree]) -> Result<()> {
    let all = || functions.iter().zip(trees);
    let checked = all().flat_map(|(function, tree)| tree.swaps().iter().map(move |swap| (function, swap)));
    let checked = checked.map(|(function, swap)| {
        let Replacement::Layer(name) = &swap.to else {
            return Ok(());
        };
        let layer = all().find(|(function, _)| function.name == *name).map(|(_, tree)| tree);
        let known = layer.map(Known::of).transpose()?;
        let mut has = known.as_ref().map(|known| known.named(&swap.from)).unwrap_or_default();
        let left_out = layer.into_iter().flat_map(Tree::swaps).flat_map(|swap| &swap.names);
        left_out.for_each(|name| {
            has.remove(name.as_str());
        });
        match swap.names.iter().find(|name| !has.contains(name.as_str())) {
            None => Ok(()),
            Some(lacking) => Err(Error::invalid(format!("the layer `{name}` doesn't hold `{lacking}`"))
                .help(format!(
                    "add it to what `{name}` is made of, or correct the swap's `to`"
                ))
                .within(place(&swap.from, &swap.to))
                .within(format_args!("function `{}`", function.name))),
        }
    });
    collect_all(checked).map(drop)
}
