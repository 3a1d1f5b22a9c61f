#!/usr/bin/env python3
"""Curator's recipes and the newest Java client, had from Maven Central, against an ensemble of three servers.

    curator_test.py [--against zookeeper] [--only NAME] [--build DIR]

Where Maven Central cannot be reached it says `unavailable: ...` and counts nothing. DIR takes what Maven builds.
"""
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support"))

from ensemble import Ensemble, EnsembleError, Scratch, arguments  # noqa: E402

# What Maven says when it is the network that fails, and not our program.
UNREACHABLE = re.compile(r"Could not transfer artifact|Unknown host|UnknownHostException|Connection refused|Connection timed out|Connect timed out"
                         r"|Network is unreachable|Temporary failure in name resolution|No route to host|Name or service not known|timed out")


def maven(build, *goals):
    """Whether Maven did it, and what it said."""
    words = ["mvn", "-q", "-B", "-f", os.path.join(HERE, "pom.xml"), f"-Dinterop.build={build}", *goals]
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        return False, "Connection timed out: Maven gave no answer in 120 s"
    return done.returncode == 0, done.stdout


def build_program(build):
    """The class path, or None if there is none to be had; a program that does not compile raises."""
    # By its full name: what Maven says of a plugin that it looked up by its short one does not tell of the network.
    done, said = maven(build, "org.apache.maven.plugins:maven-dependency-plugin:build-classpath", "compile")
    if not done and UNREACHABLE.search(said) and "COMPILATION ERROR" not in said:
        print(f"unavailable: Maven Central cannot be reached from here ({UNREACHABLE.search(said)[0]})")
        return None
    if not done:
        raise EnsembleError(f"Maven failed:\n{said}")
    with open(os.path.join(build, "classpath"), encoding="utf-8") as file:
        return os.path.join(build, "classes") + ":" + file.read().strip()


def main():
    parser = arguments(__doc__.splitlines()[0], 24190)
    parser.add_argument("--build", help="what Maven builds goes here (default: into the data directory)")
    given = parser.parse_args()
    scratch = Scratch("curator", given.data)
    # Quick removal of TTL nodes and containers, so that it can be seen.
    settings = {"readonlymode.enabled": "true", "znode.container.checkIntervalMs": "500"}
    ensemble = Ensemble(given.against, os.path.join(scratch.path, "servers"), given.base_port, settings=settings)
    code = 1
    try:
        if not shutil.which("mvn"):
            raise EnsembleError("mvn is not installed; scripts/packages.sh installs it")
        classpath = build_program(os.path.abspath(given.build or os.path.join(scratch.path, "build")))
        if classpath is None:
            print("0 passed, 0 failed")
            scratch.end(0)
            return 0
        ensemble.up()
        code = subprocess.run(["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", classpath, "synod.interop.Main",
                               " ".join(ensemble.control()), str(given.base_port), given.against, given.only],
                              stdin=subprocess.DEVNULL, timeout=300, check=False).returncode
    except (EnsembleError, OSError, subprocess.TimeoutExpired) as e:
        print(f"FAIL curator: {e}\n0 passed, 1 failed")
    finally:
        ensemble.down()
    scratch.end(code)
    return 1 if code else 0


if __name__ == "__main__":
    sys.exit(main())
