#!/usr/bin/env bash
# Mutation testing of tier 1: changes one thing in the code at a time, and asks whether a test beside it notices.
#
#   scripts/mutants.sh key             # one of key, policy, breaker
#   scripts/mutants.sh policy 0/4      # a quarter of the changes
#
# What tier 1 imports is tier 0 and itself, so a crate of these two alone is built in a second, where the whole takes ten.
# Needs cargo-mutants (`cargo install cargo-mutants --locked`). What nobody noticed is in target/mutants/FOLDER.out/missed.txt.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

folder=${1:?a folder of tier 1: key, policy, breaker}
shard=${2:-0/1}
root=$PWD/target/mutants
crate=$root/crate

rm -rf "$crate"
mkdir -p "$crate"
cp -r Cargo.lock README.md src "$crate"
# Its manifest without the programs that are not there, and a root that declares the two tiers.
awk '/^\[\[(example|bench|test)\]\]/ { skip = 1; next } /^\[/ { skip = 0 } !skip' Cargo.toml >"$crate/Cargo.toml"
{
    echo '#![allow(missing_docs, dead_code, unused_imports, unreachable_pub)]'
    sed -n '/^#\[cfg(any(test, fuzzing))\]/,/^pub mod checks/p' src/lib.rs
    grep -E '^(pub )?mod (breaker|clock|error|event|key|policy|seconds|sync|tag);' src/lib.rs
    grep -E '^pub use (breaker|error|event|key|policy)::' src/lib.rs
} >"$crate/src/lib.rs"

# The properties of the parsers in `checks/` are tests of `key` and `policy`; fewer cases than usual are enough to notice.
filters=(checks)
[ "$folder" != breaker ] || filters=()
# One run after another: each has a copy of the crate of its own, and all of them the same target folder, for what is built of
# the dependencies.
export CARGO_TARGET_DIR=$root/target CARGO_PROFILE_TEST_DEBUG=0 PROPTEST_CASES="${PROPTEST_CASES:-64}"
rm -rf "$root/$folder.out"
status=0
cargo mutants --dir "$crate" --output "$root/$folder.out" --file "src/$folder/**/*.rs" --exclude '**/tests.rs' --exclude '**/models.rs' \
    --shard "$shard" --timeout 30 --colors never --all-features -- --lib "$folder" -- "${filters[@]}" || status=$?
# 2 and 3: some were missed, some did not end.
[ "$status" -eq 0 ] || [ "$status" -eq 2 ] || [ "$status" -eq 3 ] || exit "$status"
cd "$root/$folder.out/mutants.out"
wc -l caught.txt missed.txt timeout.txt unviable.txt
