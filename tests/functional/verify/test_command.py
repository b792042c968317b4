"""The command: its last line, its exit codes, its JSON."""

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.functional.verify.world import ALL_NUMBERS, World
from tests.planting import plant


@pytest.mark.usefixtures("world")
def test_the_command_ends_with_the_line_that_others_look_for() -> None:
    out = StringIO()

    call_command("verify", stdout=out)

    lines = out.getvalue().splitlines()
    assert lines[-1] == "verify: all invariants hold"
    assert [line.split()[0] for line in lines[1:10]] == [str(number) for number in ALL_NUMBERS]


def test_the_command_names_the_breach_and_exits_with_1(world: World) -> None:
    plant("UPDATE routing_lead SET status = 'failed' WHERE id = %s", [world.sold.pk])
    out = StringIO()

    with pytest.raises(SystemExit) as stopped:
        call_command("verify", stdout=out)

    assert stopped.value.code == 1
    lines = out.getvalue().splitlines()
    assert f"breach of 4: lead {world.sold.pk}: is failed and sold to 2 buyers" in lines
    assert lines[-1] == "verify: 1 breaches of 1 invariants"


def test_the_command_speaks_json(world: World) -> None:
    plant("UPDATE routing_lead SET status = 'failed' WHERE id = %s", [world.sold.pk])
    out = StringIO()

    with pytest.raises(SystemExit) as stopped:
        call_command("verify", "--json", stdout=out)

    report = json.loads(out.getvalue())
    assert stopped.value.code == 1
    assert report["holds"] is False
    assert [each["number"] for each in report["invariants"] if each["breaches"]] == [4]
    assert report["invariants"][3]["examples"] == [
        {"subject": f"lead {world.sold.pk}", "message": "is failed and sold to 2 buyers"}
    ]


@pytest.mark.parametrize("arguments", [["--limit", "0"], ["--limit", "ten"], ["--limit", "-3"], ["--loud"]])
def test_wrong_arguments_exit_with_2(arguments: list[str]) -> None:
    ran = subprocess.run(
        [sys.executable, "manage.py", "verify", *arguments],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 2
    assert ran.stdout == ""
    assert "Traceback" not in ran.stderr
    assert arguments[-1] in ran.stderr
