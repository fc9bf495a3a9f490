//! Which swaps apply to a function, and what then is no longer needed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::layers::{Held, Moved};
use super::locked::Locked;
use super::runtime::PYTHON;
use super::{PackageName, Packages, Replacement, Sdk, Swap};
use crate::build::{Dependencies, Recipe};
use crate::function::{Function, Kind};
use crate::manifest::BuildInputs;
use crate::source::Tree;
use crate::{Error, Result, collect_all, shorten, suggest};

/// Number of the rules by which packages are left out. A change of them changes source hashes.
const RECIPE: u32 = 1;
/// The same where `from` is a glob. In the first ones a `*` met no package with a scope.
const RECIPE_OF_GLOBS: u32 = 2;

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
    /// What the layer holds that it is left to.
    pub(super) held: Option<Arc<Held>>,
}

/// Those that apply to a function.
#[derive(Clone, Debug)]
pub struct Swaps {
    pub applied: Vec<AppliedSwap>,
    inputs: BuildInputs,
    /// Positions of those that mean nothing in the source.
    idle: BTreeSet<usize>,
    /// What layers must have of what went, as far as that is there: of the source, or of the package once it is made.
    pub(crate) moved: Vec<Moved>,
    /// What the user should know of what went, as far as that is there.
    pub(crate) warnings: Vec<String>,
}

/// What swaps leave out of a tree.
pub(crate) struct LeftOut {
    /// Positions in the tree.
    pub entries: BTreeSet<usize>,
    /// What layers must have instead.
    pub moved: Vec<Moved>,
    /// What the user should know of that.
    pub warnings: Vec<String>,
    /// What that is.
    pub notes: Vec<String>,
    /// Positions of the swaps that mean nothing in the tree.
    idle: BTreeSet<usize>,
}

/// What a function has of others before anything is installed.
struct Known {
    locked: Packages,
    /// In its source.
    installed: Packages,
}

impl Known {
    fn of(tree: &Tree) -> Result<Self> {
        Ok(Known {
            locked: Locked::of_tree(tree)?.packages,
            installed: Packages::of(tree)?,
        })
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let packages = self.locked.shared().chain(self.installed.shared());
        packages.map(|package| package.name.as_str())
    }

    /// The packages that a name means.
    fn named<'a>(&'a self, name: &'a PackageName) -> BTreeSet<&'a str> {
        let packages = self.locked.shared().chain(self.installed.shared());
        let named = packages.filter(|package| name.is_of(package.ecosystem, &package.name));
        named.map(|package| package.name.as_str()).collect()
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
        check_apart(&applied)?;
        if applied.is_empty() {
            return Ok(None);
        }
        let inputs: Vec<Value> = applied.iter().map(AppliedSwap::input).collect();
        Ok(Some(Swaps {
            applied,
            inputs: BuildInputs::new(Map::from_iter([("swaps".to_owned(), inputs.into())]))?,
            idle: BTreeSet::new(),
            moved: Vec::new(),
            warnings: Vec::new(),
        }))
    }

    pub(crate) fn inputs(&self) -> &BuildInputs {
        &self.inputs
    }

    /// Whether something is to be installed in place of what goes.
    pub(crate) fn install(&self) -> bool {
        self.applied.iter().any(|swap| swap.installs.is_some())
    }

    /// What goes of these packages.
    pub(super) fn going(&self, packages: &Packages) -> BTreeSet<usize> {
        let named: BTreeSet<usize> = self
            .applied
            .iter()
            .flat_map(|swap| packages.named(&swap.from))
            .collect();
        packages.going_with(&named)
    }

    /// What of that goes for the sake of one swap: what it names, and what was installed for its sake.
    pub(super) fn of_one(&self, swap: &AppliedSwap, packages: &Packages, gone: &BTreeSet<usize>) -> BTreeSet<usize> {
        let named: BTreeSet<usize> = packages.named(&swap.from).collect();
        let others = self.applied.iter().flat_map(|other| packages.named(&other.from));
        let stay = (0..packages.all().len()).filter(|position| !gone.contains(position));
        let barred = others
            .chain(stay)
            .filter(|position| !named.contains(position))
            .collect();
        packages.brought_by(&named, &barred)
    }

    /// What of the source goes.
    pub(crate) fn leave_out_of_source(&mut self, source: &Tree) -> Result<LeftOut> {
        let left_out = self.leave_out(source)?;
        self.moved.clone_from(&left_out.moved);
        self.warnings.clone_from(&left_out.warnings);
        self.idle.clone_from(&left_out.idle);
        Ok(left_out)
    }

    /// What of a package goes, with its dependencies installed: of what lock files name only some may have been.
    pub(crate) fn leave_out_of_package(&mut self, tree: &Tree) -> Result<LeftOut> {
        let mut left_out = self.leave_out(tree)?;
        let idle = left_out
            .idle
            .intersection(&self.idle)
            .map(|position| &self.applied[*position]);
        left_out
            .warnings
            .extend(idle.map(|swap| idle_swap(&swap.from, &swap.to)));
        self.moved.extend(left_out.moved.iter().cloned());
        self.warnings.extend(left_out.warnings.iter().cloned());
        Ok(left_out)
    }

    /// What of this tree goes.
    fn leave_out(&self, tree: &Tree) -> Result<LeftOut> {
        let packages = Packages::of(tree)?;
        let gone = self.going(&packages);
        let applied = self.applied.iter().enumerate();
        let idle = applied.filter(|(_, swap)| packages.named(&swap.from).next().is_none());
        Ok(LeftOut {
            idle: idle.map(|(position, _)| position).collect(),
            entries: packages.files_of(&gone)?,
            moved: self.moved(&packages, &gone),
            warnings: self.warnings(&packages, &gone),
            notes: self.notes(&packages, &gone),
        })
    }

