"""Files of others are unchanged: each has the hash that its VERSION file names, and its license beside it."""

import hashlib
from pathlib import Path

from leadswitch.env import REPOSITORY

FOLDER: Path = REPOSITORY / "leadswitch/static/leadswitch/uplot"


def test_vendored_files_have_their_hashes() -> None:
    version, *lines = (FOLDER / "VERSION").read_text().splitlines()
    assert version == "uplot 1.6.32 (npm), MIT"
    hashes = {name: digest for digest, name in (line.split() for line in lines)}
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in FOLDER.iterdir()
        if path.name != "VERSION"
    }
    assert found == hashes
    assert "MIT License" in (FOLDER / "LICENSE").read_text()
