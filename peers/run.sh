#!/usr/bin/env bash
# Holds rpcctl to servers and clients of others, on this machine alone.
#   ./run.sh               all of it, under a minute
#   ./run.sh -run Browser  flags of "go test"
# RPCCTL: the binary, built here when not given.
set -euo pipefail
cd "$(dirname "$0")"
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT

missing=()
for need in node:nodejs npm:npm chromium:chromium; do
  command -v "${need%%:*}" >/dev/null || missing+=("${need#*:}")
done
if [ ${#missing[@]} -gt 0 ]; then
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
npm ci --ignore-scripts --loglevel=error

if [ -z "${RPCCTL:-}" ]; then
  RPCCTL=$bin/rpcctl
  (cd .. && go build -o "$RPCCTL" .)
fi
go build -o "$bin/connectgo" ./servers/connectgo
RPCCTL=$(realpath "$RPCCTL") CONNECTGO=$bin/connectgo go test -count=1 "$@" .
