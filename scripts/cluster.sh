#!/usr/bin/env bash
# Clusters of synod-coordinator processes on loopback. Everything of a cluster stands in its directory, so that several run side by side.
#   scripts/cluster.sh up [--servers 3|5] [--data DIR] [--base-port P] [--set KEY=VALUE]...
#                                                     start it (or what of it does not run) and wait until it serves; --set writes a
#                                                     line into the configuration of a new cluster
#   scripts/cluster.sh status          [--data DIR]   where each server listens, who leads
#   scripts/cluster.sh kill ID [SIGNAL] [--data DIR]  default KILL; STOP and CONT pause and resume, TERM asks it to leave
#   scripts/cluster.sh start ID        [--data DIR]   start a server that is down
#   scripts/cluster.sh servers         [--data DIR]   the --servers value for synod
#   scripts/cluster.sh zookeeper       [--data DIR]   the connect string for ZooKeeper's clients
#   scripts/cluster.sh down            [--data DIR]   end all; the data stays
# DIR defaults to run/default. Server N listens on P+N (ZooKeeper's protocol), P+100+N (gRPC), P+200+N (peers), P+5900+N (admin HTTP);
# P+300+N is kept for the election port of zoo.cfg. P defaults to the first of 2180, 3180, ... whose ports are free.
# SYNOD_BIN_DIR names other binaries.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bin=${SYNOD_BIN_DIR:-$root/build/release/bin}
wait_seconds=60

fail() { echo "cluster.sh: $*" >&2; exit 1; }

command=${1:-}
[[ -n $command ]] && shift
servers= data=$root/run/default base= words=() settings=()
while (($# > 0)); do
  case "$1" in
    --servers) servers=${2:?--servers needs 3 or 5}; shift 2 ;;
    --data) data=${2:?--data needs a directory}; shift 2 ;;
    --base-port) base=${2:?--base-port needs a number}; shift 2 ;;
    --set) [[ ${2:-} == ?*=* ]] || fail "--set needs KEY=VALUE"; settings+=("$2"); shift 2 ;;
    -*) fail "unknown option $1 (see the head of $0)" ;;
    *) words+=("$1"); shift ;;
  esac
done
data=$(realpath -m "$data")

# ---- where things are ----
client_port() { echo $((base + $1)); }
grpc_port() { echo $((base + 100 + $1)); }
peer_port() { echo $((base + 200 + $1)); }
election_port() { echo $((base + 300 + $1)); }
admin_port() { echo $((base + 5900 + $1)); }
server_dir() { echo "$data/server-$1"; }

# Reads what `up` wrote: servers and base.
load() {
  [[ -f $data/cluster ]] || fail "no cluster in $data; start one: scripts/cluster.sh up --data $data"
  read -r servers base <"$data/cluster"
}

check_id() {
  [[ "${1:-}" =~ ^[0-9]+$ ]] && (($1 >= 1 && $1 <= servers)) || fail "server ID must be 1..$servers"
}

# Addresses of all servers, parted by commas; the argument names the port.
addresses() {
  local id list=
  for ((id = 1; id <= servers; id++)); do list+=${list:+,}127.0.0.1:$("$1" "$id"); done
  echo "$list"
}

# ---- processes ----
# A process is ours if its pid and start time are those written when it was started, and it serves our configuration: a recycled pid
# never is. Not the name of its program: when that is built anew, the linker may have renamed the file that a server runs from.
start_time() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
running_pid() {
  local pid started
  [[ -f $(server_dir "$1")/pid ]] || return 1
  read -r pid started _ <"$(server_dir "$1")/pid" || return 1
  [[ $(start_time "$pid") == "$started" ]] || return 1
  tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -qxF "$(server_dir "$1")/zoo.cfg" || return 1
  # A zombie has ended; its parent has merely not looked yet.
  [[ $(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | cut -d' ' -f1) != Z ]] || return 1
  echo "$pid"
}

start_server() {
  local id=$1 dir pid started
  dir=$(server_dir "$id")
  running_pid "$id" >/dev/null && return 0
  [[ -x $bin/synod-coordinator ]] || fail "$bin/synod-coordinator is missing; build it: scripts/build.sh"
  setsid "$bin/synod-coordinator" "$dir/zoo.cfg" >>"$dir/log" 2>&1 </dev/null &
  pid=$!
  # Until setsid has become the server, /proc/PID/exe names the shell or setsid.
  for _ in {1..100}; do
    [[ $(readlink "/proc/$pid/exe" 2>/dev/null) == */synod-coordinator ]] && break
    sleep 0.01
  done
  started=$(start_time "$pid") || true
  [[ -n $started ]] || fail "server $id ended at once; the last lines of $dir/log: $(tail -n 3 "$dir/log")"
  echo "$pid $started $(realpath "$bin/synod-coordinator")" >"$dir/pid"
}

