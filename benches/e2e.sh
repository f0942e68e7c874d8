#!/usr/bin/env bash
# What a hit costs over TCP: an axum server with the layer next to the same server without it, and reverse_proxy next to
# nginx and Varnish, whichever are installed, and to the floor: one read and one write from memory, no HTTP. Each server has
# one core, all on loopback, and wrk another.
#
#   benches/e2e.sh            a table: requests/s, and the server's CPU time for each
#   ROUNDS=20 benches/e2e.sh  more rounds than five
#
# Needs Linux with two CPUs, wrk, curl, python3, taskset, pgrep; no root. In a round every server runs once with each length,
# two seconds; what is told is medians over the rounds. The proxies' origin is stopped before: all they can do is hit.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
ROUNDS=${ROUNDS:-5}
SERVER_CPU=0
CLIENT_CPU=1
LENGTHS=(1 100) # KiB

# Where Debian has nginx and varnishd, for those who are not root.
PATH=$PATH:/usr/sbin
installed() {
    command -v "$1" >/dev/null || { echo "$1 is not installed" >&2; return 1; }
}
ready=true
for tool in wrk curl python3 taskset pgrep; do
    installed "$tool" || ready=false
done
others=()
for other in nginx varnishd; do
    ! installed "$other" || others+=("$other")
done
"$ready" || { echo 'skipped' >&2; exit 77; }

tmp=$(mktemp -d)
started=()
stop() {
    for pid in "${started[@]}"; do
        kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true
    done
    rm -rf "$tmp"
}
trap stop EXIT
trap 'exit 1' INT TERM

# Starts a server on its core.
start() {
    said="$tmp/said.${#started[@]}"
    : >"$said"
    taskset -c "$SERVER_CPU" "$@" >"$said" 2>"$tmp/errors" &
    pid=$!
    started+=("$pid")
}

# Until it answers on $1.
answers() {
    for _ in {1..100}; do
        ! curl -sf -o /dev/null "http://$1/1" || return 0
        sleep 0.1
    done
    echo "no answer from $1:" >&2
    cat "$tmp/errors" >&2
    return 1
}

# Starts a server of ours, which says where it listens.
start_ours() {
    start "$@"
    for _ in {1..100}; do
        address=$(sed -n 's/^listening on //p' "$said")
        [ -z "$address" ] || break
        sleep 0.1
    done
    answers "$address"
}

free_address() {
    python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print("127.0.0.1:%d" % s.getsockname()[1])'
}

