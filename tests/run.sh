#!/usr/bin/env bash
# Every check of this repository. Installs what the tests need from Debian's packages when it may, and says plainly
# what it had to skip otherwise.
set -euo pipefail
cd "$(dirname "$0")/.."

skipped=()
# Debian keeps servers off the path.
found() { command -v "$1" || compgen -G "/usr/lib/postgresql/*/bin/$1" || compgen -G "/usr/sbin/$1"; } >/dev/null 2>&1
# package, and the program it brings
need() {
  found "$2" && return
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    [ -n "${updated:-}" ] || { apt-get update -qq >/dev/null 2>&1 || true; updated=1; }
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$1" >/dev/null 2>&1 || true
  fi
  found "$2" || skipped+=("$2 (package $1): $3")
}
command -v cargo >/dev/null 2>&1 || { echo "error: cargo is not installed" >&2; exit 1; }
need gcc cc "the build needs a C compiler"
need tmux tmux "the console inside tmux"
need ninja-build ninja "the benchmark's peer"
need redis-server redis-server "the shipped pipelines that need Redis"
need openssh-server sshd "the console over SSH"
need postgresql initdb "the shipped pipelines that need PostgreSQL"
# What is there must not be skipped by a test that fails to find it.
FLOWDECK_TEST_REQUIRE="$(found initdb && echo postgres || true),$(found redis-server && echo redis || true)"
FLOWDECK_TEST_REQUIRE+=",$(found sshd && echo sshd || true),$(found tmux && echo tmux || true)"
export FLOWDECK_TEST_REQUIRE

step() { echo; echo "== $*"; "$@"; }
step cargo fmt --check
step cargo clippy --all-targets --locked -- -D warnings
step cargo test --locked
if command -v cargo-deny >/dev/null 2>&1; then
  step cargo deny check bans licenses sources
else
  skipped+=("cargo-deny: the licences and bans of dependencies")
fi

# The binary itself, away from this directory's engine: what ships is valid, and the demo goes through.
flowdeck="$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/debug/flowdeck"
step "$flowdeck" validate --strict
step "$flowdeck" test
step "$flowdeck" demo --headless

if [ "$(id -u)" != 0 ]; then
  skipped+=("not root: tests on a really full disk need to mount a small file system")
fi
echo
for line in "${skipped[@]+"${skipped[@]}"}"; do echo "skipped: $line"; done
echo "all checks passed"
