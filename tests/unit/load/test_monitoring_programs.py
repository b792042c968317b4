"""Tests and the drill of the alarm find the same programs of Prometheus and the Alertmanager."""

import sys
from pathlib import Path

import pytest

from tests.load import alarm_servers
from tests.support import machine, monitoring
from tests.support.monitoring import PROGRAMS, find_program


def install(directory: Path, *names: str) -> None:
    for name in names:
        (directory / name).symlink_to(sys.executable)


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only directory of PATH. It is empty."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", str(directory))
    return directory


@pytest.fixture
def unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where packages are unpacked. It is empty."""
    directory = tmp_path / "unpacked"
    directory.mkdir()
    monkeypatch.setattr(monitoring, "UNPACKED", directory)
    return directory


def test_directory_of_path_with_all_programs_is_preferred(on_path: Path, unpacked: Path) -> None:
    install(on_path, *PROGRAMS)
    install(unpacked, *PROGRAMS)
    assert find_program("amtool") == str(on_path / "amtool")


def test_unpacked_programs_are_found_if_path_lacks_one(on_path: Path, unpacked: Path) -> None:
    install(on_path, *PROGRAMS[:-1])
    install(unpacked, *PROGRAMS)
    assert find_program("prometheus") == str(unpacked / "prometheus")


@pytest.mark.usefixtures("on_path")
def test_missing_program_skips_a_test_and_fails_in_ci(
    unpacked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(unpacked, *PROGRAMS[:-1])
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"or run ops/install_prometheus\.sh"):
        machine.promtool()
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=r"or run ops/install_prometheus\.sh"):
        machine.promtool()


@pytest.mark.usefixtures("on_path", "unpacked")
def test_drill_without_programs_names_the_installer(tmp_path: Path) -> None:
    ports = dict.fromkeys(alarm_servers.KINDS, 9)
    with pytest.raises(FileNotFoundError, match=r"are not installed: run ops/install_prometheus\.sh$"):
        alarm_servers.prometheus(tmp_path, ports, port=9, alertmanager=9)
