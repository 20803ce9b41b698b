#!/usr/bin/env python3
"""Prints the licenses of all crates that are compiled into the program for a target.

usage: packages/licenses.py TARGET

Of each license text that a crate brings, it is there once, behind the names of the crates. Sources are those that
Cargo has at hand; nothing is fetched but what is not there yet.
"""

import json
import pathlib
import subprocess
import sys

metadata = json.loads(subprocess.check_output(
    ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", sys.argv[1]]))
packages = {package["id"]: package for package in metadata["packages"]}
nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}

linked, to_see = set(), [metadata["resolve"]["root"]]
while to_see:
    name = to_see.pop()
    for needed in nodes[name]["deps"]:
        # kind is null of what is linked, else `dev` or `build`.
        if needed["pkg"] not in linked and any(kind["kind"] is None for kind in needed["dep_kinds"]):
            linked.add(needed["pkg"])
            to_see.append(needed["pkg"])
linked = sorted((packages[name] for name in linked), key=lambda package: (package["name"], package["version"]))

texts = {}
for package in linked:
    folder = pathlib.Path(package["manifest_path"]).parent
    for file in sorted(folder.iterdir()):
        if file.is_file() and file.name.upper().startswith(("LICENSE", "LICENCE", "COPYING", "NOTICE", "COPYRIGHT", "UNLICENSE")):
            text = "\n".join(line.rstrip() for line in file.read_text(errors="replace").strip().splitlines())
            texts.setdefault(text, []).append(f"{package['name']} {package['version']}")

print("unreel is under the Apache License 2.0. In its binaries is code of these crates, each under its own")
print("license. Their sources, of those under the MPL-2.0 too, are at https://crates.io/crates/NAME/VERSION.\n")
for package in linked:
    print(f"{package['name']} {package['version']}: {package['license'] or package['license_file']}")
for text, crates in texts.items():
    print("\n" + "=" * 100 + "\n" + ", ".join(dict.fromkeys(crates)) + "\n" + "=" * 100 + "\n\n" + text)
