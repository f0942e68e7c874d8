"""Reads `cargo metadata` and fails if a crate that users build declares a newer Rust than ours."""

import json
import sys


def version(text):
    numbers = [int(part) for part in text.split(".")]
    return tuple(numbers + [0] * (3 - len(numbers)))


metadata = json.load(sys.stdin)
packages = {package["id"]: package for package in metadata["packages"]}
nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
root = metadata["resolve"]["root"]

ours = packages[root]["rust_version"]
if not ours:
    sys.exit("Cargo.toml declares no rust-version")

seen, open_ids = set(), [root]
while open_ids:
    current = open_ids.pop()
    if current in seen:
        continue
    seen.add(current)
    for dep in nodes[current]["deps"]:
        if any(kind["kind"] in (None, "build") for kind in dep["dep_kinds"]):
            open_ids.append(dep["pkg"])

newer = sorted(
    f"{packages[i]['name']} {packages[i]['version']} needs Rust {packages[i]['rust_version']}"
    for i in seen
    if packages[i]["rust_version"] and version(packages[i]["rust_version"]) > version(ours)
)
print(f"Rust {ours} declared; {len(seen) - 1} dependencies looked at, {len(newer)} of them newer")
if newer:
    sys.exit("\n".join(newer))
