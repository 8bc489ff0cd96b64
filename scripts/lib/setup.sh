# Sourced by run, test and benchmark: packages, build, and processes that a signal reaches.
# shellcheck shell=bash
#
# Needs bash in strict mode. Everything here speaks on stderr; stdout belongs to the script that sources it.

scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
root=$(dirname "$scripts")

say() { printf '%s\n' "$*" >&2; }
# Ends the script with the message, or silently if a signal is why things went wrong.
die() {
  [[ -z $signalled ]] || exit "$signalled"
  say "$(basename "$0"): $*"
  exit 1
}

# --- processes --------------------------------------------------------------------------------------------------------
# A job runs in a process group of its own and signals are handed on to that group exactly once, whether they came from
# the terminal or from kill. In the script's own group a Ctrl-C would reach the job twice, and the second one means
# "kill, do not tidy up" to poolbench.

job=         # its process group, or `starting`: it may run already, but is not known yet
early=       # the signal that came while it was starting
signalled=   # 128 + the signal, once there was one
on_signal() {
  local name=$1 code=$2
  [[ -n $job ]] || exit "$code"
  signalled=$code
  if [[ $job == starting ]]; then
    early=$name
  else
    kill -s "$name" -- "-$job" 2>/dev/null || true
  fi
}
trap 'on_signal INT 130' INT
trap 'on_signal TERM 143' TERM
trap 'on_signal TERM 129' HUP   # handed on as TERM: bash loses a HUP that its child gets before it has run at all

# wait_for PROCESS - returns its exit code once it is gone. `wait` alone returns early when a trap has run, also one that ran just before it.
wait_for() {
  local code
  while :; do
    code=0
    wait "$1" || code=$?
    kill -0 "$1" 2>/dev/null || return "$code"
  done
}

# run_job COMMAND... - runs it and returns its exit code. After a signal: waits until it has ended, kills what is left of
# its process group, and returns 128 + the signal, which the script then has to end with.
run_job() {
  local code=0 group
  job=starting
  set -m
  "$@" </dev/null &
  job=$!
  set +m
  [[ -z $early ]] || kill -s "$early" -- "-$job" 2>/dev/null || true
  wait_for "$job" || code=$?
  group=$job
  job=   # first: a signal that comes before this is seen below, and one that comes after it ends the script itself
  if [[ -n $signalled ]]; then
    kill -s KILL -- "-$group" 2>/dev/null || true
    code=$signalled
  fi
  return "$code"
}

# --- packages ---------------------------------------------------------------------------------------------------------

extra_packages=()   # for a script that needs more than packages.txt names
# shellcheck disable=SC2034  # of scripts that source this: other libraries' pools, event loops and Node
executor_packages=(libasio-dev libboost-fiber-dev libglib2.0-dev liburing-dev libuv1-dev nodejs pkg-config python3-gevent qtbase5-dev)

# shellcheck disable=SC2034  # likewise: for pools::RemotePool, and the hosts that it is tested on
remote_packages=(cppzmq-dev iproute2 libzmq3-dev)

# missing_packages - of packages.txt and extra_packages.
missing_packages() {
  local package status
  while read -r package; do
    [[ -z $package || $package == '#'* ]] && continue
    # shellcheck disable=SC2016  # the ${...} is dpkg-query's
    status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
    [[ $status == 'install ok installed' ]] || echo "$package"
  done < <(printf '%s\n' "$(<"$scripts/packages.txt")" "${extra_packages[@]}")
}

