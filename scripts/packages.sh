#!/usr/bin/env bash
# Installs the Debian packages that building, testing and formatting need. A no-op, and quick, when all are there.
#   scripts/packages.sh          install what is missing (as root, or through sudo)
#   scripts/packages.sh --list   print the list
set -euo pipefail

packages=(
  # build
  cmake ninja-build ccache g++ mold pkg-config
  # gRPC, protobuf, abseil
  libgrpc++-dev protobuf-compiler-grpc protobuf-compiler libprotobuf-dev libabsl-dev
  # storage, network, command line, logs, metrics
  librocksdb-dev libasio-dev libcli11-dev libspdlog-dev libfmt-dev nlohmann-json3-dev prometheus-cpp-dev
  libcpp-httplib-dev libssl-dev libisal-dev libxxhash-dev zlib1g-dev libreadline-dev
  # tests and benchmarks
  libgtest-dev libgmock-dev librapidcheck-dev libbenchmark-dev libclang-rt-14-dev clang-14
  # the real ZooKeeper, its clients, and etcd: what we are compared with and must serve
  zookeeper libzookeeper-mt-dev python3-kazoo default-jre-headless default-jdk-headless maven etcd-server
  # tools the scripts call
  clang-format-14 clang-tidy-14 python3 curl iproute2 git
)

if [[ "${1:-}" == --list ]]; then
  printf '%s\n' "${packages[@]}"
  exit 0
fi
if ! command -v dpkg-query >/dev/null; then
  echo "packages.sh: this is not a Debian system; install the equivalents of: ${packages[*]}" >&2
  exit 1
fi

# dpkg-query prints a line per known package and fails if one is unknown to it; what is not printed as installed is missing.
installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "${packages[@]}" 2>/dev/null | awk '$2 == "installed" { print $1 }' || true)
missing=()
for package in "${packages[@]}"; do
  grep -qxF "$package" <<<"$installed" || missing+=("$package")
done
((${#missing[@]} == 0)) && exit 0

sudo=()
if ((EUID != 0)); then
  if ! command -v sudo >/dev/null; then
    echo "packages.sh: not root and no sudo. Install as root: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  sudo=(sudo)
fi
echo "packages.sh: installing ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
"${sudo[@]}" apt-get -q update >&2
"${sudo[@]}" apt-get -q install -y --no-install-recommends "${missing[@]}" >&2
