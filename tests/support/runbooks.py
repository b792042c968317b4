"""The pages of docs/runbooks and their commands."""

import re
from pathlib import Path
from typing import Final

RUNBOOKS: Final = Path(__file__).resolve().parents[2] / "docs" / "runbooks"
PAGES: Final = sorted(path for path in RUNBOOKS.glob("*.md") if path.name != "README.md")
COMMANDS: Final = re.compile(r"^## First three commands\n\n```\n(.+?)\n```$", re.MULTILINE | re.DOTALL)


def read_commands(page: Path) -> list[str]:
    found = COMMANDS.search(page.read_text())
    assert found is not None, page.name
    return found[1].splitlines()
