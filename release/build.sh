#!/bin/sh
# Makes what is released for one target.
#
#   release/build.sh TARGET DIR
#
# puts into DIR, of one compilation of TARGET (x86_64-unknown-linux-musl, …):
#   lambda-pack-<version>-<target>.tar.gz     program, manual pages, completions;
#                                             .zip for Windows
#   lambda-pack-<version>-<target>.cdx.json   its bill of materials (CycloneDX)
#   lambda_pack-<version>-py3-none-….whl      the program for pip
#   lambda-pack_<version>_<architecture>.deb  for Debian (static Linux programs only)
#
# PROFILE is cargo's, `dist` unless set. Needs Python and rustup; tests/setup.sh
# installs the rest. Exit code 3: this machine can't have that. Programs for arm64 Linux run under qemu elsewhere, those
# for Windows under Wine, to print their manual pages.
set -eu

target=$1
mkdir -p "$2"
out=$(cd "$2" && pwd)
profile=${PROFILE:-dist}
cd "$(dirname "$0")/.."
version=$(release/version.sh)
name=lambda-pack-$version-$target

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}" CARGO_INCREMENTAL=0
# 1980-02-01, as in the archives: of times nothing else is known.
export SOURCE_DATE_EPOCH=318211200
# Panics name source files; not those of this machine.
export CARGO_ENCODED_RUSTFLAGS="--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src=/registry"

case $target in
*-linux-musl)
    # Zig is the linker and the C compiler, with a C library of its own. A static program fits all of
    # Linux, so its wheel says so to both kinds of pip.
    set -- --zig --compatibility manylinux2014 musllinux_1_2
    # Zig links it to a fixed address, so its code may count on one. What cargo wants between arguments is in no path.
    CARGO_ENCODED_RUSTFLAGS=$(printf '%s\037%s' "$CARGO_ENCODED_RUSTFLAGS" -Crelocation-model=static)
    ;;
*-windows-gnu) set -- --zig --compatibility pypi ;;
*) set -- --compatibility pypi ;;
esac
maturin=$(tests/setup.sh maturin)
RUSTUP_HOME=$(tests/setup.sh rust)
RUSTUP_TOOLCHAIN=$(ls "$RUSTUP_HOME/toolchains")
PATH=$(dirname "$maturin"):$PATH
export PATH RUSTUP_HOME RUSTUP_TOOLCHAIN

case "$target $(uname -sm)" in
aarch64-*-linux-*' Linux aarch64') run= ;;
aarch64-*-linux-*) run=$(tests/setup.sh qemu-aarch64) ;;
*-windows-*) run=$(tests/setup.sh wine) ;;
*) run= ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$maturin" build --quiet --locked --profile "$profile" --target "$target" "$@" --out "$work"

# The wheel has the program and its bill of materials; all else is made of these two.
python3 -m zipfile -e "$work"/*.whl "$work/wheel"
tree=$work/$name
mkdir "$tree"
cp "$work"/wheel/*.data/scripts/lambda-pack* "$tree"
# It names packages of the workspace by where they stand.
sed "s|path+file://$PWD|path+file:///lambda-pack|g" \
    "$work"/wheel/*.dist-info/sboms/lambda-pack.cyclonedx.json >"$work/$name.cdx.json"
chmod 755 "$tree"/lambda-pack*
lambda_pack() {
    $run "$tree"/lambda-pack* "$@"
}

mkdir "$tree/man" "$tree/completions"
lambda_pack man --out-dir "$tree/man"
lambda_pack completions bash >"$tree/completions/lambda-pack.bash"
lambda_pack completions zsh >"$tree/completions/_lambda-pack"
lambda_pack completions fish >"$tree/completions/lambda-pack.fish"
lambda_pack completions powershell >"$tree/completions/_lambda-pack.ps1"
cp LICENSE README.md CHANGELOG.md "$tree"
release/archive.py "$tree"

case $target in
*-linux-musl)
    # Where cargo-deb looks for what `target/release/` stands for in Cargo.toml.
    built=$CARGO_TARGET_DIR/$target/$profile
    [ "$profile" != dev ] || built=$CARGO_TARGET_DIR/$target/debug
    mkdir -p "$built"
    rm -rf "$built/deb"
    cp -r "$tree" "$built/deb"
    # Debian's are compressed.
    gzip -9 -n "$built"/deb/man/*.1
    "$(tests/setup.sh cargo-deb)" --no-build --no-strip --quiet --target "$target" --profile "$profile" --output "$work" >&2
    mv "$work"/*.deb "$out"
    ;;
esac
mv "$work"/*.whl "$work/$name".[tz]* "$work/$name.cdx.json" "$out"
