"""Runs the parts of a verification, in this process or in other processes that share the snapshot."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Final

from django.db import connection

from distribution.processes import begin_process
from distribution.verify.database_snapshot import DatabaseSnapshot, join_snapshot
from distribution.verify.findings import Findings
from distribution.verify.invariants import BY_NAME
from distribution.verify.slices import Slice

# Used in child processes. It stays open until the process ends.
_shared: Final = ExitStack()


@dataclass(frozen=True, slots=True)
class CheckPart:
    """One slice of one check of an invariant, by names, because it is sent to another process."""

    invariant: str
    check: int
    slice: Slice


def run_part(part: CheckPart) -> Findings:
    findings = Findings()
    BY_NAME[part.invariant].checks[part.check].run(part.slice, findings)
    return findings


def run_in_processes(
    parts: Sequence[CheckPart], *, snapshot: DatabaseSnapshot, jobs: int
) -> Iterator[tuple[CheckPart, Findings]]:
    """Yield the findings of each part as it ends. Needs the snapshot to be open in this process."""
    begin = (connection.settings_dict["NAME"], (__name__, _begin.__name__), snapshot.name)
    with ProcessPoolExecutor(
        jobs, mp_context=get_context("spawn"), initializer=begin_process, initargs=begin
    ) as pool:
        running: dict[Future[Findings], CheckPart] = {pool.submit(run_part, part): part for part in parts}
        try:
            for done in as_completed(running):
                yield running[done], done.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _begin(snapshot: str) -> None:
    _shared.enter_context(join_snapshot(snapshot))
