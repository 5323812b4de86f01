#!/bin/sh
# Makes sure that a TURN server (coturn) is there for tests/turn, and what makes networks for them: in PATH, or from
# apt where that needs no password. Without them those tests are skipped and listed, hence exit 0.
set -eu

# Debian keeps some of them where only root looks.
PATH="$PATH:/usr/sbin:/sbin"

missing() {
  command -v "${NBRTC_TURNSERVER:-turnserver}" >/dev/null || echo coturn
  command -v ip >/dev/null || echo iproute2
  command -v nft >/dev/null || echo nftables
}

install() {
  command -v apt-get >/dev/null || return 1
  as_root=
  if [ "$(id -u)" != 0 ]; then
    sudo -n true 2>/dev/null || return 1
    as_root="sudo -n"
  fi
  # The package would start a server for everybody who can reach this machine; the tests start their own.
  if [ -d /run/systemd/system ]; then
    $as_root systemctl mask coturn.service || return 1
    echo "coturn.service is masked, so that no TURN server runs here by itself: systemctl unmask coturn undoes it."
  fi
  options="-qq -y -o Acquire::http::Timeout=30 -o Acquire::Retries=1 -o DPkg::Lock::Timeout=120"
  $as_root apt-get $options update </dev/null || return 1
  $as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get $options install --no-install-recommends "$@" </dev/null
}

packages=$(missing)
if [ -n "$packages" ]; then
  echo "Not in PATH: $(echo $packages). Installing with apt-get."
  install $packages || true
fi
if [ -z "$(missing)" ]; then
  command -v "${NBRTC_TURNSERVER:-turnserver}"
  exit 0
fi
echo "Missing: $(missing | tr '\n' ' '). The tests in tests/turn that need them will be skipped, and are listed then." >&2
