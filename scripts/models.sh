#!/usr/bin/env bash
# Runs the models: what threads do to each other in the flight, the refresh claim, the breaker and the store, under
# schedules that the checker chooses. They are built with locks and atomics of the checker's, in a target folder of their own.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}/shuttle"
# The one warning: all orderings of atomics are taken for sequentially consistent. CONTRIBUTING.md says so.
export SHUTTLE_SILENCE_WARNINGS=1
export RUSTFLAGS="${RUSTFLAGS:-} --cfg shuttle"
cargo test --quiet --lib "${@:-models::}" -- --nocapture
