#!/usr/bin/env bash
# Runs the unit tests of the program on the Node.js lines that are supported beside the pinned one, on which all tests run: each from the npm
# package `node` in a prefix of its own. Benchmarks and docs are no other on another Node, neither is what the sources import, and neither is a
# simulated disk, which takes long.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
cache=${METERGATE_NODES_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/metergate/nodes}

mapfile -t tests < <(
  find test -name '*.test.ts' | grep -vE '^test/(bench|docs|e2e|interop)/|^test/architecture\.|^test/push/queue/(power-cuts|damage)\.' | sort
)
for line in ${NODE_LINES:-22 24}; do
  prefix="$cache/$line"
  if [ ! -x "$prefix/node_modules/.bin/node" ]; then
    mkdir -p "$prefix"
    # The package brings its binary by an install script, which npm must be told to allow.
    echo '{ "private": true, "allowScripts": { "node": true } }' >"$prefix/package.json"
    npm install --silent --prefix "$prefix" "node@$line"
  fi
  node="$prefix/node_modules/.bin/node"
  echo "== Node $("$node" --version)"
  # What the tests start themselves must run on the same Node.
  PATH="$prefix/node_modules/.bin:$PATH" "$node" --test --test-concurrency=2 --test-reporter=dot --test-timeout=120000 "${tests[@]}" test/bench/zero-allocation.test.ts
done
