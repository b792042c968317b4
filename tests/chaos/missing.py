"""Removes the protections one at a time and reports what broke: one run for each, in a separate process."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rich import box
from rich.table import Table

from leadswitch.env import REPOSITORY
from tests.chaos.parts import PARTS
from tests.chaos.protections import ALONE, PROTECTIONS, PartProtection, Protection
from tests.support.console import make_console

# Enough leads of each kind to show that each protection is needed.
LEADS: Final = 300
# Of workers; the parts that kill processes at exact places have twice as many.
KILLS: Final = 20
EVERY: Final[Mapping[str, Protection | PartProtection]] = {
    **PROTECTIONS,
    **{name: each for part in PARTS.values() for name, each in part.protections.items()},
}


class RunFailed(Exception):
    """A run ended without a report."""


def miss_each(*, part: str | None, seed: int, report: Path | None) -> int:
    """Remove each alone, and then with its fallback. Returns the exit code: 1 if the run did not notice a removal."""
    console = make_console(sys.stdout)
    rows = []
    for name, without in list_runs(part):
        rows.append(run_without(name, without, seed=seed))
        console.print(f"without {' and '.join(without)}: {describe_broken(rows[-1])}", highlight=False)
    console.print(make_table(rows))
    if report:
        report.write_text(json.dumps(rows, indent=1))
    return 0 if all(has_broken(row) for row in rows) else 1


def list_runs(part: str | None) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The part of each run, and what is removed. `part` None: of all."""
    alone: dict[str, Sequence[str]] = {"leads": ALONE, **{each.name: each.alone for each in PARTS.values()}}
    for name, removed in alone.items():
        for each in removed if part in (None, name) else ():
            yield name, (each,)
            if EVERY[each].second:
                yield name, (each, EVERY[each].second)


def run_without(part: str, without: Sequence[str], *, seed: int) -> Mapping[str, Any]:
    """Raises RunFailed."""
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory) / "report.json"
        options = {
            "--part": part,
            "--without": ",".join(without),
            "--seed": seed,
            "--json": report,
            **(options_of_leads(PROTECTIONS[without[0]]) if part == "leads" else {"--kills": KILLS}),
        }
        words = [str(word) for pair in options.items() for word in pair]
        command = [sys.executable, "-m", "tests.chaos", *words]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        if not report.exists():
            message = f"without {without}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
            raise RunFailed(message)
        row: Mapping[str, Any] = json.loads(report.read_text())[0]
        return row


def options_of_leads(protection: Protection) -> dict[str, object]:
    return {
        "--leads": LEADS,
        "--kills": protection.kills,
        "--faults": ",".join(protection.faults),
        "--periods": protection.periods,
    }


def has_broken(row: Mapping[str, Any]) -> bool:
    """Whether the run found what the removal must break. Another finding may have another cause."""
    wanted = find_wanted(row)
    found = {each["check"] for each in row["findings"]}
    return wanted in found if wanted else bool(found)


def find_wanted(row: Mapping[str, Any]) -> str:
    """With its fallback removed too, a protection breaks more than it names."""
    without = row["order"]["without"]
    removed = EVERY[without[0]]
    return removed.breaks if isinstance(removed, PartProtection) and len(without) == 1 else ""


def describe_broken(row: Mapping[str, Any]) -> str:
    found = "; ".join(f"{each['check']}: {each['count']:,}" for each in row["findings"]) or "NOTHING BROKE"
    return found if has_broken(row) else f"{found}; NOT BROKEN: {find_wanted(row) or 'anything'}"


def make_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(title="Protections removed", box=box.ASCII2, title_justify="left", title_style="bold")
    for name in ("removed", "description", "what broke", "fallback", "s"):
        table.add_column(name, justify="right" if name == "s" else "left", overflow="fold")
    for row in rows:
        names = row["order"]["without"]
        held = EVERY[names[0]].second if len(names) == 1 else ""
        table.add_row(
            "\nand ".join(names),
            "\n".join(EVERY[name].what for name in names),
            describe_broken(row).replace("; ", "\n"),
            EVERY[held].what if held else "nothing",
            f"{row['seconds']:.0f}",
        )
        table.add_section()
    return table
