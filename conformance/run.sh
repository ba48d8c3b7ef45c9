#!/usr/bin/env bash
# Holds rpcctl to the Connect conformance suite.
#   ./run.sh            a slice that has every category, and gRPC without --protocol; a few minutes
#   ./run.sh all        everything
#   ./run.sh PATTERN    the cases that a pattern of the suite's names
# RPCCTL: the binary, built here when not given. PARALLEL: calls at once, 2 when not
# given; more make the cases with deadlines of milliseconds fail on a busy machine.
set -euo pipefail
cd "$(dirname "$0")"
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT

if [ -z "${RPCCTL:-}" ]; then
  RPCCTL=$bin/rpcctl
  (cd .. && go build -o "$RPCCTL" .)
fi
go build -o "$bin/client" ./client
go build -o "$bin/suite" connectrpc.com/conformance/cmd/connectconformance
protos=$(go list -m -f '{{.Dir}}' connectrpc.com/conformance)/proto

# suite CONFIG [OPTION...] -- [OPTION OF THE CLIENT...]
suite() {
  local conf=$1 select=()
  shift
  while [ "$1" != -- ]; do
    select+=("$1")
    shift
  done
  shift
  "$bin/suite" --mode client --conf "$conf" "${select[@]}" -- \
    "$bin/client" -rpcctl "$(realpath "$RPCCTL")" -protos "$protos" -parallel "${PARALLEL:-2}" "$@"
}

case ${1:-slice} in
  slice)
    suite everything.yaml --run @slice.txt --
    suite default.yaml -- -without-protocol
    ;;
  all) suite everything.yaml -- ;;
  *) suite everything.yaml --run "$1" -- ;;
esac
