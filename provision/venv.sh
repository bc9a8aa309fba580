# Sourced by quickstart and run-tests: the virtual environment .venv, made or brought up to date.

say_and_stop() {
  printf '%s\n  what to do: %s\n' "$1" "$2" >&2
  exit 1
}

find_python() {
  local candidate
  for candidate in python3.13 python3.12 python3.11 python3; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  say_and_stop "There is no Python 3.11 or newer here." "apt-get install python3 python3-venv"
}

# make_venv EXTRAS: EXTRAS is "" or "[test]". Installs only when pyproject.toml changed.
make_venv() {
  local extras=$1 python stamp
  if [ "$(id -u)" != 0 ]; then
    say_and_stop "This changes the machine (packages, Docker) and must run as root." "sudo $0"
  fi
  python=$(find_python) || exit 1
  stamp=.venv/stamp-$(sha256sum pyproject.toml | cut -c1-16)${extras//[\[\]]/-}
  [ -e "$stamp" ] && return
  if [ ! -x .venv/bin/python ]; then
    echo "Making the virtual environment .venv"
    rm -rf .venv
    "$python" -m venv .venv ||
      say_and_stop "Python can't make a virtual environment." "apt-get install python3-venv"
  fi
  echo "Installing Python packages (about a minute the first time)"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".$extras" ||
    say_and_stop "The Python packages could not be installed." "see the lines above; check the network, then run this again"
  touch "$stamp"
}
