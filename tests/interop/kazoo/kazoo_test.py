#!/usr/bin/python3
"""kazoo, as Debian packages it, against an ensemble of three servers: every operation, every recipe, and all of them while servers die.

    kazoo_test.py [--against zookeeper] [--only NAME]
"""
import logging
import os
import sys
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))

from ensemble import Ensemble, Scratch, arguments  # noqa: E402
from report import Report  # noqa: E402

import both_doors  # noqa: E402
import killing  # noqa: E402
import operations  # noqa: E402
import recipes  # noqa: E402


def main():
    given = arguments(__doc__.splitlines()[0], 24110).parse_args()
    # Connections are lost on purpose here, and kazoo tells of each.
    logging.basicConfig(level=logging.CRITICAL)
    report, scratch = Report(given.only), Scratch("kazoo", given.data)
    ensemble = Ensemble(given.against, scratch.path, given.base_port)
    try:
        ensemble.up()
        operations.run(report, ensemble)
        recipes.run(report, ensemble)
        if given.against == "synod":
            both_doors.run(report, ensemble)
        killing.run(report, ensemble)
    except Exception:  # pylint: disable=broad-except
        report.add("the ensemble", traceback.format_exc())
    finally:
        ensemble.down()
    scratch.end(report.failed)
    code = report.end()
    # A test that failed may have left a client behind whose threads would keep the process.
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
