"""The parts of `manage.py streams`: an outage is waited for, and another failure ends the process."""

import asyncio
import logging

import psycopg
import pytest
from django.db import OperationalError
from redis.exceptions import ConnectionError as RedisConnectionError

from distribution import metrics
from distribution.api.streams import server
from distribution.api.streams.server import PartFailed, Streams


@pytest.fixture(autouse=True)
def _only_one_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test puts in its own one. None of the others asks PostgreSQL."""

    async def wait(_: Streams) -> None:
        await asyncio.Event().wait()

    for name in ("_listen", "_look_after", "_check_readers"):
        monkeypatch.setattr(Streams, name, wait)
    monkeypatch.setattr(server, "PAUSE_AFTER_FAILURE_SECONDS", 0.0)


def failures() -> float:
    return float(metrics.STREAM_FAILURES._value.get())


def test_failure_of_ours_ends_the_process(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def break_down(_: Streams) -> None:
        raise ValueError("of a row")

    monkeypatch.setattr(Streams, "_read_recent", break_down)
    before = failures()
    with caplog.at_level(logging.WARNING), pytest.raises(PartFailed, match="ValueError") as ended:
        asyncio.run(Streams(host="127.0.0.1", port=0).run())
    assert ended.value.__cause__ is None
    [line] = [each for each in caplog.records if each.getMessage() == "streams.failed"]
    assert (line.levelname, line.__dict__["part"], line.__dict__["cause"]) == (
        *("ERROR", "break_down"),
        "ValueError",
    )
    assert failures() == before + 1


def test_outage_is_waited_for(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    outages = [OperationalError(), psycopg.OperationalError(), RedisConnectionError(), ConnectionResetError()]
    expected = [type(each).__name__ for each in outages]
    before = failures()

    async def come_back(streams: Streams) -> None:
        if outages:
            raise outages.pop(0)
        streams.stop()

    monkeypatch.setattr(Streams, "_read_recent", come_back)
    with caplog.at_level(logging.WARNING):
        asyncio.run(Streams(host="127.0.0.1", port=0).run())
    lines = [each for each in caplog.records if each.getMessage() == "streams.failed"]
    assert [(each.levelname, each.__dict__["cause"]) for each in lines] == [
        ("WARNING", each) for each in expected
    ]
    assert failures() == before + 4


@pytest.mark.parametrize("payload", ["", "no id", "-1", "7.5", "²", "1" * 30])
def test_foreign_notification_is_counted_and_ignored(payload: str) -> None:
    streams, before = Streams(host="127.0.0.1", port=0), failures()
    streams._note(payload)
    assert (streams._changed, failures()) == (set(), before + 1)
    streams._note("42")
    assert (streams._changed, failures()) == ({42}, before + 1)
