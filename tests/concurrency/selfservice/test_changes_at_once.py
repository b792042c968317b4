"""Changes and decisions at the same moment: the row's lock lets one of them win, and the others know it."""

from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from distribution.models import ApprovalPolicy, Buyer, ChangeProposal
from distribution.selfservice import approvals, change
from distribution.selfservice.author import Author
from distribution.selfservice.refusals import ChangeRefused, VersionStale
from distribution.selfservice.settings import AREA
from distribution.selfservice.versions import read_version
from tests.support.factories import BuyerFactory
from tests.support.racing import in_background
from tracing.models import AuditEntry

pytestmark = pytest.mark.usefixtures("committed_db")

BY = Author("ann", datetime(2026, 3, 2, 12, tzinfo=UTC), "agreed")
RACERS = 6


@pytest.fixture
def buyer() -> Buyer:
    made: Buyer = BuyerFactory()
    return made


def run_all(work: Any) -> list[str]:
    """Each in a thread of its own, at once."""
    with ExitStack() as stack:
        outcomes = [stack.enter_context(in_background(partial(work, number))) for number in range(RACERS)]
    return sorted(each.result() for each in outcomes)


def change_area(number: int, *, version: str) -> str:
    patch = {"service_area": {"zips": [f"3031{number}"]}}
    buyer = Buyer.objects.get()
    try:
        outcome = change.change_account(buyer, part=AREA, patch=patch, by=BY, if_match=version)
    except (VersionStale, ChangeRefused):
        return "refused"
    return "changed" if outcome.proposal is None else "asked"


def test_of_changes_with_one_version_one_is_stored(buyer: Buyer) -> None:
    version = read_version(buyer, part=AREA)

    outcomes = run_all(lambda number: change_area(number, version=version))

    assert outcomes == ["changed", *["refused"] * (RACERS - 1)]
    assert AuditEntry.objects.count() == 1


def test_control_without_the_comparison_all_are_stored(buyer: Buyer, monkeypatch: pytest.MonkeyPatch) -> None:
    version = read_version(buyer, part=AREA)
    monkeypatch.setattr(change, "require_version", lambda *_, **__: None)
    assert run_all(lambda number: change_area(number, version=version)) == ["changed"] * RACERS
    assert AuditEntry.objects.count() == RACERS


def test_of_proposals_at_once_one_waits(buyer: Buyer) -> None:
    ApprovalPolicy.objects.create(workspace=buyer.workspace, fields=["service_area"])

    outcomes = run_all(lambda number: change_area(number, version="*"))

    assert outcomes == ["asked", *["refused"] * (RACERS - 1)]
    assert ChangeProposal.objects.count() == 1


def test_of_decisions_at_once_one_counts(buyer: Buyer) -> None:
    ApprovalPolicy.objects.create(workspace=buyer.workspace, fields=["service_area"])
    assert change_area(0, version="*") == "asked"
    proposal = ChangeProposal.objects.get()

    def decide(number: int) -> str:
        try:
            (approvals.approve if number % 2 else approvals.decline)(proposal.pk, by=BY)
        except approvals.DecisionRefused:
            return "refused"
        return "decided"

    assert run_all(decide) == ["decided", *["refused"] * (RACERS - 1)]
    proposal.refresh_from_db()
    is_changed = Buyer.objects.get().service_area.get("zips") == ["30310"]
    assert (proposal.state == "approved") is is_changed
