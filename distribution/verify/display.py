"""Shows the progress of the checks on standard error, because the report is on standard output.

On a terminal, each check has a bar with its percentage and rate. Elsewhere, each check prints a line when it ends.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn

from distribution.verify.findings import Findings, Invariant
from distribution.verify.run import NoProgress
from distribution.verify.run import Progress as Reporter
from tracing.wording import count


class Bars:
    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, tuple[TaskID, float, int]] = {}

    def begin(self, invariant: Invariant, *, parts: int) -> None:
        task = self._bars.add_task(f"verify {invariant.name:<8}", total=parts, checked="0", rate="")
        self._tasks[invariant.name] = task, time.monotonic(), parts

    def advance(self, invariant: Invariant, findings: Findings, *, left: int) -> None:
        task, began, parts = self._tasks[invariant.name]
        rate = findings.checked / max(time.monotonic() - began, 0.001)
        self._bars.update(
            task, completed=parts - left, checked=f"{findings.checked:,}", rate=f"{rate:,.0f} rows/s"
        )


class Lines:
    def __init__(self) -> None:
        self._began: dict[str, float] = {}

    def begin(self, invariant: Invariant, *, parts: int) -> None:
        self._began[invariant.name] = time.monotonic()
        if not parts:
            self.advance(invariant, Findings(), left=0)

    def advance(self, invariant: Invariant, findings: Findings, *, left: int) -> None:
        if not left:
            seconds = time.monotonic() - self._began[invariant.name]
            sys.stderr.write(
                f"verify {invariant.number} {invariant.name}: {findings.checked:,} checked,"
                f" {count(findings.breaches, 'breach', 'breaches')}, {seconds:.1f} s\n"
            )
            sys.stderr.flush()


@contextmanager
def show_progress(*, is_quiet: bool) -> Iterator[Reporter]:
    console = Console(stderr=True)
    if is_quiet:
        yield NoProgress()
    elif not console.is_terminal:
        yield Lines()
    else:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[checked]} rows"),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=console, transient=True) as bars:
            yield Bars(bars)
