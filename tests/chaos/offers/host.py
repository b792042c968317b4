"""Starts the product's processes quickly, as tests/chaos/host.py does, with the places at which they are killed.

python -m tests.chaos.offers.host DIRECTORY [PROTECTION ...]
"""

import os
import sys

from tests.chaos.host import serve_suite, set_periods
from tests.chaos.offers.probes import install
from tests.chaos.offers.protections import PROTECTIONS
from tests.chaos.periods import BY_NAME


def main(directory: str, *protections: str) -> None:
    set_periods(BY_NAME[os.environ["CHAOS_PERIODS"]])
    removals = {name: each.remove for name, each in PROTECTIONS.items()}
    serve_suite(directory, protections, install=install, removals=removals)


if __name__ == "__main__":
    main(*sys.argv[1:])
