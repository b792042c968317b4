"""Runs every check on one consistent view of the database."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from distribution.verify.database_snapshot import DatabaseSnapshot, open_snapshot
from distribution.verify.findings import Findings, Invariant
from distribution.verify.invariants import BY_NAME, INVARIANTS
from distribution.verify.slices import Slice, SliceKind, slice_all
from distribution.verify.touched import find_slices, store_watermarks
from distribution.verify.work import CheckPart, run_in_processes, run_part

# Fewer parts are done before other processes have started.
MIN_PARTS_FOR_PROCESSES: Final = 40


class Progress(Protocol):
    """Notified when a check begins, and when each of its parts ends."""

    def begin(self, invariant: Invariant, *, parts: int) -> None: ...

    def advance(self, invariant: Invariant, findings: Findings, *, left: int) -> None: ...


class NoProgress:
    """Shows no progress."""

    def begin(self, invariant: Invariant, *, parts: int) -> None:
        """Do nothing."""

    def advance(self, invariant: Invariant, findings: Findings, *, left: int) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class Report:
    """`whole`: the names of the checks that checked everything."""

    results: tuple[tuple[Invariant, Findings], ...]
    seconds: float
    whole: frozenset[str] = frozenset()
    incremental: bool = False

    @property
    def holds(self) -> bool:
        return all(findings.breaches == 0 for _, findings in self.results)


def run_verification(
    *,
    limit: int | None = None,
    incremental: bool = False,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Report:
    """Check all invariants on everything, on the `limit` newest leads, or on what changed since the last clean run.

    Begins its own transaction: REPEATABLE READ and read-only. An incremental run then writes its watermarks.
    """
    started = time.perf_counter()
    with open_snapshot() as snapshot:
        everything = slice_all(at=snapshot.at, newest=limit)
        slices = {invariant.name: everything for invariant in INVARIANTS}
        touched = find_slices(snapshot) if incremental else {}
        results = _check({**slices, **touched}, snapshot, jobs=jobs, progress=progress or NoProgress())
    if incremental:
        store_watermarks(snapshot, [each.name for each, findings in results if not findings.breaches])
    whole = frozenset() if limit else slices.keys() - touched.keys()
    return Report(results, time.perf_counter() - started, frozenset(whole), incremental)


def _check(
    slices: Mapping[str, Mapping[SliceKind, Sequence[Slice]]],
    snapshot: DatabaseSnapshot,
    *,
    jobs: int,
    progress: Progress,
) -> tuple[tuple[Invariant, Findings], ...]:
    parts = {invariant.name: _parts(invariant, slices[invariant.name]) for invariant in INVARIANTS}
    results = {invariant.name: Findings() for invariant in INVARIANTS}
    left = {name: len(each) for name, each in parts.items()}
    is_parallel = jobs > 1 and sum(left.values()) >= MIN_PARTS_FOR_PROCESSES
    ended = _run_in_processes(parts, snapshot, jobs, progress) if is_parallel else _run_here(parts, progress)
    for part, findings in ended:
        name = part.invariant
        results[name].merge(findings)
        left[name] -= 1
        progress.advance(BY_NAME[name], results[name], left=left[name])
    return tuple((invariant, results[invariant.name]) for invariant in INVARIANTS)


def _parts(invariant: Invariant, slices: Mapping[SliceKind, Sequence[Slice]]) -> list[CheckPart]:
    return [
        CheckPart(invariant.name, number, each)
        for number, check in enumerate(invariant.checks)
        for each in slices[check.kind]
    ]


def _run_here(
    parts: Mapping[str, Sequence[CheckPart]], progress: Progress
) -> Iterator[tuple[CheckPart, Findings]]:
    for invariant in INVARIANTS:
        progress.begin(invariant, parts=len(parts[invariant.name]))
        for part in parts[invariant.name]:
            yield part, run_part(part)


def _run_in_processes(
    parts: Mapping[str, Sequence[CheckPart]], snapshot: DatabaseSnapshot, jobs: int, progress: Progress
) -> Iterator[tuple[CheckPart, Findings]]:
    for invariant in INVARIANTS:
        progress.begin(invariant, parts=len(parts[invariant.name]))
    # The longest first: the check of caps is one part that counts every sale.
    order = sorted(parts, key=lambda name: len(parts[name]))
    return run_in_processes([part for name in order for part in parts[name]], snapshot=snapshot, jobs=jobs)
