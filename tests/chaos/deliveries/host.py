"""Starts deliverers quickly, as tests/chaos/host.py starts the other processes of the product.

python -m tests.chaos.deliveries.host DIRECTORY [PROTECTION ...]
"""

import sys
from pathlib import Path

from tests.chaos.deliveries.probes import PROTECTIONS, install
from tests.chaos.host import prepare, serve


def main(directory: str, *protections: str) -> None:
    prepare()
    install(Path(directory))
    for name in protections:
        PROTECTIONS[name]()
    serve()


if __name__ == "__main__":
    main(*sys.argv[1:])
