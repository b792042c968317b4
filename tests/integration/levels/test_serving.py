"""Each kind of process serves its own metrics. A broken file, a taken port or a killed process does not end that."""

import os
import re
import signal
import socket
from pathlib import Path

import psutil
import pytest
from prometheus_client import CollectorRegistry, Gauge, Histogram
from prometheus_client.mmap_dict import MmapedDict, mmap_key

from leadswitch.levels.serving.directory import make_directory
from leadswitch.levels.serving.files import SharedFiles
from leadswitch.metrics import LOGINS
from tests.support.ports import free_port
from tests.support.processes import WORKER, beat, celery, deliverer, dialer, dispatcher
from tests.support.promtool import list_complaints
from tests.support.scrapes import scrape, wait_until_served
from tests.support.waiting import wait_until
from tracing.series import DECLARED

READY = re.compile(r"celery@\S+ ready\.")
# Only the web server imports them.
OF_WEB = {LOGINS}
GONE_PID = 2**22 + 1  # above the largest pid of Linux


@pytest.mark.usefixtures("committed_db")
def test_worker_serves_the_metrics_of_all_its_processes(tmp_path: Path) -> None:
    """The parent answers, also after a child was killed, and its children do not keep the port."""
    port = free_port()
    with celery(
        tmp_path, *WORKER, LEADSWITCH_WORKER_METRICS_PORT=str(port), LEADSWITCH_VAR_DIR=str(tmp_path)
    ) as worker:
        wait_until_served(port)
        parent = psutil.Process(worker.process.pid)
        wait_until(lambda: READY.search(worker.log.read_text()), what="a worker that is ready")
        [child] = parent.children()
        [files] = (tmp_path / "metrics-files").iterdir()
        assert files.name == f"worker-{parent.pid}"

        child.send_signal(signal.SIGKILL)
        wait_until(lambda: parent.children() not in ([], [child]), what="a new child")
        found = scrape(port)
        assert found.total("leadswitch_metrics_files_unreadable") == 0
        assert found.total("leadswitch_process_open_files", kind="worker") > 0
        assert found.total("leadswitch_process_cpu_seconds_total", kind="worker") > 0

        parent.send_signal(signal.SIGKILL)
        worker.process.wait()
        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind(("127.0.0.1", port))


@pytest.mark.usefixtures("committed_db")
def test_dispatcher_deliverer_dialer_and_beat_serve_their_metrics(tmp_path: Path) -> None:
    ports = {kind: free_port() for kind in ("dispatcher", "deliverer", "dialer", "beat")}
    places = {"LEADSWITCH_VAR_DIR": str(tmp_path)}
    with (
        dispatcher(tmp_path, LEADSWITCH_DISPATCHER_METRICS_PORT=str(ports["dispatcher"]), **places),
        deliverer(tmp_path, LEADSWITCH_DELIVERER_METRICS_PORT=str(ports["deliverer"]), **places),
        dialer(tmp_path, LEADSWITCH_DIALER_METRICS_PORT=str(ports["dialer"]), **places),
        beat(tmp_path, LEADSWITCH_BEAT_METRICS_PORT=str(ports["beat"]), **places),
    ):
        for kind, port in ports.items():
            wait_until_served(port)
            found = scrape(port)
            assert found.total("leadswitch_process_resident_memory_bytes", kind=kind) > 2**20
            assert list_complaints(found.text) == []


@pytest.mark.usefixtures("committed_db")
def test_process_runs_without_metrics_if_its_port_is_taken(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        with dispatcher(
            tmp_path, LEADSWITCH_DISPATCHER_METRICS_PORT=port, LEADSWITCH_VAR_DIR=str(tmp_path)
        ) as program:
            program.wait_until_it_says("metrics.not_served")
            program.wait_until_it_says("dispatcher.")
            assert program.process.poll() is None
            assert "Address already in use" in program.log.read_text()


def write_file(directory: Path, *, pid: int, kind: str = "counter", value: float = 1) -> Path:
    path = directory / f"{kind}_{pid}.db"
    values = MmapedDict(str(path))
    values.write_value(mmap_key("things_total", "things_total", [], [], "Things."), value, 1.0)
    values.close()
    return path


def read(directory: Path) -> dict[str, float]:
    registry = CollectorRegistry()
    registry.register(SharedFiles(directory))
    return {sample.name: sample.value for family in registry.collect() for sample in family.samples}


def test_counts_of_ended_processes_are_kept(tmp_path: Path) -> None:
    write_file(tmp_path, pid=GONE_PID, value=3)
    write_file(tmp_path, pid=os.getpid(), value=4)
    assert read(tmp_path)["things_total"] == 7


def test_live_gauge_ends_with_its_process(tmp_path: Path) -> None:
    gone = write_file(tmp_path, pid=GONE_PID, kind="gauge_livesum", value=3)
    alive = write_file(tmp_path, pid=os.getpid(), kind="gauge_livesum", value=4)
    assert read(tmp_path)["things_total"] == 4
    assert (gone.exists(), alive.exists()) == (False, True)


@pytest.mark.parametrize(
    "damage",
    [b"", b"\x01", b"\xff\xff\xff\x00" * 20, b"\x40\x00\x00\x00\x00\x00\x00\x00\x09\x00\x00\x00not JSON"],
)
def test_file_that_cannot_be_read_is_left_out(tmp_path: Path, damage: bytes) -> None:
    write_file(tmp_path, pid=1, value=3)
    write_file(tmp_path, pid=2, value=4).write_bytes(damage)
    found = read(tmp_path)
    assert found["things_total"] == 3
    assert found["leadswitch_metrics_files"] == 2
    assert found["leadswitch_metrics_files_unreadable"] == 1


def test_directory_is_empty_at_the_start(tmp_path: Path) -> None:
    """Old files would be added to the new ones. Directories of others stay: of a running process, and without a pid."""
    old = tmp_path / "metrics-files" / f"worker-{GONE_PID}"
    other = tmp_path / "metrics-files" / f"worker-{os.getppid()}"
    foreign = tmp_path / "metrics-files" / "worker-saved"
    for each in (old, other, foreign):
        each.mkdir(parents=True)
    write_file(make_directory(tmp_path, kind="worker"), pid=1)
    again = make_directory(tmp_path, kind="worker")
    assert list(again.iterdir()) == []
    assert (old.exists(), other.exists(), foreign.exists()) == (False, True, True)


@pytest.mark.usefixtures("committed_db")
def test_fresh_process_has_every_series_at_zero(tmp_path: Path) -> None:
    """`increase()` misses the first event of a series that appears with it."""
    port = free_port()
    with celery(
        tmp_path, *WORKER, LEADSWITCH_WORKER_METRICS_PORT=str(port), LEADSWITCH_VAR_DIR=str(tmp_path)
    ):
        wait_until_served(port)
        found = scrape(port)
    assert list_complaints(found.text) == []
    missing = [
        (name, labels)
        for series in DECLARED
        if not isinstance(series.metric, Gauge) and series.metric not in OF_WEB
        for name in [f"{series.metric._name}_{'count' if isinstance(series.metric, Histogram) else 'total'}"]
        for labels in series.labels
        if tuple(sorted(labels.items())) not in found.values(name)
    ]
    assert missing == []
