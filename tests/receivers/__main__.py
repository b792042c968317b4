"""python -m tests.receivers FILE [--host 127.0.0.1] [--port 0] [--certificate PEM]: prints its port, then serves."""

import asyncio
from argparse import ArgumentParser
from pathlib import Path

from tests.receivers.server import run_server


def main() -> None:
    parser = ArgumentParser(prog="python -m tests.receivers")
    parser.add_argument("file", type=Path, help="where each request becomes a line")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--certificate", type=Path, help="a PEM file with the chain and the key: serve HTTPS")
    options = parser.parse_args()
    asyncio.run(
        run_server(options.file, host=options.host, port=options.port, certificate=options.certificate)
    )


if __name__ == "__main__":
    main()
