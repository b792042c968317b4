"""docs/decisions: each number is used once, and the index lists each decision."""

import re
from pathlib import Path

DIRECTORY = Path(__file__).parents[2] / "docs/decisions"
FILES = sorted(DIRECTORY.glob("[0-9]*.md"))


def test_numbers_are_used_once_and_index_names_the_gap() -> None:
    numbers = [int(each.name[:4]) for each in FILES]
    assert numbers == sorted(set(numbers))
    [gap] = re.findall(r"Numbers (\d+) to (\d+) were not used\.", (DIRECTORY / "README.md").read_text())
    unused = range(int(gap[0]), int(gap[1]) + 1)
    assert sorted(set(range(1, numbers[-1] + 1)) - set(numbers)) == list(unused)


def test_index_has_number_and_title_of_each() -> None:
    rows = re.findall(r"^\| (\d+) \| \[(.+)\]\((.+)\) \| .+ \|$", (DIRECTORY / "README.md").read_text(), re.M)
    titles = [(f"{number}. {title}", name) for number, title, name in rows]
    assert titles == [(each.read_text().splitlines()[0].removeprefix("# "), each.name) for each in FILES]
