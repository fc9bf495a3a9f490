#!/bin/sh
# Plans lambda-build-module without a lock, for a role that may only read, and
# writes what a reviewer wants to know as Markdown into the file $1.
set -eu
. "$(dirname "$0")/terragrunt.sh"
case $1 in
/*) summary=$1 ;;
*) summary=$PWD/$1 ;;
esac
cd "$(dirname "$0")/../lambda-build-module"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A comment on GitHub has 65,536 characters at most: these are for both blocks, and as many as half of them for the table.
most=40000

# block TITLE FILE: a file as it is, whatever is in it, cut where it is too long.
block() {
    if [ "$(wc -c <"$2")" -gt $((most / 2)) ]; then
        head -c $((most / 2)) "$2" | sed '$d' >"$work/cut"
        printf '… cut: the log of the job has the rest\n' >>"$work/cut"
        mv "$work/cut" "$2"
    fi
    printf '<details><summary>%s</summary>\n\n<pre>\n' "$1"
    sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' -e 's/>/\&gt;/g' "$2"
    printf '</pre>\n</details>\n\n'
}

terragrunt plan -input=false -lock=false -no-color -out="$work/plan"
terragrunt show -no-color "$work/plan" >"$work/plan.txt"

# It only explains the plan: where it fails, it says why. There is no store before the first build.
if store=$(terragrunt output -raw store 2>"$work/error") && [ -n "$store" ]; then
    (cd .. && lambda-pack diff --store "$store") >"$work/diff.txt" 2>&1 || true
    (cd .. && lambda-pack report --store "$store" --markdown="$work/report.md" --max-bytes $((most / 2))) || true
else
    echo 'The state names no store yet: nothing to compare with.' >"$work/diff.txt"
fi

{
    cat "$work/report.md" 2>/dev/null || echo '### Lambda packages'
    echo
    grep -E '^(Plan:|No changes\.)' "$work/plan.txt" || echo 'Only outputs change.'
    echo
    block 'What changes in the packages' "$work/diff.txt"
    block 'The plan' "$work/plan.txt"
} >"$summary"
