"""Starts the product's processes quickly, as tests/chaos/host.py does, with the places at which they are killed.

python -m tests.chaos.offers.host DIRECTORY [PROTECTION ...]
"""

import os
import sys
from pathlib import Path

from tests.chaos.host import prepare, serve, set_periods
from tests.chaos.offers.probes import install
from tests.chaos.offers.protections import PROTECTIONS
from tests.chaos.periods import BY_NAME


def main(directory: str, *protections: str) -> None:
    set_periods(BY_NAME[os.environ["CHAOS_PERIODS"]])
    prepare()
    install(Path(directory))
    for name in protections:
        PROTECTIONS[name].remove()
    serve()


if __name__ == "__main__":
    main(*sys.argv[1:])
