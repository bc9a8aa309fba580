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

# Whether an environment was once made whole.
have_venv() {
  compgen -G ".venv/stamp-*" >/dev/null && [ -x .venv/bin/python ]
}

# stamp EXTRAS: the file that says that these packages are in.
stamp() {
  local hash
  hash=$(sha256sum pyproject.toml | cut -c1-16)
  echo ".venv/stamp-$hash${1//[\[\]]/-}"
}

# Two at a time would spoil each other's environment: the second waits.
make_venv() {
  if [ "$(id -u)" != 0 ]; then
    say_and_stop "This changes the machine (packages, Docker) and must run as root." "sudo $0"
  fi
  [ -e "$(stamp "$1")" ] && return
  (
    flock --nonblock 9 || { echo "Waiting for another command to make .venv"; flock 9; }
    fill_venv "$1"
  ) 9<pyproject.toml
}

# fill_venv EXTRAS: EXTRAS is "" or "[test]". Installs only when pyproject.toml changed.
fill_venv() {
  local extras=$1 python stamp
  python=$(find_python) || exit 1
  stamp=$(stamp "$extras")
  [ -e "$stamp" ] && return
  # A half made one (no pip in it) is made anew.
  if ! .venv/bin/python -c 'import pip, sys; sys.exit(sys.prefix == sys.base_prefix)' 2>/dev/null; then
    echo "Making the virtual environment .venv"
    rm -rf .venv
    if ! "$python" -m venv .venv >/dev/null; then
      rm -rf .venv
      say_and_stop "$python can't make a virtual environment." "apt-get install python3-venv"
    fi
  fi
  echo "Installing Python packages (about a minute the first time)"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".$extras" ||
    say_and_stop "The Python packages could not be installed." "see the lines above; check the network, then run this again"
  find .venv -maxdepth 1 -name 'stamp-*' ! -path "$(stamp "")*" -delete
  touch "$stamp"
}
