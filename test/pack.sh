#!/usr/bin/env bash
# Packs the package, installs the tarball into an empty folder, and runs the demo from there: what is published must work
# without the repo around it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
repo=$PWD
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

tarball=$(npm pack --silent --pack-destination "$folder")
cd "$folder"
echo '{ "private": true, "type": "module" }' >package.json
npm install --silent "./$tarball"
# The pinned Node of the repo: the machine's own may be older than what the package asks for.
PATH="$repo/node_modules/.bin:$PATH" node node_modules/metergate/bin/metergate.js --version
PATH="$repo/node_modules/.bin:$PATH" node "$repo/test/pack.js"
PATH="$repo/node_modules/.bin:$PATH" node node_modules/metergate/bin/metergate.js demo --seconds 2