    /// Where in the lock file that stands which goes.
    pub(crate) fn left_out_of_lock(&self, locked: &Locked) -> BTreeSet<String> {
        let gone = self.going(&locked.packages).into_iter();
        gone.map(|position| locked.packages.all()[position].place.clone())
            .collect()
    }

    fn notes(&self, packages: &Packages, gone: &BTreeSet<usize>) -> Vec<String> {
        let notes = self.applied.iter().filter_map(|swap| {
            let gone = self.of_one(swap, packages, gone);
            let names: BTreeSet<&str> = gone
                .iter()
                .map(|position| packages.all()[*position].name.as_str())
                .collect();
            let names: Vec<&str> = names.into_iter().collect();
            let place = place(&swap.from, &swap.to);
            (!names.is_empty()).then(|| format!("{place} leaves out {}", names.join(", ")))
        });
        notes.collect()
    }

    fn warnings(&self, packages: &Packages, gone: &BTreeSet<usize>) -> Vec<String> {
        let to = |name: &str| self.applied.iter().find(|swap| swap.names.contains(name));
        let mut warnings = Vec::new();
        for (kept, missed) in packages.missed(gone) {
            match to(missed).map(|swap| (&swap.from, &swap.to)) {
                Some((from, Replacement::Drop)) => warnings.push(format!(
                    "`{kept}` needs `{missed}`, which the swap of `{from}` drops; it fails where it uses that"
                )),
                Some((from, Replacement::Dependency(other))) => warnings.push(format!(
                    "`{kept}` needs `{missed}`, in whose place the swap of `{from}` puts `{other}`"
                )),
                // What goes along is needed by nothing that stays.
                Some((_, Replacement::Runtime | Replacement::Layer(_))) | None => {}
            }
        }
        for (gone, stays) in packages.left_behind(gone) {
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
        let recipe = match self.from.is_glob() {
            true => RECIPE_OF_GLOBS,
            false => RECIPE,
        };
        let mut input = Map::from_iter([
            ("from".to_owned(), self.from.as_str().into()),
            ("to".to_owned(), self.to.to_string().into()),
            ("recipe".to_owned(), recipe.into()),
        ]);
        if let Some((_, inputs)) = &self.installs {
            input.insert("lock".to_owned(), inputs.digest().to_hex().into());
        }
        input.into()
    }
}

/// Fails where two mean the same package and differ in what comes in its place.
fn check_apart(applied: &[AppliedSwap]) -> Result<()> {
    for (index, one) in applied.iter().enumerate() {
        let inputs = |swap: &AppliedSwap| swap.installs.as_ref().map(|(_, inputs)| inputs.digest());
        let mut others = applied[index + 1..].iter();
        let other = others
            .find(|other| !one.names.is_disjoint(&other.names) && (one.to != other.to || inputs(one) != inputs(other)));
        if let Some(other) = other {
            let both = one
                .names
                .intersection(&other.names)
                .next()
                .expect("they have one in common");
            return Err(Error::invalid(format!(
                "two swaps of `{both}` apply: {} and {}",
                place(&one.from, &one.to),
                place(&other.from, &other.to)
            ))
            .help("tell them apart by `functions` or by `from`, or remove one"));
        }
    }
    Ok(())
}

/// What is said of a swap that left nothing out.
fn idle_swap(from: &PackageName, to: &Replacement) -> String {
    format!(
        "{} leaves out nothing: what its lock file says of that isn't installed for this function",
        place(from, to)
    )
}

/// Fails where swaps left nothing out of any of the packages that they apply to, of each of which the warnings are given.
pub fn check_effect<'a>(packages: impl Iterator<Item = (&'a Tree, &'a [String])> + Clone) -> Result<()> {
    let applied = packages.clone().flat_map(|(tree, _)| tree.swaps());
    let applied: BTreeMap<String, &AppliedSwap> = applied.map(|swap| (place(&swap.from, &swap.to), swap)).collect();
    let checked = applied.values().map(|swap| {
        let idle = idle_swap(&swap.from, &swap.to);
        let is_same = |other: &AppliedSwap| other.from == swap.from && other.to == swap.to;
        let mut of_swap = packages.clone().filter(|(tree, _)| tree.swaps().iter().any(is_same));
        match of_swap.all(|(_, warnings)| warnings.contains(&idle)) {
            true => Err(Error::invalid(idle).help("remove it: the lock file has that for other machines alone")),
            false => Ok(()),
        }
    });
    collect_all(checked).map(drop)
}

pub(super) fn place(from: &PackageName, to: &Replacement) -> String {
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
        held: None,
    })
}

/// Fails where a swap applies to none of its functions. `functions` are all that are deployed, each with its tree.
pub fn check_used<'a>(swaps: &[Swap], functions: impl Iterator<Item = (&'a Function, &'a Tree)> + Clone) -> Result<()> {
    let checked = swaps.iter().map(|swap| {
        let meant = functions.clone().filter(|(function, _)| function.swaps.contains(swap));
        let applies = |applied: &AppliedSwap| applied.from == swap.from && applied.to == swap.to;
        if meant.clone().any(|(_, tree)| tree.swaps().iter().any(applies)) {
            return Ok(());
        }
        if meant.clone().next().is_none() {
            // Another profile has more functions.
            return match swap.inherited {
                true => Ok(()),
                false => Err(Error::invalid(format!(
                    "{} is for none of the functions that the profile selects",
                    place(&swap.from, &swap.to)
                ))
                .help("select one of its `functions` with the profile's `functions`; nothing is moved out of a layer into another one")),
            };
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
