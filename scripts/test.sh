#!/usr/bin/env bash
# Everything that has to be green before a change is proposed: format, lints, tests, docs.
# Needs Rust with rustfmt and clippy, and a C compiler (it links, and builds zstd for the tests); nothing else. Chromium with
# chromedriver, for the status page, and Prometheus, for its rules, are installed where that is possible, and done without where
# it is not.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

step_name='the tools'
trap '[ $? -eq 0 ] || printf "\nFAILED after %d s: %s\n" "$SECONDS" "$step_name" >&2' EXIT

step() {
    step_name=$1
    shift
    printf '\n== %s\n' "$step_name"
    "$@"
}

# Says all that is missing at once, and how to get it.
check_tools() {
    local missing=0
    need() {
        printf 'missing: %s\n         %s\n' "$1" "$2" >&2
        missing=1
    }
    if ! command -v cargo >/dev/null; then
        need 'cargo' 'install Rust with rustup (https://rustup.rs), then open a new shell'
    else
        cargo fmt --version >/dev/null 2>&1 || need 'rustfmt' 'rustup component add rustfmt (Debian packages: apt install rustfmt)'
        cargo clippy --version >/dev/null 2>&1 || need 'clippy' 'rustup component add clippy (Debian packages: apt install rust-clippy)'
        local wanted found
        wanted=$(sed -n 's/^rust-version *= *"\(.*\)"/\1/p' Cargo.toml)
        found=$(rustc --version 2>/dev/null | cut -d ' ' -f 2)
        if [ "$(printf '%s\n%s\n' "$wanted" "${found%%-*}" | sort -V | head -n 1)" != "$wanted" ]; then
            need "Rust $wanted or newer (found: ${found:-none})" 'rustup update stable'
        fi
    fi
    command -v cc >/dev/null || need 'a C compiler called cc' 'apt install build-essential'
    if [ "$missing" -ne 0 ]; then
        printf '\nNothing was run. Install what is missing and start again.\n' >&2
        trap - EXIT
        exit 1
    fi
}

# Programs that some tests drive. What is missing is installed where it can be; without them those tests are skipped, and with
# them they may not be.
#   find_programs VARIABLE PRESENT PACKAGE...    PRESENT is a command that says whether they are there
find_programs() {
    local variable=$1 present=$2
    shift 2
    if ! "$present" && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@"; } >/dev/null || true
    fi
    if "$present"; then
        export "$variable=required"
        echo 'is there'
    else
        echo "skipped: not installed (Debian: apt install $*)"
    fi
}

has_browser() {
    command -v chromedriver >/dev/null &&
        { command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null
}

has_prometheus() {
    command -v prometheus >/dev/null && command -v promtool >/dev/null
}

check_tools
step 'a browser, for the tests of the status page' find_programs BROWSER_TESTS has_browser chromium chromium-driver fonts-liberation
step 'Prometheus, for the tests of the dashboard and the alerts' find_programs PROMETHEUS_TESTS has_prometheus prometheus
step 'format' cargo fmt --all --check
step 'clippy, all targets, all features' cargo clippy --all-targets --all-features -- -D warnings
step 'clippy, default features' cargo clippy -- -D warnings
step 'examples, all features (tests run them as programs)' cargo build --all-features --examples
step 'tests, all features' cargo test --all-features --lib --tests --examples
step 'docs, all features' env RUSTDOCFLAGS='-D warnings' cargo doc --no-deps --all-features
step 'doc tests, all features' cargo test --all-features --doc
printf '\nscripts/test.sh: all green in %d s\n' "$SECONDS"