# install_packages - installs what packages.txt and `extra_packages` name and the machine lacks; silent when it lacks nothing.
# POOLBENCH_NO_INSTALL=1 leaves the machine alone.
install_packages() {
  [[ ${POOLBENCH_NO_INSTALL:-0} == 1 ]] && return
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "This is not a Debian machine: the packages of $scripts/packages.txt are taken to be there under their names here."
    return
  fi

  local missing as_root=()
  mapfile -t missing < <(missing_packages)
  ((${#missing[@]} == 0)) && return

  if [[ $(id -u) != 0 ]]; then
    if ! command -v sudo >/dev/null; then
      die "missing packages, and neither root nor sudo to install them with; as root: apt-get install ${missing[*]}"
    fi
    as_root=(sudo)
    [[ -t 0 ]] || as_root+=(-n)
    "${as_root[@]}" -v 2>/dev/null ||
      die "missing packages, and sudo is refused; as root: apt-get install ${missing[*]}"
  fi

  say "Installing with apt (${#missing[@]}): ${missing[*]}"
  local log ticker
  log=$(mktemp)
  tick "$log" &
  ticker=$!
  if ! apt_get "${as_root[@]}" update >"$log" 2>&1 ||
    ! apt_get "${as_root[@]}" install --yes --no-install-recommends "${missing[@]}" >>"$log" 2>&1; then
    kill "$ticker" 2>/dev/null || true
    tail -n 20 "$log" >&2
    die "apt-get failed, its last lines are above; the whole output: $log"
  fi
  kill "$ticker" 2>/dev/null || true
  rm -f "$log"
}

# install_packages_meanwhile - the same beside what the script does next; before it, where somebody may be asked for a password.
# await_packages waits for its end, and fails if there is nothing to wait for. A script that ends before waits, too: apt is not to be cut off.
installing=      # its process
installing_log=  # what it says
install_packages_meanwhile() {
  if [[ ${POOLBENCH_NO_INSTALL:-0} == 1 ]] || ! command -v dpkg-query >/dev/null || [[ -z $(missing_packages) ]]; then return; fi
  if [[ $(id -u) != 0 ]]; then
    install_packages
    return
  fi
  installing_log=$(mktemp)
  trap 'await_packages || true' EXIT
  install_packages >"$installing_log" 2>&1 &
  installing=$!
  say "Meanwhile apt installs: $(missing_packages | tr '\n' ' ')"
}
await_packages() {
  local code=0 process=$installing
  [[ -n $process ]] || return 1
  installing=
  wait_for "$process" || code=$?
  ((code == 0)) || cat "$installing_log" >&2
  rm -f "$installing_log"
  ((code == 0)) || exit "$code"
}

# tick LOG - every 15 s, until the script has ended, how long it has taken and the log's last line.
tick() {
  local seconds=0
  while sleep 1 && kill -0 $$ 2>/dev/null; do
    ((++seconds % 15)) || say "  $seconds s: $(tail -n 1 "$1" | cut -c 1-100)"
  done
}

# apt_get [sudo [-n]] ARGUMENTS... - waits for another apt that holds the lock rather than failing at once.
apt_get() {
  local as_root=()
  while [[ $1 == sudo || $1 == -n ]]; do
    as_root+=("$1")
    shift
  done
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 -qq "$@" </dev/null
}

# --- build ------------------------------------------------------------------------------------------------------------

# As many compilers as there are cores, and no more than memory carries: the largest file takes about 1.5 GB.
build_jobs() {
  local cores available_kib by_memory
  cores=$(nproc)
  available_kib=$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo)
  by_memory=$((${available_kib:-0} / 1500000))
  ((by_memory < 1)) && by_memory=1
  echo $((cores < by_memory ? cores : by_memory))
}

# build PRESET [TARGET] - configures and builds preset PRESET in build/PRESET and sets build_dir. POOLBENCH_BUILD_DIR
# names a build directory that is configured already, to be used in its place. Silent when there is next to nothing to do.
build() {
  local preset=$1 target=${2:-all} pending
  build_dir=$root/build/$preset
  if [[ -n ${POOLBENCH_BUILD_DIR:-} ]]; then
    build_dir=$POOLBENCH_BUILD_DIR
    [[ -f $build_dir/CMakeCache.txt ]] || die "POOLBENCH_BUILD_DIR=$build_dir is not a configured build directory"
  else
    mkdir -p "$build_dir"
    run_job cmake -S "$root" --preset "$preset" >"$build_dir/configure.log" 2>&1 || {
      [[ -n $signalled ]] || cat "$build_dir/configure.log" >&2
      die "cmake --preset $preset failed: see above"
    }
  fi

  # A build that is up to date still records the commit and may link again: a few steps, which nobody needs to read.
  pending=$(ninja -C "$build_dir" -n "$target" 2>/dev/null | grep -c '^\[' || true)
  if ((pending <= 6)); then
    run_job cmake --build "$build_dir" --target "$target" >"$build_dir/build.log" 2>&1 || {
      [[ -n $signalled ]] || cat "$build_dir/build.log" >&2
      die "the build of $target failed: see above"
    }
  else
    say "Building $target in $build_dir ..."
    run_job cmake --build "$build_dir" --target "$target" --parallel "$(build_jobs)" >&2 ||
      die "the build of $target failed: see above"
  fi
}