write_config() {
  local id=$1 dir other
  dir=$(server_dir "$id")
  mkdir -p "$dir/data"
  echo "$id" >"$dir/data/myid"
  {
    echo "# Written by scripts/cluster.sh."
    echo "tickTime=2000"
    echo "dataDir=$dir/data"
    echo "clientPort=$(client_port "$id")"
    echo "clientPortAddress=127.0.0.1"
    echo "grpcPort=$(grpc_port "$id")"
    echo "admin.serverPort=$(admin_port "$id")"
    for ((other = 1; other <= servers; other++)); do
      echo "server.$other=127.0.0.1:$(peer_port "$other"):$(election_port "$other")"
    done
    ((${#settings[@]} == 0)) || printf '%s\n' "${settings[@]}"
  } >"$dir/zoo.cfg"
}

port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
block_is_free() {
  local id port
  for ((id = 1; id <= servers; id++)); do
    for port in "$(client_port "$id")" "$(grpc_port "$id")" "$(peer_port "$id")" "$(admin_port "$id")"; do
      port_is_free "$port" || return 1
    done
  done
}
choose_base() {
  for base in 2180 3180 4180 5180 6180 7180 8180 9180; do
    block_is_free && return 0
  done
  fail "no free block of ports; name one with --base-port"
}

# ---- what servers say ----
is_ready() { curl -fsS -m 2 -o /dev/null "http://127.0.0.1:$(admin_port "$1")/ready" 2>/dev/null; }
# role, term and leader of a server, or "- - -" if it does not answer.
describe() {
  curl -fsS -m 2 "http://127.0.0.1:$(admin_port "$1")/status" 2>/dev/null | python3 -c '
import json, sys
try:
    s = json.load(sys.stdin)
    print(s["role"], s["term"], s["leader_id"])
except Exception:
    print("- - -")'
}

wait_until_ready() {
  local id deadline=$((SECONDS + wait_seconds))
  for ((id = 1; id <= servers; id++)); do
    until is_ready "$id"; do
      running_pid "$id" >/dev/null || fail "server $id ended; the last lines of $(server_dir "$id")/log:
$(tail -n 5 "$(server_dir "$id")/log")"
      ((SECONDS < deadline)) || fail "server $id does not serve after $wait_seconds s; see $(server_dir "$id")/log"
      sleep 0.05
    done
  done
}

print_table() {
  local id role term leader pid format='%-7s %-8s %-10s %-5s %-16s %-16s %s\n' leads=
  # shellcheck disable=SC2059
  printf "$format" server pid role term clients peers admin
  for ((id = 1; id <= servers; id++)); do
    role=down term=- leader=-
    if pid=$(running_pid "$id"); then
      read -r role term leader < <(describe "$id")
      [[ $role == - ]] && role=silent
      [[ $role == leader ]] && leads=$id
    else
      pid=-
    fi
    # shellcheck disable=SC2059
    printf "$format" "$id" "$pid" "$role" "$term" "127.0.0.1:$(grpc_port "$id")" "127.0.0.1:$(peer_port "$id")" "http://127.0.0.1:$(admin_port "$id")"
  done
  echo "ZooKeeper's clients: $(addresses client_port)"
  if [[ -n $leads ]]; then echo "server $leads leads"; else echo "no server leads"; fi
}

# ---- commands ----
case "$command" in
  up)
    if [[ -f $data/cluster ]]; then
      read -r have_servers have_base <"$data/cluster"
      [[ -z $servers || $servers == "$have_servers" ]] || fail "$data holds a cluster of $have_servers servers, not $servers"
      [[ -z $base || $base == "$have_base" ]] || fail "$data holds a cluster at base port $have_base, not $base"
      servers=$have_servers base=$have_base
    else
      servers=${servers:-3}
      [[ $servers =~ ^[1-9]$ ]] || fail "--servers must be 1..9 (3 or 5 make sense)"
      if [[ -n $base ]]; then
        [[ $base =~ ^[0-9]+$ ]] && ((base > 0 && base < 59000)) || fail "--base-port must be a number below 59000"
        block_is_free || fail "ports of the block at $base are taken"
      else
        choose_base
      fi
      mkdir -p "$data"
      for ((id = 1; id <= servers; id++)); do write_config "$id"; done
      echo "$servers $base" >"$data/cluster"
    fi
    for ((id = 1; id <= servers; id++)); do start_server "$id"; done
    wait_until_ready
    print_table ;;
  status)
    load
    print_table ;;
  servers)
    load
    addresses grpc_port ;;
  zookeeper)
    load
    addresses client_port ;;
  start)
    load
    check_id "${words[0]:-}"
    start_server "${words[0]}"
    echo "server ${words[0]} started (pid $(running_pid "${words[0]}" || echo gone))" ;;
  kill)
    load
    id=${words[0]:-} signal=${words[1]:-KILL}
    check_id "$id"
    pid=$(running_pid "$id") || fail "server $id does not run"
    kill -s "${signal#SIG}" "$pid"
    case "${signal#SIG}" in
      KILL | 9 | TERM | 15 | INT | 2)
        for _ in {1..200}; do running_pid "$id" >/dev/null || break; sleep 0.05; done
        if running_pid "$id" >/dev/null; then fail "server $id (pid $pid) still runs 10 s after SIG${signal#SIG}"; fi ;;
    esac
    echo "server $id (pid $pid) got SIG${signal#SIG}" ;;
  down)
    load
    for ((id = 1; id <= servers; id++)); do
      # A paused process does not hear TERM.
      if pid=$(running_pid "$id"); then kill -s TERM "$pid"; kill -s CONT "$pid"; fi
    done
    for ((id = 1; id <= servers; id++)); do
      for _ in {1..200}; do running_pid "$id" >/dev/null || break; sleep 0.05; done
      if pid=$(running_pid "$id"); then
        echo "cluster.sh: server $id did not end in 10 s; killing it" >&2
        kill -s KILL "$pid"
      fi
      rm -f "$(server_dir "$id")/pid"
    done
    echo "down; the data stays in $data" ;;
  *)
    sed -n '2,15s/^# \{0,1\}//p' "$0"
    [[ $command == -h || $command == --help ]] || exit 2 ;;
esac
