#!/usr/bin/env bash
# Install Debian's Pango, with which statements are written as PDF, as root through apt. Only CI calls this: elsewhere the tests
# of PDFs are skipped without it.
set -euo pipefail

PACKAGES=(libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core)
is_there() { dpkg-query --show --showformat='${Status}\n' "${PACKAGES[@]}" 2>/dev/null | grep --count '^install ok installed$' | grep --quiet --line-regexp "${#PACKAGES[@]}"; }

if is_there; then exit 0; fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "The tests of PDFs need Pango. On Debian: sudo apt-get install ${PACKAGES[*]}" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update --quiet --quiet
apt-get install --quiet --quiet --yes --no-install-recommends "${PACKAGES[@]}" >/dev/null
