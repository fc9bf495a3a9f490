//! What Python packages say that they need: <https://packaging.python.org/en/latest/specifications/dependency-specifiers/>

use std::collections::BTreeSet;

use super::normal;

/// One of a package's requirements.
#[derive(Debug)]
pub(crate) struct Requirement {
    /// Normal name of what is needed.
    pub(crate) name: String,
    /// Extras of that, by their normal names.
    pub(crate) extras: BTreeSet<String>,
    /// The package's own extras, one of which must be wanted; `None` if it is needed in any case.
    pub(crate) for_extras: Option<BTreeSet<String>>,
    /// Whether it is needed on some machines alone.
    pub(crate) conditional: bool,
}

impl Requirement {
    /// Of a text such as `requests[socks]<3,>=2; extra == "http"`.
    pub(crate) fn parse(text: &str) -> Self {
        let (specifier, marker) = text.split_once(';').unwrap_or((text, ""));
        let specifier = specifier.trim();
        let is_part = |char: char| char.is_ascii_alphanumeric() || "-_.".contains(char);
        let end = specifier.find(|char| !is_part(char)).unwrap_or(specifier.len());
        let (name, rest) = specifier.split_at(end);
        let extras = rest
            .trim_start()
            .strip_prefix('[')
            .and_then(|rest| rest.split_once(']'));
        let extras = extras
            .map_or("", |(extras, _)| extras)
            .split(',')
            .map(|extra| normal(extra.trim()));
        let mut of_marker = marker.split("extra");
        let other_conditions = of_marker.next().unwrap_or_default();
        let named: Vec<&str> = of_marker.filter_map(quoted).collect();
        let for_extra = marker.contains("extra");
        Requirement {
            name: normal(name),
            extras: extras.filter(|extra| !extra.is_empty()).collect(),
            for_extras: for_extra.then(|| named.into_iter().map(normal).collect()),
            conditional: !other_conditions.trim().is_empty(),
        }
    }

    /// Whether a package of this name needs it, with the extras that are wanted.
    pub(crate) fn is_wanted(&self, of: &str, wanted: &Extras) -> bool {
        let is_wanted = |extra: &String| wanted.contains(&(of.to_owned(), extra.clone()));
        self.for_extras
            .as_ref()
            .is_none_or(|extras| extras.iter().any(is_wanted))
    }
}

/// Normal names of packages, each with one of an extra of it.
pub(crate) type Extras = BTreeSet<(String, String)>;

/// The extras that some of these packages, which are given by their normal names, want of each other.
pub(crate) fn wanted_extras<'a>(packages: impl Iterator<Item = (&'a str, &'a [Requirement])> + Clone) -> Extras {
    let mut wanted = Extras::new();
    loop {
        let needed = packages.clone().flat_map(|(name, requirements)| {
            let needed = requirements.iter().filter(|it| it.is_wanted(name, &wanted));
            needed.flat_map(|it| it.extras.iter().map(|extra| (it.name.clone(), extra.clone())))
        });
        let more: Extras = needed.collect();
        if more.is_subset(&wanted) {
            return wanted;
        }
        wanted.extend(more);
    }
}

/// What stands in the first quotation marks.
fn quoted(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once(['"', '\''])?;
    Some(rest.split(['"', '\'']).next().unwrap_or(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_tell_which_extras_they_want_and_are_for() {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        for (text, name, extras, for_extras, conditional) in [
            ("B_c", "b-c", &[][..], None, false),
            ("b (>=1,<2)", "b", &[], None, false),
            ("b>=1; python_version < '3'", "b", &[], None, true),
            (
                "b[X_y, z]==1;extra=='c.d'",
                "b",
                &["x-y", "z"],
                Some(&["c-d"][..]),
                false,
            ),
            (
                r#"b; (os_name == "nt" or os_name == "x") and extra == "c" or extra == "d""#,
                "b",
                &[],
                Some(&["c", "d"]),
                true,
            ),
            ("b @ https://example.org/b.whl", "b", &[], None, false),
        ] {
            let found = Requirement::parse(text);
            assert_eq!(
                (&*found.name, found.extras, found.for_extras, found.conditional),
                (name, set(extras), for_extras.map(set), conditional),
                "{text}"
            );
        }
    }

    /// As dask's is: an extra that wants another one of the same package.
    #[test]
    fn extras_bring_extras() {
        let packages: Vec<(&str, Vec<Requirement>)> = vec![
            ("app", vec![Requirement::parse("a[all]")]),
            (
                "a",
                ["a[b]; extra == 'all'", "c; extra == 'b'", "d[x]; extra == 'e'"]
                    .map(Requirement::parse)
                    .into(),
            ),
        ];
        let wanted = wanted_extras(packages.iter().map(|(name, needs)| (*name, needs.as_slice())));
        let of_a = |extra: &str| ("a".to_owned(), extra.to_owned());
        assert_eq!(wanted, Extras::from([of_a("all"), of_a("b")]));
        assert!(packages[1].1[1].is_wanted("a", &wanted) && !packages[1].1[2].is_wanted("a", &wanted));
    }
}
