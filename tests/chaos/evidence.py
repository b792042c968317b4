"""Judges the probes' lines: two attempts at once, lost work, leads claimed by a dispatcher that does not lead."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psutil

from tests.chaos.probes import CLAIMS, WITNESS

if TYPE_CHECKING:
    import redis

Line = Mapping[str, Any]
CUT: Final = "connections are cut"
REPAIRED: Final = "connections hold"


class Lines:
    """Reads a growing file from the last position. An incomplete line is left for the next time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0

    def read(self) -> Iterator[str]:
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._at)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self._at += len(line)
                yield line.decode(errors="replace")


@dataclass(slots=True)
class Section:
    """One process has one lead. `rivals`: processes that had it as well, `is_second`: one had it before.

    `is_cut`: the database ended its session.
    """

    pid: int
    rivals: set[int] = field(default_factory=set)
    is_second: bool = False
    is_cut: bool = False


class Witness:
    """The probes' file. The suite writes into it as well: when it cuts connections to the database."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / WITNESS
        self._path.touch()
        self._lines = Lines(self._path)
        self._open: dict[int, dict[int, Section]] = defaultdict(dict)
        self._is_cutting = False
        self.stopped = 0  # the process that was stopped last
        self.seen: Counter[str] = Counter()

    def say(self, what: str) -> None:
        with self._path.open("a") as file:
            file.write(json.dumps({"what": what, "pid": 0}) + "\n")

    def read(self) -> "Witness":
        for text in self._lines.read():
            self._judge(json.loads(text))
        return self

    def count_abandoned(self) -> int:
        """Attempts whose process was killed during them. Call it when no process is working."""
        return sum(map(len, self._open.values()))

    def count_running(self) -> int:
        """Attempts whose process lives."""
        return sum(psutil.pid_exists(pid) for sections in self._open.values() for pid in sections)

    def lead_of(self, pid: int) -> int:
        """The lead that a process is working on. Raises StopIteration."""
        return next(lead_id for lead_id, sections in self._open.items() if pid in sections)

    def _judge(self, line: Line) -> None:
        what = line["what"]
        self.seen[what] += 1
        if what == "begins":
            self._begin(line["lead"], line["pid"])
        elif what == "ends":
            self._end(line["lead"], line["pid"], is_given_up=line.get("is_given_up", False))
        elif what == "stops":
            self.stopped = line["pid"]
        elif what in (CUT, REPAIRED):
            self._is_cutting = what == CUT
            for sections in self._open.values():
                for section in sections.values():
                    section.is_cut = True

    def _begin(self, lead_id: int, pid: int) -> None:
        others = self._open[lead_id]
        for other in others.values():
            if other.pid != pid:
                other.rivals.add(pid)
        others[pid] = Section(pid, is_second=any(other != pid for other in others), is_cut=self._is_cutting)

    def _end(self, lead_id: int, pid: int, *, is_given_up: bool) -> None:
        """Only processes that end their section count. A killed process had released its lock."""
        section = self._open[lead_id].pop(pid, None)
        if section is None or section.is_cut:
            return
        if section.rivals:
            self.seen["two at once"] += 1
        if is_given_up and (section.rivals or section.is_second):
            self.seen["gave up beside another"] += 1


@dataclass(slots=True)
class Claims:
    """The claim script's own notes, read before Redis loses them."""

    foreign: int = 0
    gone: int = 0
    claimed: int = 0

    def read(self, client: "redis.Redis[str]") -> None:
        while text := client.lpop(CLAIMS):
            name, epoch, leader, present, count, gone = json.loads(str(text))
            self.claimed += int(count)
            self.gone += int(gone)
            if (name, epoch) != (leader, present):
                self.foreign += 1


class Repairs:
    """The reconcilers' log: repairs and runs, by name."""

    def __init__(self, log: Path) -> None:
        self._lines = Lines(log)
        self.repaired: Counter[str] = Counter()
        self.runs: Counter[str] = Counter()

    def read(self) -> "Repairs":
        for text in self._lines.read():
            if '"routing.reconciled"' in text:
                line = json.loads(text)
                self.repaired[line["reconciler"]] += line["repaired"]
                self.runs[line["reconciler"]] += 1
        return self
