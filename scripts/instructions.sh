#!/usr/bin/env bash
# How many instructions a hit, a stale answer, a bypass and a miss take, next to what they are made of. Unlike times, these
# are the same on a busy machine. Needs valgrind; a run takes a minute.
#
#   scripts/instructions.sh             fails where a ratio is 5 % away from ci/instructions.txt, to either side
#   scripts/instructions.sh --update    writes that list
#
# Ends with 1 on a failure, 2 on a wrong option, 77 where valgrind is not installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
EXPECTED=ci/instructions.txt
PERCENT=5
CANNOT_RUN=77

case "$#:${1:-}" in
    0:) mode=compare ;;
    1:--update) mode=update ;;
    *)
        sed -n '/^#   /s/^# *//p' "${BASH_SOURCE[0]}" >&2
        exit 2
        ;;
esac
if ! command -v valgrind >/dev/null; then
    echo 'skipped: valgrind is not installed' >&2
    exit "$CANNOT_RUN"
fi

bench=$(cargo bench --quiet --bench instructions --no-run --message-format json |
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')

# All that the process has done.
counted() {
    local said
    said=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null "$bench" "$@" 2>&1) || {
        printf '%s\n' "$said" >&2
        return 1
    }
    sed -n 's/.*Collected : *\([0-9]*\).*/\1/p' <<<"$said"
}

# What one of a case takes: the set-up, which has other hash keys each time, is in both runs.
one() {
    local n=$2 few many
    few=$(counted "$1" "$n")
    many=$(counted "$1" $((2 * n)))
    echo $(((many - few) / n))
}

request=$(one request 20000)
new_request=$(one 'new request' 20000)
floor=$(one floor 20000)
hit=$(($(one hit 20000) - request))
stale=$(($(one stale 20000) - request))
bare=$(($(one bare 20000) - new_request))
bypass=$(($(one bypass 20000) - new_request))
miss=$(($(one miss 10000) - new_request))

ratios() {
    while read -r name over; do
        awk -v name="$name" -v over="$over" -v a="${!name}" -v b="${!over}" \
            'BEGIN { printf "%s/%s %.3f\n", name, over, a / b }'
    done <<'CASES'
hit floor
stale hit
bypass bare
miss bare
CASES
}

printf '| instructions | |\n|---|---|\n'
for name in floor hit stale bare bypass miss; do
    printf '| %s | %d |\n' "$name" "${!name}"
done

if [ "$mode" = update ]; then
    {
        echo '# Instructions of the one over those of the other: scripts/instructions.sh --update'
        echo "# $(rustc --version)"
        ratios
    } >"$EXPECTED"
fi

printf '\n| ratio | expected | now | |\n|---|---|---|---|\n'
ratios | awk -v percent="$PERCENT" '
    NR == FNR { if ($1 != "#") expected[$1] = $2; next }
    {
        change = ($1 in expected) ? 100 * ($2 / expected[$1] - 1) : percent + 1
        off = change > percent || change < -percent
        failed = failed || off
        printf "| %s | %s | %s | %+.1f %%%s |\n", $1, expected[$1], $2, change, off ? ", FAILED" : ""
    }
    END { exit failed }
' "$EXPECTED" - || {
    printf '\nA ratio is more than %d %% off. If that is meant: scripts/instructions.sh --update\n' "$PERCENT" >&2
    printf 'written by %s, this is %s\n' "$(sed -n 's/^# \(rustc .*\)/\1/p' "$EXPECTED")" "$(rustc --version)" >&2
    exit 1
}
