#!/usr/bin/env bash
# The public suite for HTTP caches (https://cache-tests.fyi) against examples/reverse_proxy. Needs node, npm and a calm
# machine: the suite counts seconds. A run takes a minute.
#
#   scripts/conformance.sh                       fails where a test has passed before (ci/conformance/expected.txt)
#   scripts/conformance.sh --update              writes that list, if three runs agree
#   CACHE_TESTS_DIR=DIR scripts/conformance.sh   a checkout of the suite with its dependencies: the score, what failed
#
# Ends with 1 on a failure, 2 on a wrong option, 77 where node, npm or the suite cannot be had.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
target="${CARGO_TARGET_DIR:-$PWD/target}"
SUITE=http-cache-tests
VERSION=0.4.5
CANNOT_RUN=77

cannot_run() {
    printf 'skipped: %s\n' "$1" >&2
    exit "$CANNOT_RUN"
}

# The pinned release, in a folder that is there as a whole or not at all.
install_suite() {
    local home="$target/conformance/$SUITE-$VERSION"
    suite="$home/node_modules/$SUITE"
    [ ! -d "$home" ] || return 0
    command -v npm >/dev/null || cannot_run 'npm is not installed'
    rm -rf "$home.part"
    mkdir -p "$home.part"
    npm install --prefix "$home.part" --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error \
        --fetch-retries=1 --fetch-timeout=30000 "$SUITE@$VERSION" >&2 || cannot_run "npm cannot install $SUITE@$VERSION"
    mv "$home.part" "$home"
}

case "$#:${1:-}${CACHE_TESTS_DIR:+ of a checkout}" in
    0:) mode=compare ;;
    1:--update) mode=update ;;
    '0: of a checkout') mode=score ;;
    *)
        sed -n '/^#   /s/^# *//p' "${BASH_SOURCE[0]}" >&2
        exit 2
        ;;
esac
command -v node >/dev/null || cannot_run 'node is not installed'
if [ "$mode" = score ]; then
    suite=$CACHE_TESTS_DIR
else
    install_suite
fi
cargo build --quiet --release --features full --example reverse_proxy
exec node ci/conformance/main.mjs "$mode" "$suite" "$target/release/examples/reverse_proxy"
