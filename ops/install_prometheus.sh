#!/usr/bin/env bash
# Print the directory of prometheus, promtool, alertmanager and amtool. If the machine lacks them, unpack Debian's packages in
# var/prometheus: no service, no user and no root are needed. With CI=true a failure is an error; otherwise their tests are skipped.
set -euo pipefail
cd "$(dirname "$0")/.."
unpacked=$PWD/var/prometheus
alert_programs=(prometheus promtool alertmanager amtool)

has_programs() {
  local program
  for program in "${alert_programs[@]}"; do
    [ -x "$1/$program" ] || return 1
  done
}

# Debian's package of the Alertmanager calls its server prometheus-alertmanager.
unpack() {
  local packages
  packages=$(mktemp -d)
  trap 'rm -rf "$packages"' RETURN
  (cd "$packages" && apt-get download prometheus prometheus-alertmanager) || return 1
  rm -rf "$unpacked" && mkdir -p "$unpacked"
  for package in "$packages"/*.deb; do dpkg -x "$package" "$unpacked" || return 1; done
  ln -s prometheus-alertmanager "$unpacked/usr/bin/alertmanager"
}

# Debian's Alertmanager reads its templates from this fixed place. Without root its server cannot run; amtool can.
place_templates() {
  local place=/usr/share/prometheus/alertmanager
  if [ "$(id -u)" = 0 ] && [ ! -e "$place" ]; then
    mkdir -p "$place" && cp "$unpacked$place"/*.tmpl "$place/"
  fi
}

give_up() {
  echo "No tests of alerts: $1" >&2
  if [ "${CI:-}" = true ]; then exit 1; fi
  exit 0
}

if found=$(command -v promtool) && has_programs "$(dirname "$found")"; then
  dirname "$found"
  exit 0
fi
if has_programs "$unpacked/usr/bin"; then
  place_templates
  echo "$unpacked/usr/bin"
  exit 0
fi
if ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then
  give_up "put prometheus, promtool, alertmanager and amtool in one directory of PATH"
fi
mkdir -p var
log=$PWD/var/install-prometheus.log
# Without a network apt takes minutes to fail: a failure is remembered until `make clean`.
if [ -e "$log" ] && [ "${CI:-}" != true ]; then
  give_up "Prometheus could not be downloaded, see $log; remove that file to try again"
fi
if ! unpack >"$log" 2>&1; then
  # The package lists of a container are empty until the first update, which only root can run.
  if [ "$(id -u)" != 0 ] || ! apt-get update --quiet --quiet >>"$log" 2>&1 || ! unpack >>"$log" 2>&1; then
    tail -n 5 "$log" >&2
    give_up "apt-get could not download prometheus and prometheus-alertmanager, see $log"
  fi
fi
rm "$log"
place_templates
echo "$unpacked/usr/bin"
