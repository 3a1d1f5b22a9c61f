#!/usr/bin/env bash
# From a fresh checkout to a running ensemble: installs what is missing, builds, starts three servers on loopback, waits until
# they serve, and says where they listen. Run again, it finds things as they are.
#   scripts/run.sh         start, or find it running
#   scripts/run.sh stop    end it; the data stays in run/default
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
data=$root/run/default

case "${1:-start}" in
  stop) exec scripts/cluster.sh down --data "$data" ;;
  start) ;;
  *) sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

scripts/build.sh release synod-coordinator synod
scripts/cluster.sh up --data "$data"
servers=$(scripts/cluster.sh servers --data "$data")
zookeeper=$(scripts/cluster.sh zookeeper --data "$data")
cat <<TEXT

Try next:
  export PATH=$root/build/release/bin:\$PATH SYNOD_SERVERS=$servers
  synod ensemble status              # who leads
  synod create /greeting hello       # a znode
  synod get /greeting
  synod                              # an interactive shell
  /usr/share/zookeeper/bin/zkCli.sh -server $zookeeper ls /      # ZooKeeper's own shell, as any client of it
  /usr/bin/python3 -c "from kazoo.client import KazooClient as K; k = K('$zookeeper'); k.start(); print(k.get('/greeting'))"
  scripts/cluster.sh kill 1          # kill -9 a server; the others go on
  scripts/cluster.sh start 1
  scripts/run.sh stop
The tour in README.md goes on from here.
TEXT
