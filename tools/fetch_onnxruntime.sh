#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Fetches ONNX Runtime's headers and CPU library into the user's cache folder; says nothing when
# they are there. Exit code 1: something is missing, and the lines printed say what. The build does
# without: backend onnxruntime is then left out.
#
# Headers come from the Debian suite that has them (nothing of it is installed), the library from
# PyPI's wheel or, without pip, from the npm package. deps.lock has versions and sha256.
set -uo pipefail
export LC_ALL=C
cd "$(dirname "${BASH_SOURCE[0]}")/.."

suite=trixie
cache=${XDG_CACHE_HOME:-${HOME:?}/.cache}/pixloom/onnxruntime-1.21.0
machine=$(uname -m)
case $machine in
  x86_64) npm_machine=x64 ;;
  aarch64) npm_machine=arm64 ;;
  *)
    echo "onnxruntime: no library is published for $machine"
    exit 1
    ;;
esac

python=python3
[[ -x /usr/bin/python3 ]] && python=/usr/bin/python3

field() {  # KIND COLUMN: from deps.lock
  awk -v kind="$1" -v column="$2" '$1 == kind { print $column; exit }' deps.lock
}

missing() {
  printf 'onnxruntime: %s\n' "$*"
  exit 1
}

headers_right() {  # FOLDER
  [[ -f $1/onnxruntime_cxx_api.h ]] &&
    [[ $(cat "$1"/*.h | sha256sum) == "$(field headers 6)  -" ]]
}

library_right() {  # FILE
  local sum
  [[ -f $1 ]] || return 1
  sum=$(sha256sum <"$1")
  [[ $sum == "$(field "wheel-$machine" 6)  -" || $sum == "$(field "npm-$machine" 6)  -" ]]
}

headers_right "$cache/include" && library_right "$cache/lib/libonnxruntime.so.1" && exit 0

mkdir -p "$cache" || missing "cannot make $cache"
work=$(mktemp -d "$cache/fetch.XXXXXX") || missing "cannot write into $cache"
trap 'rm -rf "$work"' EXIT
log=$work/log
: >"$log"

# Prints the address of the Debian mirror that apt is configured with, in whatever form it is
# written down.
mirror() {
  local codename
  codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
  apt-get --print-uris update 2>>"$log" |
    sed -n "s|^'\([^']*\)/dists/$codename/InRelease'.*|\1|p" | grep -i debian | head -n 1
}

fetch_headers() {
  local site version options keyring=/usr/share/keyrings/debian-archive-keyring.gpg signed=""
  version=$(field headers 3)
  command -v apt-get >/dev/null || missing "headers: no apt-get here; install libonnxruntime-dev"
  site=$(mirror)
  [[ -n $site ]] || missing "headers: apt names no Debian mirror; install libonnxruntime-dev"
  mkdir -p "$work"/apt/{lists/partial,cache/archives/partial,headers}
  [[ -f $keyring ]] && signed="[signed-by=$keyring] "
  echo "deb $signed$site $suite main" >"$work/apt/sources.list"
  options=(-q -o Dir::Etc::SourceList="$work/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o Dir::State::Lists="$work/apt/lists" -o Dir::Cache="$work/apt/cache"
    -o APT::Sandbox::User="$(id -un)" -o Acquire::Retries=3 -o Acquire::Languages=none)
  (
    cd "$work/apt" && apt-get "${options[@]}" update &&
      apt-get "${options[@]}" download "libonnxruntime-dev=$version" &&
      dpkg-deb -x libonnxruntime-dev_*.deb headers
  ) </dev/null >>"$log" 2>&1 || missing "headers: not fetched: $(tail -n 1 "$log")"
  headers_right "$work/apt/headers/usr/include/onnxruntime" ||
    missing "headers: not the sha256 that deps.lock has"
  rm -rf "$cache/include"
  mv "$work/apt/headers/usr/include/onnxruntime" "$cache/include"
}

# Both leave $work/got/libonnxruntime.so.1 and the licence texts there are.
from_wheel() {
  local version file
  version=$(field "wheel-$machine" 3)
  # Named in full: one wheel, and one sha256, whatever interpreter asks.
  "$python" -m pip download -q --disable-pip-version-check --no-deps --only-binary=:all: \
    --implementation cp --python-version 3.11 --abi cp311 \
    --platform "manylinux_2_27_$machine" -d "$work/wheel" "onnxruntime==$version" || return 1
  "$python" -m zipfile -e "$work"/wheel/*.whl "$work/wheel/all" || return 1
  for file in LICENSE ThirdPartyNotices.txt; do
    cp "$work/wheel/all/onnxruntime/$file" "$work/got/"
  done
  mv "$work/wheel/all/onnxruntime/capi/libonnxruntime.so.$version" "$work/got/libonnxruntime.so.1"
}

from_npm() {
  command -v npm >/dev/null || {
    echo "no npm here"
    return 1
  }
  # `npm install` would run a script that looks for CUDA; the library is in the package itself.
  local version
  version=$(field "npm-$machine" 3)
  (cd "$work" && npm pack --silent "onnxruntime-node@$version") || return 1
  tar -xzf "$work"/onnxruntime-node-*.tgz -C "$work" --wildcards \
    "package/bin/*/linux/$npm_machine/libonnxruntime.so.1" || return 1
  mv "$work"/package/bin/*/linux/"$npm_machine"/libonnxruntime.so.1 "$work/got/"
}

fetch_library() {
  local way
  for way in wheel npm; do
    rm -rf "$work/got"
    mkdir -p "$work/got"
    "from_$way" </dev/null >>"$log" 2>&1 || continue
    library_right "$work/got/libonnxruntime.so.1" || {
      echo "the $way has not the sha256 that deps.lock has" >>"$log"
      continue
    }
    chmod 755 "$work/got/libonnxruntime.so.1"
    rm -rf "$cache/lib"
    mv "$work/got" "$cache/lib"
    return
  done
  missing "library: neither pip nor npm gave it: $(tail -n 1 "$log")"
}

headers_right "$cache/include" || fetch_headers
library_right "$cache/lib/libonnxruntime.so.1" || fetch_library
echo "onnxruntime: headers and library are in $cache"
