"""Fixtures of tests that send requests."""

import pytest

from distribution.deliveries.outbound import connection


@pytest.fixture
def patient_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """An idle connection is kept, however busy the machine is between two requests."""
    monkeypatch.setattr(connection, "MAX_IDLE_SECONDS", 60.0)
