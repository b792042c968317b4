"""python -m tests.carrier [--port 0] [--control-port 0] [--account SID:TOKEN[:KEY]]: prints its ports, then serves."""

import asyncio
from argparse import ArgumentParser

from tests.carrier.accounts import Account
from tests.carrier.running import ACCOUNT
from tests.carrier.server import run_server


def main() -> None:
    parser = ArgumentParser(prog="python -m tests.carrier")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--control-port", type=int, default=0)
    parser.add_argument(
        "--account", action="append", default=[], help="SID:TOKEN[:SIGNING_KEY]; may be repeated"
    )
    options = parser.parse_args()
    accounts = [Account.parse(text) for text in options.account or [ACCOUNT]]
    asyncio.run(run_server(accounts, host=options.host, port=options.port, control_port=options.control_port))


if __name__ == "__main__":
    main()
