"""No two places of the product, and no two of the tests, share twelve equal lines.

Code that two places need is written once.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("leadswitch", "distribution", "routing", "tracing", "templates", "ops")
MAX_EQUAL = 11
ENDINGS = (".py", ".html", ".js", ".css", ".sh", ".lua")
IMPORTS = re.compile(r"^(?:from \S+ import (?:\([^)]*\)|.*)|import .*)$", re.MULTILINE)


def list_sources(*folders: str) -> list[Path]:
    paths = (path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in ENDINGS)
    return [path for path in paths if "migrations" not in path.parts]


def read_lines(text: str) -> list[tuple[int, str]]:
    """Lines by number, without indentation. Blank lines and comments do not count."""
    lines = ((number, line.strip()) for number, line in enumerate(text.splitlines(), start=1))
    return [(number, line) for number, line in lines if line and not line.startswith("#")]


def find_equal_runs(texts: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Where a run begins that occurs in another place too."""
    places: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, text in texts:
        lines = read_lines(text)
        for first in range(len(lines) - MAX_EQUAL):
            run = tuple(line for _, line in lines[first : first + MAX_EQUAL + 1])
            places[run].append(f"{name}:{lines[first][0]}")
    return (" ~ ".join(found) for found in places.values() if len(found) > 1)


def read_sources(*folders: str) -> list[tuple[str, str]]:
    return [(str(path.relative_to(ROOT)), path.read_text()) for path in list_sources(*folders)]


def blank_imports(text: str) -> str:
    """The text with the same number of lines, and nothing on those that import."""
    return IMPORTS.sub(lambda found: "\n" * found[0].count("\n"), text)


def test_no_two_places_share_twelve_lines() -> None:
    assert list(find_equal_runs(read_sources(*FOLDERS))) == []


def test_no_two_tests_share_twelve_lines() -> None:
    """Two tests of the same tables need the same imports."""
    texts = [(name, blank_imports(text)) for name, text in read_sources("tests")]
    assert list(find_equal_runs(texts)) == []


def test_imports_are_no_equal_run_and_code_after_them_is() -> None:
    imports = "from a import (\n" + "    b,\n" * MAX_EQUAL + ")\nimport c\n"
    body = "".join(f"step_{number}()\n" for number in range(MAX_EQUAL + 1))

    assert list(find_equal_runs([("a", blank_imports(imports)), ("b", blank_imports(imports))])) == []
    texts = [(name, blank_imports(imports + body)) for name in ("a", "b")]
    assert list(find_equal_runs(texts)) == [f"a:{MAX_EQUAL + 4} ~ b:{MAX_EQUAL + 4}"]


def test_equal_run_is_found_whatever_its_indentation() -> None:
    body = [f"step_{number}()" for number in range(MAX_EQUAL + 1)]
    moved = "\n\n".join(f"    {line}" for line in body)

    assert list(find_equal_runs([("a", "\n".join(body)), ("b", f"first()\n{moved}")])) == ["a:1 ~ b:2"]
    assert list(find_equal_runs([("a", "\n".join(body[1:])), ("b", moved)])) == []
