"""Several processes of one program, and a web server, which a suite kills and starts again."""

import socket
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import psutil
from django.db import connection

from tests.chaos.fleet import Host, kill

CUT: Final = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
    AND split_part(application_name, '-', 1) IN (%s, 'web')
"""


@dataclass(slots=True)
class Crew:
    """`program`: what `host` starts `size` times. `address`: where the web server listens."""

    program: str
    size: int
    host: Host
    web_host: Host
    address: str
    pids: list[int] = field(default_factory=list)
    web: int = 0

    def start(self) -> None:
        """The hosts are ready."""
        self.web = self.web_host.start("web", self.address)
        self.pids = [self.host.start(self.program) for _ in range(self.size)]

    def start_missing(self) -> None:
        for place, pid in enumerate(self.pids):
            if not psutil.pid_exists(pid):
                self.pids[place] = self.host.start(self.program)

    def kill(self, place: int) -> None:
        """Another process takes its place."""
        kill(self.pids[place])
        self.pids[place] = self.host.start(self.program)

    def kill_web(self) -> None:
        """Another one takes its place, and does not serve yet."""
        kill(self.web)
        self.web = self.web_host.start("web", self.address)

    def serves(self) -> bool:
        host, port = self.address.split(":")
        with suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return True
        return False

    def cut_postgres(self) -> None:
        """The sessions of all of them are terminated."""
        with connection.cursor() as cursor:
            cursor.execute(CUT, [self.program])
