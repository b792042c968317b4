"""Starts dialers, web servers and reconcilers quickly, with the places at which they are killed.

python -m tests.chaos.calls.host DIRECTORY [PROTECTION ...]
"""

import sys

from tests.chaos.calls.probes import install
from tests.chaos.calls.protections import PROTECTIONS
from tests.chaos.host import serve_suite


def main(directory: str, *protections: str) -> None:
    removals = {name: each.remove for name, each in PROTECTIONS.items()}
    serve_suite(directory, protections, install=install, removals=removals)


if __name__ == "__main__":
    main(*sys.argv[1:])
