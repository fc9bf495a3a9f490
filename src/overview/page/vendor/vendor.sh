#!/bin/sh
# Makes d3-hierarchy.js from the package that npm gives for tests/page/package-lock.json, which has its digest: the
# minified file as it is, behind its licence. With --check, says whether it is that.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
package=$("$here/../../../../tests/setup.sh" page)/d3-hierarchy

made=$(mktemp)
trap 'rm -f "$made"' EXIT
{
    echo '/*'
    cat "$package/LICENSE"
    echo '*/'
    cat "$package/dist/d3-hierarchy.min.js"
} >"$made"

case ${1-} in
--check)
    cmp "$made" "$here/d3-hierarchy.js" || {
        echo "$0: d3-hierarchy.js isn't what the lock file says: run $0" >&2
        exit 1
    }
    ;;
*) cat "$made" >"$here/d3-hierarchy.js" ;;
esac
