"""Runs several processes in the foreground as one: prefixed logs, restarts, a clean stop of all of them."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

POLL_SECONDS = 0.2
# So that a process that dies at once is not restarted in a tight loop.
RESTART_PAUSE_SECONDS = 2.0
STOP_GRACE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Program:
    name: str
    command: Sequence[str]
    environment: Mapping[str, str]


@dataclass(slots=True)
class Child:
    """A program with its current process. `start_at`: when a dead one is started again."""

    program: Program
    process: "subprocess.Popen[str] | None" = None
    start_at: float = field(default=0.0)


class Supervisor:
    def __init__(self, programs: Sequence[Program], *, cwd: Path) -> None:
        self._children = [Child(program) for program in programs]
        self._cwd = cwd
        self._width = max(len(program.name) for program in programs)
        self._stopping = threading.Event()
        self._output = threading.Lock()

    def run(self) -> None:
        """Keep every program running until SIGINT or SIGTERM, then stop them all."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        try:
            while not self._stopping.wait(POLL_SECONDS):
                for child in self._children:
                    self._keep_running(child)
        finally:
            self._stop_all()

    def say(self, name: str, text: str) -> None:
        with self._output:
            sys.stdout.write(f"{name:<{self._width}} | {text}\n")
            sys.stdout.flush()

    def _on_signal(self, _number: int, _frame: object) -> None:
        self._stopping.set()

    def _keep_running(self, child: Child) -> None:
        if child.process is not None and child.process.poll() is not None:
            code = child.process.returncode
            self.say(child.program.name, f"exited with code {code}; restarting")
            child.process, child.start_at = None, monotonic() + RESTART_PAUSE_SECONDS
        if child.process is None and monotonic() >= child.start_at:
            child.process = self._start(child.program)

    def _start(self, program: Program) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            program.command,
            cwd=self._cwd,
            env={**os.environ, **program.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # A separate group: Ctrl-C reaches only the supervisor, which then stops each child once.
            start_new_session=True,
        )
        threading.Thread(target=self._copy_output, args=(program.name, process), daemon=True).start()
        return process

    def _copy_output(self, name: str, process: "subprocess.Popen[str]") -> None:
        if process.stdout is not None:
            with process.stdout as lines:
                for line in lines:
                    self.say(name, line.rstrip("\n"))

    def _stop_all(self) -> None:
        running = [child.process for child in self._children if child.process is not None]
        for process in running:
            if process.poll() is None:
                process.terminate()
        deadline = monotonic() + STOP_GRACE_SECONDS
        for process in running:
            self._wait_or_kill(process, timeout_seconds=max(0.1, deadline - monotonic()))

    def _wait_or_kill(self, process: "subprocess.Popen[str]", *, timeout_seconds: float) -> None:
        try:
            process.wait(timeout=timeout_seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
