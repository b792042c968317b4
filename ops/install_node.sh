#!/usr/bin/env bash
# Install the Node packages of tests/node/package-lock.json in var/node, with Debian's nodejs and npm if the machine has none
# and this needs no question: as root, through apt. Otherwise say what to do; the tests that need Node are skipped. With
# CI=true a failure is an error.
set -euo pipefail
cd "$(dirname "$0")/.."
place=$PWD/var/node
log=$PWD/var/install-node.log
locked=tests/node/package-lock.json

give_up() {
  echo "No tests with Node: $1" >&2
  if [ "${CI:-}" = true ]; then exit 1; fi
  exit 0
}

install_programs() {
  export DEBIAN_FRONTEND=noninteractive
  echo "Installing Node for the tests of webhooks (once; apt-get)"
  apt-get update --quiet --quiet >>"$log" 2>&1 &&
    apt-get install --quiet --quiet --yes --no-install-recommends nodejs npm >>"$log" 2>&1
}

# The copied lock file is written last, so it says that the installation is complete.
install_packages() {
  rm -rf "$place" && mkdir -p "$place"
  cp tests/node/package.json "$locked" "$place/"
  (cd "$place" && npm ci --ignore-scripts --no-audit --no-fund) >>"$log" 2>&1 && cp "$locked" "$place/installed.json"
}

if command -v node >/dev/null && cmp --silent "$locked" "$place/installed.json"; then exit 0; fi
# Without a network apt and npm take minutes to fail: a failure is remembered until `make clean`.
if [ -e "$log" ] && [ "${CI:-}" != true ]; then
  give_up "Node or its packages could not be installed, see $log; remove that file to try again"
fi
mkdir -p var
: >"$log"
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    rm "$log"
    give_up "node and npm are not installed. On Debian: sudo apt-get install nodejs npm"
  fi
  if ! install_programs; then
    tail -n 5 "$log" >&2
    give_up "apt-get could not install nodejs and npm, see $log"
  fi
fi
if ! install_packages; then
  tail -n 5 "$log" >&2
  give_up "npm could not install the packages of $locked, see $log"
fi
rm "$log"
