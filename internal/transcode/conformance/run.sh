#!/usr/bin/env bash
# Runs the official protobuf conformance suite over package transcode and, to compare, over
# protobuf-go, with the required and the recommended cases. It fails when a case fails that
# is not in failures.txt, when one in there passes, and when one fails that protobuf-go passes.
#
# Usage: run.sh [SCRATCH]    SCRATCH keeps the runner between runs; it is made when missing.
# "UPDATE=1 run.sh" writes failures.txt anew.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
scratch=${1:-${TMPDIR:-/tmp}/rpcctl-protobuf-conformance}
"$here/fetch.sh" "$scratch"
scratch=$(cd "$scratch" && pwd)
(cd "$here" && go build -o "$scratch/testee" ../internal/testee)

# The runner starts through the newer C library's own loader, so that nothing it starts
# inherits the library path.
lib=$scratch/apt/root/usr/lib/x86_64-linux-gnu
run() {
	local engine=$1 out=$scratch/$1
	rm -rf "$out" && mkdir -p "$out"
	"$lib/ld-linux-x86-64.so.2" --library-path "$lib" "$scratch/runner/bin/conformance_test_runner-linux-x64" \
		--enforce_recommended --maximum_edition 2023 --output_dir "$out" \
		"$scratch/testee" -engine "$engine" -proto "$scratch/runner/include" >"$out/log" 2>&1 || true
	if ! grep -q '^CONFORMANCE SUITE' "$out/log"; then
		tail -n 20 "$out/log" >&2
		echo "the runner did not finish with $engine" >&2
		exit 1
	fi
	touch "$out/failing_tests.txt"
	sed 's/ *#.*//' "$out/failing_tests.txt" | sed '/^$/d' | LC_ALL=C sort >"$out/failures"
	echo "$engine: $(sed -nE 's/^CONFORMANCE SUITE [A-Z]*: ([0-9]+ successes, [0-9]+ skipped).*/\1/p' "$out/log"), $(wc -l <"$out/failures") failures"
}
run transcode
run protobuf-go

ours=$scratch/transcode/failures
if [[ -n ${UPDATE:-} ]]; then
	{
		echo "# Cases of the conformance suite that package transcode fails: MessageSets, which have"
		echo "# no JSON form and which protobuf-go does not support either."
		cat "$ours"
	} >"$here/failures.txt"
fi
status=0
if ! diff <(grep -v '^#' "$here/failures.txt") "$ours" >&2; then
	echo "what fails is not what failures.txt says (< expected, > now)" >&2
	status=1
fi
if alone=$(comm -23 "$ours" "$scratch/protobuf-go/failures") && [[ -n $alone ]]; then
	printf 'failed, though protobuf-go passes:\n%s\n' "$alone" >&2
	status=1
fi
exit $status