start_nginx() {
    address=$(free_address)
    mkdir "$tmp/nginx"
    # As root it would become a user who cannot write here.
    [ "$(id -u)" -ne 0 ] || echo 'user root;' >"$tmp/nginx.conf"
    cat >>"$tmp/nginx.conf" <<EOF
daemon off;
worker_processes 1;
pid $tmp/nginx/pid;
error_log $tmp/nginx/errors;
events {}
http {
    access_log off;
    sendfile on;
    keepalive_requests 1000000000;
    open_file_cache max=1000;
    client_body_temp_path $tmp/nginx/1;
    proxy_temp_path $tmp/nginx/2;
    fastcgi_temp_path $tmp/nginx/3;
    uwsgi_temp_path $tmp/nginx/4;
    scgi_temp_path $tmp/nginx/5;
    proxy_cache_path $tmp/nginx/cache keys_zone=hits:10m;
    server {
        listen $address;
        proxy_cache hits;
        location / { proxy_pass http://$origin; }
    }
}
EOF
    start nginx -e "$tmp/nginx/errors" -c "$tmp/nginx.conf"
    answers "$address"
}

start_varnishd() {
    address=$(free_address)
    start varnishd -F -j none -T none -n "$tmp/varnish" -a "$address" -b "$origin" -s malloc,256m
    answers "$address"
}

# What a process and its descendants have had of a CPU, in microseconds.
cpu() {
    local pids=("$1") next
    for next in 0 1 2; do
        mapfile -t pids < <({ printf '%s\n' "${pids[@]}"; pgrep -P "$(IFS=,; echo "${pids[*]}")"; } | sort -u)
    done
    for next in "${pids[@]}"; do
        sed 's/.*) //' "/proc/$next/stat"
    done | awk -v hz="$(getconf CLK_TCK)" '{ ticks += $12 + $13 } END { printf "%d\n", ticks * 1e6 / hz }'
}

# One server, one length: a line of the results.
measure() {
    local name=$1 length=$2 before after said
    before=$(cpu "${pids[$name]}")
    said=$(taskset -c "$CLIENT_CPU" wrk -t 1 -c 16 -d 2s "http://${addresses[$name]}/$length")
    after=$(cpu "${pids[$name]}")
    if grep -E 'Non-2xx|Socket errors' <<<"$said" >&2; then
        echo "$name, $length KiB" >&2
        return 1
    fi
    awk -v name="$name" -v length_="$length" -v cpu=$((after - before)) '
        / requests in / { requests = $1 }
        /^Requests\/sec/ { rate = $2 }
        END { print length_, name, rate, cpu / requests }' <<<"$said"
}

cargo build --quiet --profile bench --features full --example reverse_proxy
target="${CARGO_TARGET_DIR:-$PWD/target}"
e2e=$(cargo bench --quiet --bench e2e --no-run --message-format json |
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')

declare -A pids addresses
names=()
add() {
    names+=("$1")
    pids[$1]=$pid
    addresses[$1]=$address
}

start_ours "$e2e" constants
origin=$address
origin_pid=$pid
start_ours "$e2e" constants
add axum
start_ours "$e2e" layer
add axum+layer
start_ours "$target/release/examples/reverse_proxy" --listen 127.0.0.1:0 --upstream "http://$origin" --threads 1
add reverse_proxy
for other in "${others[@]}"; do
    "start_$other"
    add "$other"
done
start_ours "$e2e" floor
add floor

for name in "${names[@]}"; do
    for length in "${LENGTHS[@]}"; do
        bytes=$(curl -sf "http://${addresses[$name]}/$length" | wc -c)
        [ "$bytes" -eq $((length << 10)) ] || { echo "$name, $length KiB: $bytes bytes" >&2; exit 1; }
    done
done
curl -sfi "http://${addresses[axum+layer]}/1" | grep -qi '^age:'
sleep 0.5
kill "$origin_pid"

for _ in $(seq "$ROUNDS"); do
    for length in "${LENGTHS[@]}"; do
        for name in "${names[@]}"; do
            measure "$name" "$length"
        done
    done
done >"$tmp/results"

python3 - "$tmp/results" <<'EOF'
import statistics, sys

results = {}
for line in open(sys.argv[1]):
    length, name, rate, cpu = line.split()
    results.setdefault((length, name), []).append((float(rate), float(cpu)))

# Whose CPU time is told as a part of whose, and what it should be at most.
RATIOS = {
    "axum+layer": [("axum", 1.15)],
    "reverse_proxy": [("nginx", 0.75), ("varnishd", 0.6), ("floor", None)],
    "nginx": [("floor", None)],
    "varnishd": [("floor", None)],
}

print("\n| server | body | requests/s | CPU for one | ratio | wanted |\n|---|---|---|---|---|---|")
for (length, name), runs in results.items():
    rate, cpu = (statistics.median(column) for column in zip(*runs))
    told, wanted = [], []
    for over, most in RATIOS.get(name, []):
        others = results.get((length, over))
        ratio = statistics.median(own[1] / other[1] for own, other in zip(runs, others)) if others else None
        told.append(f"{ratio:.2f} × {over}" if others else f"no {over}")
        wanted.append(f"{most:.2f} × {over}" if most else "")
    told, wanted = ", ".join(told), ", ".join(filter(None, wanted))
    print(f"| {name} | {length} KiB | {rate:,.0f} | {cpu:.1f} µs | {told} | {wanted} |")
EOF
