"""Starts dialers, web servers and reconcilers quickly, with the places at which they are killed.

python -m tests.chaos.calls.host DIRECTORY [PROTECTION ...]
"""

import sys
from pathlib import Path

from tests.chaos.calls.probes import install
from tests.chaos.calls.protections import PROTECTIONS
from tests.chaos.host import prepare, serve


def main(directory: str, *protections: str) -> None:
    prepare()
    install(Path(directory))
    for name in protections:
        PROTECTIONS[name].remove()
    serve()


if __name__ == "__main__":
    main(*sys.argv[1:])
