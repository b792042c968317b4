"""The command: its last line, its exit codes, its JSON."""

import json
from io import StringIO

import pytest
from django.core.management import call_command

from leadswitch.env import REPOSITORY
from tests.functional.verify.world import ALL_NUMBERS, World
from tests.support.planting import plant
from tests.support.warm.started import run_python


@pytest.mark.usefixtures("world")
def test_command_ends_with_its_fixed_line() -> None:
    out = StringIO()

    call_command("verify", stdout=out)

    lines = out.getvalue().splitlines()
    assert lines[-1] == "verify: all invariants hold"
    assert [line.split()[0] for line in lines[1 : 1 + len(ALL_NUMBERS)]] == [
        str(number) for number in ALL_NUMBERS
    ]


def test_command_names_the_breach_and_exits_with_1(world: World) -> None:
    plant("UPDATE routing_lead SET status = 'failed' WHERE id = %s", [world.sold.pk])
    out = StringIO()

    with pytest.raises(SystemExit) as stopped:
        call_command("verify", stdout=out)

    assert stopped.value.code == 1
    lines = out.getvalue().splitlines()
    assert f"breach of 4: lead {world.sold.pk}: is failed, but has 2 live sales" in lines
    assert lines[-1] == "verify: 1 breach of 1 invariant"


def test_command_prints_json(world: World) -> None:
    plant("UPDATE routing_lead SET status = 'failed' WHERE id = %s", [world.sold.pk])
    out = StringIO()

    with pytest.raises(SystemExit) as stopped:
        call_command("verify", "--json", stdout=out)

    report = json.loads(out.getvalue())
    assert stopped.value.code == 1
    assert report["holds"] is False
    assert [each["number"] for each in report["invariants"] if each["breaches"]] == [4]
    assert report["invariants"][3]["examples"] == [
        {"subject": f"lead {world.sold.pk}", "message": "is failed, but has 2 live sales"}
    ]


@pytest.mark.parametrize("arguments", [["--limit", "0"], ["--limit", "ten"], ["--limit", "-3"], ["--loud"]])
def test_wrong_arguments_exit_with_2(arguments: list[str]) -> None:
    ran = run_python("manage.py", "verify", *arguments, cwd=REPOSITORY)

    assert ran.returncode == 2
    assert ran.stdout == ""
    assert "Traceback" not in ran.stderr
    assert arguments[-1] in ran.stderr


@pytest.mark.usefixtures("world")
def test_without_a_terminal_each_check_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("verify", stdout=StringIO())

    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[:2] for line in lines] == [["verify", str(number)] for number in ALL_NUMBERS]
    assert lines[3].startswith("verify 4 due: 5 checked, 0 breaches, ")


@pytest.mark.usefixtures("world")
def test_quiet_shows_no_progress(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("verify", "--quiet", stdout=StringIO())

    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("world")
def test_terminal_shows_progress_bars(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")

    call_command("verify", stdout=StringIO())

    err = capsys.readouterr().err
    assert "verify replay" in err
    assert "100%" in err


@pytest.mark.usefixtures("world")
def test_incremental_run_reports_its_range() -> None:
    first, second = StringIO(), StringIO()

    call_command("verify", "--incremental", stdout=first)
    call_command("verify", "--incremental", stdout=second)

    assert (
        "checked everything, because there is no recent clean incremental run: wallets, sales"
        in first.getvalue()
    )
    assert "checked only what was written since the last clean incremental run" in second.getvalue()
    assert second.getvalue().splitlines()[-1] == "verify: all invariants hold"
