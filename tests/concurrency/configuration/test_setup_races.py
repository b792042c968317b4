"""`manage.py setup` while an operator stores or changes the same rows: it reports that, and stores nothing."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from distribution.models import Buyer, Campaign
from tests.support.blocking import another_connection, holding
from tests.support.factories import BuyerFactory, WorkspaceFactory
from tests.support.racing import in_background
from tests.support.waiting import wait_until_blocked

pytestmark = pytest.mark.usefixtures("committed_db")

FILE = """
workspace: {slug: acme, name: Acme}
buyers:
  - {name: East, timezone: America/New_York}
"""
COPY = """
INSERT INTO distribution_buyer (
    public_id, workspace_id, name, timezone, service_area, answers, hours, paused_at, created_at
)
SELECT gen_random_uuid(), workspace_id, 'East', timezone, service_area, answers, hours, paused_at, created_at
FROM distribution_buyer
"""


def set_up(path: Path) -> str:
    try:
        call_command("setup", str(path))
    except CommandError as error:
        return f"{error.returncode}: {error}"
    return ""


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (COPY, "stored a row with the same name"),
        ("UPDATE distribution_buyer SET name = 'East'", "stored a row with the same name"),
    ],
    ids=["added", "renamed"],
)
def test_row_being_stored_is_reported(tmp_path: Path, sql: str, expected: str) -> None:
    BuyerFactory(workspace=WorkspaceFactory(slug="acme", name="Acme"), name="West")
    path = tmp_path / "setup.yaml"
    path.write_text(FILE)

    with another_connection() as other:
        with other.cursor() as cursor:
            cursor.execute(sql)
        with in_background(lambda: set_up(path)) as report:
            wait_until_blocked(connection)
            other.commit()

    assert report.result().startswith("2: ")
    assert expected in report.result()
    assert "run the command again" in report.result()
    assert not Campaign.objects.exists()
    assert Buyer.objects.filter(name="East").count() == 1
    assert set_up(path) == ""


def test_locked_row_is_reported(tmp_path: Path) -> None:
    buyer = BuyerFactory(workspace=WorkspaceFactory(slug="acme", name="Acme"), name="East")
    path = tmp_path / "setup.yaml"
    path.write_text(FILE)

    with holding("UPDATE distribution_buyer SET timezone = 'UTC' WHERE id = %s", [buyer.pk]):
        report = set_up(path)

    assert "another process is changing the same rows" in report
    assert set_up(path) == ""
