"""A client that a public generator creates from the schema works against the running product."""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from distribution.attempts.distribute import distribute_lead
from distribution.models import Buyer
from tests.support.factories import (
    CampaignFactory,
    LeadFactory,
    SourceFactory,
    enroll,
    give_credits,
    issue_buyer_key,
    issue_key,
)
from tests.support.served import served

PACKAGE = "leadswitch_client"
# No formatter: generated code is not reviewed. The generator knows binary content only under its general type.
CONFIG = """
post_hooks: []
content_type_overrides:
  application/pdf: application/octet-stream
"""


@pytest.fixture
def server(committed_db: None) -> Iterator[str]:  # noqa: ARG001
    with served() as address:
        yield address


@pytest.fixture
def client_package(server: str, tmp_path: Path) -> Iterator[str]:
    """Generated from the schema that the server serves, importable for the test."""
    (tmp_path / "config.yaml").write_text(CONFIG)
    command = [sys.executable, "-W", "ignore", "-m", "openapi_python_client", "generate", "--fail-on-warning"]
    where = ["--url", f"{server}/api/schema/?format=json", "--config", "config.yaml"]
    made = subprocess.run(
        [*command, *where, "--meta", "none", "--output-path", str(tmp_path / PACKAGE)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    sys.path.insert(0, str(tmp_path))
    yield PACKAGE
    sys.path.remove(str(tmp_path))
    for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
        del sys.modules[name]


def test_generated_client_works(server: str, client_package: str) -> None:
    campaign = CampaignFactory()
    rich, poor = (each.buyer for each in enroll(campaign, count=2))
    give_credits(rich, amount_cents=10_000)
    lead = LeadFactory(source=SourceFactory(workspace=campaign.workspace), email="ada@example.com")
    assert distribute_lead(lead.pk).result == "success"
    ask = Asker(client_package, server)

    me = ask("buyer_me", buyer=poor)
    assert (me.id, me.name, me.enrollments[0].campaign.name) == (poor.public_id, poor.name, campaign.name)
    assert ask("buyer_wallet", buyer=rich).balance_cents == 7_500
    [entry, _] = ask("buyer_ledger_list", buyer=rich).results
    assert (entry.kind.value, entry.amount_cents) == ("charge", -2_500)
    [bought] = ask("buyer_assignments_list", buyer=rich, limit=1).results
    assert (bought.lead.contact.email, bought.id) == ("ada@example.com", entry.assignment_id)
    [missed] = ask("buyer_missed_list", buyer=poor).results
    assert (missed.reason, missed.change) == ("insufficient_credits", "top up $25.00")
    detail = ask("buyer_missed_retrieve", buyer=poor, public_id=missed.lead.id)
    assert [each.attempt for each in detail.history] == [1]


def test_generated_client_understands_a_refusal(server: str, client_package: str) -> None:
    ask = Asker(client_package, server)
    key = issue_key(SourceFactory.create())

    refused = ask.with_key("buyer_me", key=key)

    assert refused.error.code == "unauthorized"
    assert refused.error.message.startswith(
        "Unknown or revoked buyer key. Check that you copied the whole key."
    )


class Asker:
    """Calls operations of the generated package by their id."""

    def __init__(self, package: str, address: str) -> None:
        self._package, self._address = package, address

    def __call__(self, operation: str, *, buyer: Buyer, **arguments: int | UUID) -> Any:
        return self.with_key(operation, key=issue_buyer_key(buyer), **arguments)

    def with_key(self, operation: str, *, key: str, **arguments: int | UUID) -> Any:
        make: Any = importlib.import_module(f"{self._package}.client").AuthenticatedClient
        called: Any = importlib.import_module(f"{self._package}.api.buyers.{operation}")
        with make(base_url=self._address, token=key, prefix="Api-Key") as client:
            return called.sync(client=client, **arguments)
