#!/bin/sh
# Makes sure that a Chromium is there for the browser tests: one in PATH, or one from apt where that needs no
# password. Without it the browser tests are skipped and say so, hence exit 0.
set -eu

find_chromium() {
  for name in ${NBRTC_CHROMIUM:-} chromium chromium-browser google-chrome; do
    command -v "$name" && return 0
  done
  return 1
}

install_chromium() {
  command -v apt-get >/dev/null || return 1
  as_root=
  if [ "$(id -u)" != 0 ]; then
    sudo -n true 2>/dev/null || return 1
    as_root="sudo -n"
  fi
  options="-qq -y -o Acquire::http::Timeout=30 -o Acquire::Retries=1 -o DPkg::Lock::Timeout=120"
  $as_root apt-get $options update </dev/null || return 1
  $as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get $options install --no-install-recommends chromium fonts-liberation </dev/null
}

find_chromium && exit 0
echo "Chromium is not in PATH: installing it with apt-get."
if install_chromium; then find_chromium && exit 0; fi
echo "No Chromium: the browser tests will be skipped. Install chromium or google-chrome, or set NBRTC_CHROMIUM." >&2
