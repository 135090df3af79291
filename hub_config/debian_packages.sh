#!/bin/sh
# What `make hub` needs of Debian: says what is missing, then installs it when run as root.
# Works on a machine that has neither Python nor node, hence a shell script. Nothing is removed or upgraded.
set -eu

missing=""
need() { # need COMMAND PACKAGE...: the packages are wanted unless the command runs
    command=$1
    shift
    if ! sh -c "$command" >/dev/null 2>&1; then missing="$missing $*"; fi
}

# With a root's hub other users run its Python: one in /usr, whatever else is on root's PATH.
need "/usr/bin/python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'" python3 python3-venv
need "node --version && npm --version" nodejs npm
need "test -e /etc/ssl/certs/ca-certificates.crt" ca-certificates
if [ "$(id -u)" = 0 ]; then
    need "command -v useradd && command -v chpasswd" passwd
    need "test -e /etc/pam.d/login" login
fi

if [ -z "$missing" ]; then exit 0; fi
if [ "$(id -u)" != 0 ]; then
    echo "make hub: missing:$missing" >&2
    echo "Ask an administrator for: apt-get install --no-install-recommends$missing" >&2
    exit 2
fi
if ! command -v apt-get >/dev/null; then
    echo "make hub: this is not Debian; install what corresponds to:$missing" >&2
    exit 2
fi
echo "make hub: installing these Debian packages:$missing"
apt-get update -q
# shellcheck disable=SC2086  # a list of names
DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
