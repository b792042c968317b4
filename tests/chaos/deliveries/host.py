"""Starts deliverers quickly, as tests/chaos/host.py starts the other processes of the product.

python -m tests.chaos.deliveries.host DIRECTORY [PROTECTION ...]
"""

import sys

from tests.chaos.deliveries.probes import PROTECTIONS, install
from tests.chaos.host import serve_suite


def main(directory: str, *protections: str) -> None:
    serve_suite(directory, protections, install=install, removals=PROTECTIONS)


if __name__ == "__main__":
    main(*sys.argv[1:])
