"""An import that is killed halfway and run again stores each row once."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from leadswitch.env import REPOSITORY
from routing.models import Lead
from tests.support.factories import SourceFactory
from tests.support.processes import child_environment
from tests.support.warm.started import start_python

ROWS = 6_000
COMMAND = [
    "import_leads",
    "--source",
    "city",
    "--map",
    "Email=email",
    "Zip=zip",
    "--default",
    "vertical=hvac",
    "--json",
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "leads.csv"
    with path.open("w") as out:
        out.write("Email,Zip\n")
        out.writelines(
            f"a{number}@example.com,{'30312' if number % 100 else '1'}\n" for number in range(ROWS)
        )
    return path


@pytest.fixture
def importer(committed_db: None, file: Path) -> Iterator["Importer"]:  # noqa: ARG001
    SourceFactory.create(name="city")
    importer = Importer(file)
    yield importer
    importer.stop()


class Importer:
    def __init__(self, file: Path) -> None:
        self.file = file
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> "subprocess.Popen[str]":
        self.process = start_python(
            *("manage.py", *COMMAND, str(self.file)),
            cwd=REPOSITORY,
            env=child_environment(LEADSWITCH_WAKE_ENABLED="false"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return self.process

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


def test_each_row_is_stored_once_whenever_it_is_killed(importer: Importer) -> None:
    stored: list[int] = []
    for _ in range(3):
        process = importer.start()
        wait_for_more_than(stored[-1] if stored else 0, process=process)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
        assert process.returncode == -signal.SIGKILL
        stored.append(Lead.objects.count())
    assert stored == sorted(set(stored))
    assert 0 < stored[0] < ROWS * 99 // 100, "it was killed in the middle"

    output, errors = importer.start().communicate(timeout=120)
    outcome = json.loads(output)
    assert errors == ""
    accepted, already_there = outcome["accepted"], outcome["already_there"]
    assert (outcome["read"], outcome["rejected"]) == (ROWS, ROWS // 100)
    assert accepted + already_there == ROWS * 99 // 100
    assert already_there >= stored[-1]
    assert Lead.objects.count() == ROWS * 99 // 100
    assert Lead.objects.values("email").distinct().count() == ROWS * 99 // 100


def wait_for_more_than(count: int, *, process: "subprocess.Popen[str]") -> None:
    """Poll the database until the import has committed another batch."""
    while process.poll() is None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM routing_lead")
            if cursor.fetchone()[0] > count:
                return
    raise AssertionError(process.communicate())
