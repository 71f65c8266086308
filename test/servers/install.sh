#!/bin/sh
# Installs the real servers that the tests talk to: proftpd, OpenSSH's sshd, nginx, PostgreSQL, MariaDB (Debian packages); MySQL (of Debian's
# newest, with the libraries it wants, in .servers/); moto's S3 and aiosmtpd (PyPI, in .servers/).
# Idempotent, and quick when there is nothing to do. Needs root, or sudo without a password. Starts no service.
set -eu
cd "$(dirname "$0")/../.."

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

packages=''
[ -x /usr/sbin/proftpd ] || packages="$packages proftpd-core"
[ -e /usr/lib/proftpd/mod_tls.so ] || packages="$packages proftpd-mod-crypto"
[ -x /usr/sbin/sshd ] || packages="$packages openssh-server"
[ -x /usr/sbin/nginx ] || packages="$packages nginx-light"
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || packages="$packages postgresql"
[ -x /usr/sbin/mariadbd ] || packages="$packages mariadb-server"
command -v sftp >/dev/null || packages="$packages openssh-client"
command -v openssl >/dev/null || packages="$packages openssl"
command -v curl >/dev/null || packages="$packages curl"
python3 -c 'import venv, ensurepip' 2>/dev/null || packages="$packages python3-venv"

if [ -n "$packages" ]; then
  # A policy-rc.d that answers 101 keeps the packages from starting their own services.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
    trap 'as_root rm -f "$policy"' EXIT
  fi
  # Keeps Debian's PostgreSQL from making a cluster of its own.
  case "$packages" in *postgresql*)
    as_root mkdir -p /etc/postgresql-common/createcluster.d
    echo 'create_main_cluster = false' | as_root tee /etc/postgresql-common/createcluster.d/granary-tests.conf >/dev/null ;;
  esac
  as_root apt-get update -qq
  # shellcheck disable=SC2086
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null
fi

# Password logins over SSH need a system account; its password is in a file that only root reads.
home=/var/lib/granarytest
id granarytest >/dev/null 2>&1 ||
  as_root useradd --system --no-create-home --home-dir "$home" --shell /usr/sbin/nologin granarytest
if [ ! -e "$home/password" ]; then
  as_root mkdir -p -m 711 "$home"
  password=$(openssl rand -hex 16)
  printf 'granarytest:%s\n' "$password" | as_root chpasswd
  printf '%s' "$password" | as_root sh -c "umask 077; cat > $home/password"
fi

# OpenSSH wants its privilege separation folder, which a service script would have made.
[ -d /run/sshd ] || as_root mkdir -m 755 -p /run/sshd

# MySQL is in Debian unstable only, and wants libraries that are newer than this system's: all of it goes into a folder, and nothing into the system.
if [ ! -e .servers/mysql/root/usr/sbin/mysqld ]; then
  at="$PWD/.servers/mysql"
  rm -rf "$at"
  mkdir -p "$at/state/lists/partial" "$at/cache/archives/partial" "$at/unpacked"
  : > "$at/status"
  echo 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian sid main' > "$at/sources.list"
  apart="-o Dir::Etc::sourcelist=$at/sources.list -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferencesparts=/dev/null
    -o Dir::State=$at/state -o Dir::State::status=$at/status -o Dir::Cache=$at/cache -o APT::Sandbox::User=root
    -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false"
  # shellcheck disable=SC2086
  apt-get $apart update -qq
  # shellcheck disable=SC2086
  apt-get $apart -y -qq --no-install-recommends --download-only install mysql-server-core >/dev/null
  for package in "$at"/cache/archives/*.deb; do
    case "$package" in */perl*|*/libperl*) ;; *) dpkg-deb -x "$package" "$at/unpacked" ;; esac
  done
  rm -rf "$at/cache" "$at/state"
  mv "$at/unpacked" "$at/root"
fi

if [ ! -x .servers/moto/bin/moto_server ]; then
  python3 -m venv .servers/moto
  .servers/moto/bin/pip install -q --disable-pip-version-check 'moto[s3]==5.2.5' flask==3.1.3 flask-cors==6.0.5
fi

if [ ! -x .servers/smtp/bin/aiosmtpd ]; then
  python3 -m venv .servers/smtp
  .servers/smtp/bin/pip install -q --disable-pip-version-check aiosmtpd==1.4.6
fi
