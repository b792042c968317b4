"""Starts deliverers, web servers and reconcilers quickly, with the places at which they are killed.

python -m tests.chaos.payments.host DIRECTORY [PROTECTION ...]
"""

import sys

from tests.chaos.host import serve_suite
from tests.chaos.payments.probes import install
from tests.chaos.payments.protections import PROTECTIONS


def main(directory: str, *protections: str) -> None:
    removals = {name: each.remove for name, each in PROTECTIONS.items()}
    serve_suite(directory, protections, install=install, removals=removals)


if __name__ == "__main__":
    main(*sys.argv[1:])
