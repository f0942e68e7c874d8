#!/usr/bin/env bash
# Game day: eight incidents in examples/demo, each seen as a reader sees it, diagnosed with the commands of ops/RUNBOOK.md
# and ended with its levers. Needs curl (7.84 or newer) and python3; takes a minute.
#
#   scripts/game-day.sh              plays them on a release build, which it makes where it is missing
#   DEMO=FILE scripts/game-day.sh    plays them on this build of the demo
#
# Ends with 1 if something does not happen as it is told, 2 on a wrong option.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
RUNBOOK=ops/RUNBOOK.md
# How long anything may take that has to happen, in seconds.
PATIENCE=20
export TOKEN=game-day

if [ $# -ne 0 ]; then
    sed -n '/^#   /s/^# *//p' "${BASH_SOURCE[0]}" >&2
    exit 2
fi
if [ -z "${DEMO:-}" ]; then
    cargo build --quiet --release --features full --example demo
    DEMO="${CARGO_TARGET_DIR:-$PWD/target}/release/examples/demo"
fi

work=$(mktemp -d)
pid=''

stop_demo() {
    [ -z "$pid" ] || { kill "$pid" && wait "$pid"; } 2>/dev/null || true
    pid=''
}

trap 'stop_demo; rm -rf "$work"' EXIT

# A demo of its own for each incident, so that none sees what another left behind.
start_demo() {
    stop_demo
    : >"$work/said"
    "$DEMO" --listen 127.0.0.1:0 --token "$TOKEN" "$@" >"$work/said" 2>"$work/log" &
    pid=$!
    within "the demo listens" grep -q '^listening on ' "$work/said"
    OPS=$(sed -n 's|^listening on \(http://[0-9.:]*\): .*|\1|p' "$work/said")
    APP=$OPS
    export OPS APP
}

# All that the demo's own load asks for is stored.
is_warm() { curl -sS "$OPS/health" | grep -q '"entries":1[4-9]'; }

# As in the runbook.
ops() { curl -sS -H "Authorization: Bearer $TOKEN" "$OPS$@"; }
explain() { ops /explain -G --data-urlencode "url=$1" "${@:2}"; }

tell() { printf '%-10s %s\n' "$1" "$2"; }

fail() {
    tell 'NOT SO' "$1" >&2
    exit 1
}

# within WHAT COMMAND…: until the command succeeds.
within() {
    local what=$1 deadline=$((SECONDS + PATIENCE))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$deadline" ] || fail "in vain: $what"
        sleep 0.1
    done
}

incident() {
    printf '\n== %s\n' "$1"
}

# has TEXT PATTERN…: each pattern is in it.
has() {
    local text=$1 pattern
    shift
    for pattern in "$@"; do
        [[ $text =~ $pattern ]] || return 1
    done
}

# pick EXPRESSION: what of a JSON document tells; the document is `it`.
pick() {
    python3 -c '
import json, sys

it = json.load(sys.stdin)

def route(name):
    return next(route for route in it["routes"] if route["route"] == name)

def of(what, *names):
    return {name: what[name] for name in names}

def events(*kinds):
    told = [event for event in it["events"] if event["event"] in kinds]
    newest = {(event["event"], event["reason"]): event for event in reversed(told)}
    return [{name: value for name, value in event.items() if value and name != "at"} for event in newest.values()]

found = eval(sys.argv[1])
for row in found if isinstance(found, list) else [found]:
    print(json.dumps(row))
' "$1"
}

observe() {
    told=$(eval "$1" 2>&1 | if [ -n "$2" ]; then pick "$2"; else cat; fi) && has "$told" "${@:3}"
}

# look COMMAND EXPRESSION PATTERN…: what the operator runs, until its output has what tells. It is in `told` then.
look() {
    local command=$1
    told=''
    local deadline=$((SECONDS + PATIENCE))
    until observe "$@"; do
        [ "$SECONDS" -lt "$deadline" ] || fail "$command: no sign of ${*:3} in: $told"
        sleep 0.1
    done
    tell look "\$ $command"
    sed 's/^/             /' <<<"$told"
}

# inject STATE: of the API.
inject() {
    tell inject "\$ curl -X POST \$APP/api/$1"
    curl -sS -f -o /dev/null -X POST "$APP/api/$1"
}

# ask PATH [CURL'S OPTIONS]: one reader. The answer is in `answer`, its body in `body`.
ask() {
    answer=$(curl -sS -o "$work/body" "${@:2}" "$APP$1" -w '%{http_code} in %{time_total} s; Age: %header{age}; Cache-Status: %header{cache-status}; Set-Cookie: %header{set-cookie}; Retry-After: %header{retry-after}')
    # Without the fields that did not come.
    answer=$(sed -E -e 's/in ([0-9]+\.[0-9]{2})[0-9]*/in \1/' -e ':again' -e 's/; [A-Z][A-Za-z-]*: (;|$)/\1/' -e 'tagain' <<<"$answer")
    body=$(cat "$work/body")
}

asks() {
    ask "${@:2}"
    has "$answer" "$1"
}

# reader KIND PATTERN PATH [CURL'S OPTIONS]: a reader is answered so, at the latest after a while.
reader() {
    local kind=$1 wanted=$2
    shift 2
    within "GET $* is answered $wanted" asks "$wanted" "$@"
    tell "$kind" "GET $* → $answer, “$body”"
}

# diagnose SECTION WORD TEXT: the runbook has the word in that section, and says what it means.
diagnose() {
    awk -v wanted="$1" '/^#/ { sub(/^#+ /, ""); here = $0 == wanted; next } here' "$RUNBOOK" | grep -q -F "$2" ||
        fail "the runbook's “$1” does not have “$2”"
    tell diagnosis "$3 (runbook: $1)"
}

# lever CALL JSON: one of the runbook's.
lever() {
    local answered
    answered=$(ops "$1" --json "$2")
    tell lever "\$ ops $1 --json '$2'"
    lever_answer=$answered
}

# Which part of what came, as a number of lines.
count() {
    grep -c -- "$1" "$2" || true
}

slow() {
    incident '1. The origin is slow'
    start_demo
    within 'everything is stored' is_warm
    reader before '^200 .*hit' '/odds/nba?market=main'
    inject slow
    reader symptom '^200 in ([3-9]|[1-9][0-9])\..*stored' /scores/50
    reader symptom '^200 in 0\..*hit' '/odds/nba?market=main'
    look 'curl -s $OPS/health/cache' 'of(route("scores"), "refresh_failures", "fill_seconds")' \
        '"refresh_failures": 0' '"p99": ([3-9]|2\.[5-9])'
    diagnose SwrCacheOriginSlow fill_seconds \
        "nothing fails, and the slowest calls take ${BASH_REMATCH[1]} s and more: the origin is slow; readers wait where nothing may be served"
    look 'explain /scores/50 -d route=scores' 'of(it["routes"][0], "outcome", "stored")' '"outcome": "miss", "stored": \{'
    lever /routes/scores '{"serve_stale_until":"2h"}'
    reader helped '^200 in 0\..*hit; detail=stale' /scores/50
    inject up
    lever /routes/scores '{"serve_stale_until":"0s"}'
}

down() {
    incident '2. The origin is down'
    start_demo
    within 'everything is stored' is_warm
    reader before '^200 .*hit' /scores/1
    inject down
    reader symptom '^200 .*detail=stale' /scores/1
    reader symptom '^503 .*Retry-After' /scores/51
    look 'curl -s $OPS/health' 'of(it, "status")' degraded
    look 'curl -s $OPS/health/cache' 'events("refresh_failed", "extended", "breaker_opened") + [of(route("scores"), "stale_runway_seconds")]' \
        '"refresh_failed".*"reason": "failure"' '"extended"' '"breaker_opened", "breaker": "([a-z-]*)"' '"stale_runway_seconds": ([0-7])\.'
    has "$told" '"stale_runway_seconds": ([0-9.]*)'
    diagnose SwrCacheRefreshesFail '`failure`' \
        "the origin answers 5xx, its breaker is open, and scores can be served for ${BASH_REMATCH[1]%.*} s more"
    lever /routes/scores '{"serve_stale_until":"2h"}'
    look 'curl -s $OPS/health/cache' 'of(route("scores"), "serve_stale_until", "stale_runway_seconds")' '"stale_runway_seconds": 7[0-9]{3}'
    # Without the lever nothing is served past 1.5 × the hard TTL of 5 s.
    reader helped '^200 in 0\..*Age: (8|9|[1-9][0-9]);.*hit' /scores/1
    inject up
    look 'curl -s $OPS/health/cache' 'events("breaker_closed")' '"breaker_closed"'
    lever /routes/scores '{"serve_stale_until":"0s"}'
    reader after '^200 .*hit$' /scores/1
}

missing_key_part() {
    incident '3. A part of the key is missing'
    start_demo
    tell inject 'a quote is in the currency of X-Currency, and the key of the route does not have it; the route is in mode observe'
    reader symptom '^200 .*detail=observe' /quotes/7 -H 'X-Currency: EUR'
    local euros=$body
    reader symptom '^200 .*detail=observe' /quotes/7 -H 'X-Currency: USD'
    [ "$euros" != "$body" ] || fail 'quotes do not depend on the currency'
    look 'curl -s $OPS/metrics | grep observed_total{' '' 'route="quotes",verdict="different"} [1-9]'
    look 'explain /quotes/7 -d route=quotes -d header=x-currency:EUR' 'of(it["routes"][0], "key")' '"key": "([^"]*)"'
    local key=${BASH_REMATCH[1]}
    look 'explain /quotes/7 -d route=quotes -d header=x-currency:USD' 'of(it["routes"][0], "key")' '"key": "([^"]*)"'
    [ "$key" = "${BASH_REMATCH[1]}" ] || fail 'the keys differ'
    diagnose "Somebody gets another's answer" observed_different \
        "“$euros” and “$body” have one key, $key: it lacks the currency"
    lever /routes/quotes '{"mode":"bypass"}'
    reader helped '^200 .*detail=mode' /quotes/7 -H 'X-Currency: EUR'
    [ "$euros" = "$body" ] || fail 'a reader gets the other currency'
}

cookies() {
    incident '4. Cookies on their way to strangers'
    start_demo
    inject cookies
    reader symptom '^200 .*detail=set_cookie; Set-Cookie' /scores/60
    local first=$answer
    reader symptom '^200 .*detail=set_cookie; Set-Cookie' /scores/60
    [ "${first##*; }" != "${answer##*; }" ] || fail 'two readers have one session'
    look 'explain /scores/60 -d route=scores' 'of(it["routes"][0], "not_stored", "stored", "uncollapsed")' '"not_stored": "set_cookie", "stored": null'
    look 'curl -s $OPS/metrics | grep uncacheable_total{' '' 'reason="set_cookie"} [1-9]'
    diagnose 'Everything is uncacheable' '`set_cookie`' 'each response sets a cookie, so none is kept, and each reader has a session of his own'
    inject up
    reader helped '^200 .*stored$' /scores/60
    reader helped '^200 .*hit$' /scores/60
}

# Three hundred keys, forty at a time; then how many of them come from memory.
many_keys() {
    for _ in 1 2; do
        curl -sS -Z --parallel-max 40 -o /dev/null -w '%header{cache-status}\n' "$APP/odds/nba?market=[1-300]" 2>/dev/null >"$work/many"
    done
    from_memory=$(count '; hit' "$work/many")
}

memory_full() {
    incident '5. The memory is full'
    start_demo --capacity 64KiB
    tell inject 'the demo has --capacity 64KiB, and 300 keys of /odds/nba?market=[1-300] are asked for, twice'
    many_keys
    tell symptom "the second time, $from_memory of 300 come from memory"
    [ "$from_memory" -lt 150 ] || fail 'everything fits'
    look 'curl -s $OPS/health/cache' 'events("evicted") + [of(it["store"], "keys", "stored_bytes", "capacity_bytes")]' \
        '"event": "evicted"' '"keys": ([0-9]+), "stored_bytes": ([0-9]+), "capacity_bytes": ([0-9]+)'
    local keys=${BASH_REMATCH[1]} stored=${BASH_REMATCH[2]} capacity=${BASH_REMATCH[3]}
    [ $((stored * 10)) -ge $((capacity * 8)) ] || fail "$stored of $capacity bytes are no full memory"
    look 'curl -s $OPS/metrics | grep evictions_total{' '' 'reason="capacity"} [1-9]'
    diagnose SwrCacheEvictsForRoom capacity_bytes "$keys keys take $stored of $capacity bytes, and others left for want of room"
    tell done 'the demo starts again with --capacity 1MiB'
    start_demo --capacity 1MiB
    many_keys
    [ "$from_memory" -eq 300 ] || fail "$from_memory of 300 come from memory"
    tell helped "the second time, $from_memory of 300 come from memory"
    look 'curl -s $OPS/metrics | grep evictions_total{' '' 'reason="capacity"} 0'
}

purge_missed() {
    incident '6. A purge that missed'
    start_demo
    reader before '^200 .*hit' /sports
    reader before '^200 .*hit' '/odds/nba?market=main'
    local old=$body
    tell inject 'a tag with a typing error, and a URL with another query'
    lever /purge '{"tag":"nab"}'
    has "$lever_answer" '"entries":0' || fail "$lever_answer"
    tell symptom "$lever_answer"
    lever /purge '{"url":"/sports?all"}'
    has "$lever_answer" '"entries":0' || fail "$lever_answer"
    tell symptom "$lever_answer"
    look 'curl -s $OPS/health/cache' 'events("purged")' '"event": "purged".*: 0"'
    look 'explain /sports -d route=sports' '[of(it["routes"][0], "key"), of(it["routes"][0]["stored"], "age_seconds", "tags")]' '"key": "sports[^"]*"' '"tags": \[\]'
    look "explain '/odds/nba?market=main' -d route=odds" '[of(it["routes"][0], "key"), of(it["routes"][0]["stored"], "age_seconds", "tags")]' '"key": "odds[^"]*sport=nba' '"tags": \["'
    look "ops /purge --json '{\"url\":\"/sports\",\"dry_run\":true}'" '' '"dry_run":true,"entries":1'
    look "ops /purge --json '{\"tag\":\"nba\",\"dry_run\":true}'" '' '"dry_run":true,"entries":[1-9]'
    diagnose 'A purge did not help' '`"entries": 0`' 'nothing has the tag nab, or was asked for as /sports?all; what was meant is stored'
    reader before '^200 .*hit' /sports
    old=$body
    lever /purge '{"url":"/sports"}'
    has "$lever_answer" '"entries":1' || fail "$lever_answer"
    lever /purge '{"tag":"nba"}'
    has "$lever_answer" '"entries":[1-9]' || fail "$lever_answer"
    reader helped '^200 ' /sports
    [ "$body" != "$old" ] || fail 'the old answer is served'
}

calls() {
    curl -sS "$OPS/health/cache" | pick 'sum(route["upstream_calls"] for route in it["routes"])'
}

no_calls() {
    local before
    before=$(calls)
    sleep 1
    [ "$(calls)" = "$before" ]
}

throttled() {
    incident '7. The origin wants to be left alone: 429'
    start_demo
    within 'everything is stored' is_warm
    reader before '^200 .*hit' /scores/1
    inject throttled
    reader symptom '^429 .*detail=throttled; Retry-After' /scores/70
    reader symptom '^200 .*detail=stale' /scores/1
    look 'curl -s $OPS/health/cache' 'events("refresh_failed") + [of(it["breakers"][0], "name", "state", "failures")]' \
        '"refresh_failed".*"reason": "throttled"' '"name": "([a-z-]*)", "state": "closed"'
    diagnose '429 from the upstream' throttled "the origin answers 429, which opens no breaker: ${BASH_REMATCH[1]} is closed, and it is asked on"
    lever /routes/scores '{"serve_stale_until":"2h"}'
    lever /breakers/paid-api '{"mode":"open"}'
    within 'no call reaches the origin' no_calls
    tell helped 'no call in a second'
    reader helped '^200 .*hit; detail=stale' /scores/1
    inject up
    lever /breakers/paid-api '{"mode":"auto"}'
    lever /routes/scores '{"serve_stale_until":"0s"}'
    reader after '^200 .*hit$' /scores/1
}

recorder_missing() {
    incident '8. The recorder is missing'
    start_demo --no-recorder
    tell inject 'the demo has --no-recorder'
    reader symptom '^404' /metrics
    look 'curl -s $OPS/health/cache' 'of(it, "status", "recorder_installed")' '"status": "ok"' '"recorder_installed": false'
    diagnose SwrCacheTellsNothing recorder_installed 'the cache is well, and nothing in this process takes its metrics'
    tell done 'the demo starts again, and installs one'
    start_demo
    reader before '^200 ' /sports
    look 'curl -s $OPS/health/cache' 'of(it, "recorder_installed")' '"recorder_installed": true'
    look "curl -s \$OPS/metrics | grep 'requests_total{route=\"sports\",outcome=\"miss\"'" '' 'swr_cache_requests_total.* [1-9]'
}

slow
down
missing_key_part
cookies
memory_full
purge_missed
throttled
recorder_missing
printf '\nscripts/game-day.sh: eight incidents, each as told\n'
