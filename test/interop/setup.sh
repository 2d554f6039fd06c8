#!/usr/bin/env bash
# Installs the real servers and judges that test/interop runs against, and what bench/ compares with. From Debian: Prometheus 2 with promtool,
# docker-compose, wrk, nginx and the node exporter. Into a cache outside the repo: an OpenTelemetry Collector by its own builder, Prometheus 3 with its promtool
# and the judge (a program of ours around Prometheus' own parsers) from judge/go.mod, and Pythons, each with packages that the others do not
# bear: the strict OpenMetrics parser, MLServer, BentoML and MLflow.
# Run again, it finds what is there and costs nothing. What cannot be had is said, and fails nothing here: its tests are skipped.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${METERGATE_INTEROP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/metergate/interop}
mkdir -p "$cache"

apt_install() { # the package
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || { echo "interop: $1 cannot be installed here (needs apt-get as root)"; return 1; }
  echo "interop: installing $1"
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1"; } >"$cache/apt-$1.log" 2>&1 ||
    { echo "interop: installing $1 failed, see $cache/apt-$1.log"; return 1; }
}

install_debian() { # the binary to look for, the package that brings it, a service of it that is never to run
  # Debian keeps servers where only root looks.
  if PATH="$PATH:/usr/sbin" command -v "$1" >/dev/null; then echo "interop: $1 found"; return; fi
  # Else the package starts it, now and with the machine.
  if [ -n "${3:-}" ] && [ "$(id -u)" = 0 ] && command -v systemctl >/dev/null; then systemctl --quiet mask "$3" || true; fi
  apt_install "$2" || true
}

found() { # the program in the cache, the stamp of what it was made from
  [ -x "$cache/$1" ] && [ "$(cat "$cache/${1%%/*}.stamp" 2>/dev/null)" = "$2" ] && echo "interop: ${1%%/*} found"
}

stamp_of() { # the files that say what is made
  cat "$@" | sha256sum | cut -c1-16
}

failed() { # what was made; its log says more
  echo "interop: making $1 failed, see $cache/$1-build.log"
  tail -n 5 "$cache/$1-build.log"
}

build_collector() {
  local stamp
  stamp=$(stamp_of "$here/collector-builder.yaml" "$here/tools/go.sum")
  found otelcol "$stamp" && return
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
    failed otelcol
  fi
}

build_with_judge() { # the program, its package, a hint at how long it takes, sources of ours; versions are those of judge/go.mod
  local stamp version
  stamp=$(stamp_of "$here"/judge/go.{mod,sum} "${@:4}")
  found "$1" "$stamp" && return
  command -v go >/dev/null || { echo "interop: $1 is missing and cannot be built here (needs go)"; return; }
  echo "interop: building $1 ($3)"
  # Without the service discoveries of all clouds, which are most of it, and without the assets of its web page, which npm would have to build.
  # The version is not in the binary otherwise, and scrapes tell it.
  if (cd "$here/judge" && go mod download github.com/prometheus/prometheus &&
    version=$(cat "$(go list -m -f '{{.Dir}}' github.com/prometheus/prometheus)/VERSION") &&
    go build -tags remove_all_sd -ldflags "-s -w -X github.com/prometheus/common/version.Version=$version" -o "$cache/$1.new" "$2") \
    >"$cache/$1-build.log" 2>&1; then
    mv "$cache/$1.new" "$cache/$1"
    echo "$stamp" >"$cache/$1.stamp"
  else
    failed "$1"
  fi
}

can_make_pythons() {
  command -v python3 >/dev/null || { echo "interop: Python packages cannot be installed here (needs python3)"; return 1; }
  python3 -c 'import ensurepip' 2>/dev/null || apt_install python3-venv
}

make_openmetrics_parser() {
  local package=prometheus_client==0.26.0
  found openmetrics/bin/python "$package" && return
  echo "interop: making openmetrics (a virtual environment with $package)"
  rm -rf "$cache/openmetrics.new"
  if (python3 -m venv "$cache/openmetrics.new" && "$cache/openmetrics.new/bin/pip" install --quiet "$package") >"$cache/openmetrics-build.log" 2>&1; then
    rm -rf "$cache/openmetrics"
    mv "$cache/openmetrics.new" "$cache/openmetrics" # Its python finds its packages by where it lies.
    echo "$package" >"$cache/openmetrics.stamp"
  else
    failed openmetrics
  fi
}

make_server_python() { # the server, whose packages are in model-servers/
  local stamp name=$1-python packages=$here/model-servers/$1.txt home=$cache/$1-venv
  stamp=$(stamp_of "$packages")
  found "$name" "$stamp" && return
  echo "interop: making $name (a virtual environment with the packages of $1)"
  rm -rf "$home" "$cache/$name"
  # Where it stays, since its programs say where their Python is. So what tests look for is a script that is written when all is there.
  # What is imported is compiled when it is: most of it never is.
  if (python3 -m venv "$home" && "$home/bin/pip" install --quiet --no-compile --no-deps -r "$packages") >"$cache/$name-build.log" 2>&1; then
    printf '#!/bin/sh\nPATH="%s:$PATH" PYTHONDONTWRITEBYTECODE="" exec python "$@"\n' "$home/bin" >"$cache/$name.new"
    chmod +x "$cache/$name.new"
    mv "$cache/$name.new" "$cache/$name"
    echo "$stamp" >"$cache/$name.stamp"
  else
    failed "$name"
  fi
}

install_debian promtool prometheus
install_debian docker-compose docker-compose
install_debian wrk wrk
install_debian nginx nginx
# It would listen on port 9100 of all addresses.
install_debian prometheus-node-exporter prometheus-node-exporter prometheus-node-exporter.service
build_collector
build_with_judge prometheus3 github.com/prometheus/prometheus/cmd/prometheus "some minutes, once"
build_with_judge judge . "seconds" "$here"/judge/*.go
if can_make_pythons; then
  make_openmetrics_parser
  for server in mlserver bentoml mlflow; do make_server_python "$server" & done
  wait
fi
