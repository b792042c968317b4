#!/usr/bin/env bash
# Install Debian's chromium for the browser tests if that needs no question: as root, through apt. Otherwise say what to do;
# the tests are skipped. With CI=true a missing chromium is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
log=var/test/install-chromium.log

give_up() {
  echo "No browser tests: $1" >&2
  if [ "${CI:-}" = true ]; then exit 1; fi
  exit 0
}

if command -v chromium >/dev/null; then exit 0; fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  give_up "chromium is not installed. On Debian: sudo apt-get install chromium"
fi
# Without a network apt takes minutes to fail: a failure is remembered until `make clean`.
if [ -e "$log" ] && [ "${CI:-}" != true ]; then
  give_up "chromium could not be installed, see $log; remove that file to try again"
fi
mkdir -p var/test
echo "Installing chromium for the browser tests (once; apt-get)"
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update --quiet --quiet &&
  apt-get install --quiet --quiet --yes --no-install-recommends chromium fonts-dejavu-core; } >"$log" 2>&1; then
  tail -n 5 "$log" >&2
  give_up "apt-get could not install chromium, see $log"
fi
rm "$log"
