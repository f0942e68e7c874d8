#!/usr/bin/env bash
# Mutation testing of the lower tiers: changes one thing in the code at a time, and asks whether a test beside it notices.
#
#   scripts/mutants.sh key             # one of the folders of tiers 1 to 3, or tag; or base, all of tier 0
#   scripts/mutants.sh policy 0/4      # a quarter of the changes
#
# A tier imports what is below it and itself, so a crate of the lowest ones alone is built in two seconds, where the whole takes
# ten. Needs cargo-mutants (`cargo install cargo-mutants --locked`). What nobody noticed is in
# target/mutants/GROUP.out/mutants.out/missed.txt.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

group=${1:?base; key, tag, policy, breaker; entry, config; store}
shard=${2:-0/1}
root=$PWD/target/mutants
crate=$root/crate

tier0='clock error event flight hook rfc3339 seconds spool sync window'
declared="$tier0 key tag policy breaker"
case $group in entry | config) declared+=' entry config' ;; store) declared+=' entry config store' ;; esac
read -ra modules <<<"${group/#base/$tier0}"
files=()
for module in "${modules[@]}"; do files+=(--file "src/$module.rs" --file "src/$module/**/*.rs"); done

rm -rf "$crate"
mkdir -p "$crate"
cp -r Cargo.lock README.md src "$crate"
# Its manifest without the programs that are not there, and a root that declares these tiers.
awk '/^\[\[(example|bench|test)\]\]/ { skip = 1; next } /^\[/ { skip = 0 } !skip' Cargo.toml >"$crate/Cargo.toml"
{
    echo '#![allow(missing_docs, dead_code, unused_imports, unreachable_pub)]'
    sed -n '/^#\[cfg(any(test, fuzzing))\]/,/^pub mod checks/p' src/lib.rs
    grep -E "^((pub )?mod|pub use) (${declared// /|})(;|::)" src/lib.rs
} >"$crate/src/lib.rs"

# The properties of the parsers in `checks/` are tests of `key` and `policy`; fewer cases than usual are enough to notice.
filters=("${modules[@]/%/::}")
case $group in key | policy) filters+=(checks::) ;; esac
# One run after another: each has a copy of the crate of its own, and all of them the same target folder, for what is built of
# the dependencies.
export CARGO_TARGET_DIR=$root/target CARGO_PROFILE_TEST_DEBUG=0 PROPTEST_CASES="${PROPTEST_CASES:-64}"
rm -rf "$root/$group.out"
status=0
cargo mutants --dir "$crate" --output "$root/$group.out" "${files[@]}" --exclude '**/tests.rs' --exclude '**/models.rs' \
    --exclude 'src/sync/*' --shard "$shard" --timeout 30 --colors never --all-features -- --lib -- "${filters[@]}" || status=$?
# 2 and 3: some were missed, some did not end.
[ "$status" -eq 0 ] || [ "$status" -eq 2 ] || [ "$status" -eq 3 ] || exit "$status"
cd "$root/$group.out/mutants.out"
wc -l caught.txt missed.txt timeout.txt unviable.txt
