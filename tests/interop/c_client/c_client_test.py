#!/usr/bin/env python3
"""ZooKeeper's C client, as Debian packages it, against an ensemble of three servers.

    c_client_test.py [--against zookeeper] [--only NAME] PROGRAM

PROGRAM is the binary made of the C++ files beside this one.
"""
import os
import shlex
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))

from ensemble import Ensemble, EnsembleError, Scratch, arguments  # noqa: E402


def main():
    parser = arguments(__doc__.splitlines()[0], 24130)
    parser.add_argument("program")
    given = parser.parse_args()
    scratch = Scratch("c-client", given.data)
    ensemble = Ensemble(given.against, scratch.path, given.base_port, settings={"readonlymode.enabled": "true"})
    code = 1
    try:
        ensemble.up()
        # ZooKeeper 3.8.0 opens no session without a quorum, whatever readonlymode.enabled says: it answers createSession with NotReadOnly.
        skip = "servers.read_only" if given.against == "zookeeper" else ""
        code = subprocess.run([given.program, "--control", shlex.join(ensemble.control()), "--base-port", str(given.base_port),
                               "--only", given.only, "--skip", skip], stdin=subprocess.DEVNULL, timeout=300, check=False).returncode
    except (EnsembleError, OSError, subprocess.TimeoutExpired) as e:
        print(f"FAIL c_client: {e}\n0 passed, 1 failed")
    finally:
        ensemble.down()
    if code < 0:
        print(f"FAIL c_client: killed by signal {-code}\n0 passed, 1 failed")
    scratch.end(code)
    return 1 if code else 0


if __name__ == "__main__":
    sys.exit(main())
