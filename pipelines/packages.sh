# Sourced by the others: what the functions of a project are. Makes $work, a directory that is removed at the end.

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What decides: source hash and definition of each function.
of_each='map_values({source_hash, definition})'

# packages_here DIR FILE: those of a checkout, as its lambda-pack.toml says where they are.
packages_here() {
    (cd "$1" && echo '{}' | lambda-pack external hash) >"$work/hash.json"
    jq --sort-keys ".packages | fromjson | $of_each" "$work/hash.json" >"$2"
}

# packages_of COMMIT FILE
packages_of() {
    # What a run that was cut short has left.
    git worktree prune
    git worktree add --quiet --detach "$work/tree" "$1"
    packages_here "$work/tree" "$2"
    git worktree remove --force "$work/tree"
}

# differences FILE FILE: the names of those that are in one of them alone, or not the same.
differences() {
    jq --slurp --raw-output \
        '.[0] as $a | .[1] as $b | [$a + $b | keys[] | select($a[.] != $b[.])] | join(", ")' "$1" "$2"
}

# newer_than_here [REF]: the commit of REF; nothing if it is checked out, or none is given.
newer_than_here() {
    [ -n "${1-}" ] || return 0
    commit=$(git rev-parse --verify "$1^{commit}") || return
    [ "$commit" = "$(git rev-parse HEAD)" ] || echo "$commit"
}
