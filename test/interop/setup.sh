#!/usr/bin/env bash
# Installs the real servers that test/interop runs against: Prometheus with promtool (Debian package) and an OpenTelemetry
# Collector built by its own builder into a cache outside the repo. Run again, it finds what is there and costs nothing.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${METERGATE_INTEROP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/metergate/interop}
mkdir -p "$cache"

install_debian() { # the binary to look for, the package that brings it
  command -v "$1" >/dev/null && { echo "interop: $1 found"; return; }
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || { echo "interop: $1 is missing and cannot be installed here (needs apt-get as root)"; return; }
  echo "interop: installing $2"
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2"; } >"$cache/apt-$2.log" 2>&1 ||
    { echo "interop: installing $2 failed, see $cache/apt-$2.log"; return; }
}

build_collector() {
  local stamp
  stamp=$(cat "$here/collector-builder.yaml" "$here/tools/go.sum" | sha256sum | cut -c1-16)
  if [ -x "$cache/otelcol" ] && [ "$(cat "$cache/otelcol.stamp" 2>/dev/null)" = "$stamp" ]; then
    echo "interop: otelcol found"
    return
  fi
  command -v go >/dev/null || { echo "interop: otelcol is missing and cannot be built here (needs go)"; return; }
  echo "interop: building otelcol (some minutes, once)"
  rm -rf "$cache/otelcol-src"
  mkdir -p "$cache/otelcol-src"
  # Replaced by name only when it is whole: an interrupted build leaves no half-written binary behind.
  sed "s|^dist:|dist:\n  output_path: $cache/otelcol-src|" "$here/collector-builder.yaml" >"$cache/otelcol-src.yaml"
  # -e reaches the builder's "go mod tidy", which also wants what only the tests of our dependencies import, and module proxies
  # do not have all of that. What the Collector itself imports and cannot be had still fails the compilation.
  if (cd "$here/tools" && GOFLAGS="$(go env GOFLAGS) -e" go tool builder --config "$cache/otelcol-src.yaml") >"$cache/otelcol-build.log" 2>&1; then
    mv "$cache/otelcol-src/otelcol" "$cache/otelcol"
    echo "$stamp" >"$cache/otelcol.stamp"
  else
    echo "interop: building otelcol failed, see $cache/otelcol-build.log"
    tail -n 5 "$cache/otelcol-build.log"
  fi
}

install_debian promtool prometheus
install_debian docker-compose docker-compose
build_collector
