"""The databases of the benches begin as a copy of a migrated one. Their own call of `migrate` finds nothing to do."""

import pytest

from tests.bench import database
from tests.support.migrated_template import TEMPLATE


@pytest.fixture(autouse=True)
def migrated_bench_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "TEMPLATE", TEMPLATE)
