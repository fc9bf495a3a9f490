//! What needs what, among things that are known by their positions.

use std::collections::BTreeSet;

/// All that hangs on these, without passing what is barred.
pub(crate) fn reached<'a>(
    from: impl IntoIterator<Item = usize>,
    needs: impl Fn(usize) -> &'a BTreeSet<usize>,
    barred: &BTreeSet<usize>,
) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<usize> = from.into_iter().collect();
    while let Some(position) = open.pop() {
        if reached.insert(position) {
            let next = needs(position).iter().copied();
            open.extend(next.filter(|position| !barred.contains(position)));
        }
    }
    reached
}

/// What nothing else needs, and of what needs each other in a circle that nothing outside of it needs, all together. So each
/// position can be reached from one of these.
pub(crate) fn roots(needs: &[BTreeSet<usize>]) -> Vec<BTreeSet<usize>> {
    let mut needed_by = vec![BTreeSet::new(); needs.len()];
    for (position, needed) in needs.iter().enumerate() {
        needed.iter().for_each(|needed| {
            needed_by[*needed].insert(position);
        });
    }
    let mut roots = Vec::new();
    let mut seen = vec![false; needs.len()];
    // What leads to something and can't be reached from there was finished later than that. So of those that are left the
    // last one is of a root.
    for position in finished(needs).into_iter().rev() {
        if seen[position] {
            continue;
        }
        roots.push(reached([position], |position| &needed_by[position], &BTreeSet::new()));
        let mut open = vec![position];
        while let Some(position) = open.pop() {
            if !std::mem::replace(&mut seen[position], true) {
                open.extend(&needs[position]);
            }
        }
    }
    roots
}

/// The order in which a search that follows everything is done with each. Not recursive: chains may be long.
fn finished(needs: &[BTreeSet<usize>]) -> Vec<usize> {
    let mut finished = Vec::with_capacity(needs.len());
    let mut seen = vec![false; needs.len()];
    for start in 0..needs.len() {
        let mut path = Vec::new();
        if !std::mem::replace(&mut seen[start], true) {
            path.push((start, needs[start].iter()));
        }
        while let Some((position, rest)) = path.last_mut() {
            match rest.next() {
                Some(&next) if !std::mem::replace(&mut seen[next], true) => path.push((next, needs[next].iter())),
                Some(_) => {}
                None => {
                    finished.push(*position);
                    path.pop();
                }
            }
        }
    }
    finished
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn roots_are_what_nothing_outside_of_them_needs() {
        let roots_of = |needs: &[&[usize]]| -> Vec<Vec<usize>> {
            let needs: Vec<BTreeSet<usize>> = needs.iter().map(|needs| needs.iter().copied().collect()).collect();
            let mut roots: Vec<Vec<usize>> = roots(&needs)
                .into_iter()
                .map(|root| root.into_iter().collect())
                .collect();
            roots.sort();
            roots
        };
        assert_eq!(roots_of(&[&[1], &[2], &[], &[2]]), [vec![0], vec![3]]);
        // What needs itself is needed by nothing else.
        assert_eq!(roots_of(&[&[0, 1], &[]]), [[0]]);
        // A circle, which leads to another one.
        assert_eq!(roots_of(&[&[1], &[0], &[3, 0], &[2]]), [[2, 3]]);
    }

    proptest! {
        #[test]
        fn everything_hangs_on_the_roots(edges in proptest::collection::vec((0..9_usize, 0..9_usize), 0..24)) {
            let mut needs = vec![BTreeSet::new(); 9];
            for (from, to) in edges {
                needs[from].insert(to);
            }
            let roots = roots(&needs);
            let all = |from: &BTreeSet<usize>| reached(from.iter().copied(), |position| &needs[position], &BTreeSet::new());
            let on_roots: BTreeSet<usize> = roots.iter().flat_map(all).collect();
            prop_assert_eq!(on_roots.len(), 9);
            for root in &roots {
                let outside = (0..9).filter(|position| !root.contains(position));
                prop_assert!(outside.flat_map(|position| &needs[position]).all(|needed| !root.contains(needed)));
                prop_assert!(root.iter().all(|one| all(&BTreeSet::from([*one])).is_superset(root)));
            }
        }
    }
}
