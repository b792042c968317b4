"""The trace API, `manage.py explain` and the drawer say what a lead was promised and what became of it."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client

from distribution.explain.promise import describe_promise
from distribution.models import Campaign
from routing.models import Lead, Ping, Source, SourceScope
from tests.support.factories import WorkspaceFactory, issue_key
from tests.support.payables import build_campaign, build_source
from tests.support.pinging import PingingSource

pytestmark = pytest.mark.django_db


@pytest.fixture
def sender() -> PingingSource:
    """It is promised $10.00."""
    return PingingSource(build_source(build_campaign(), pays="share", share_bps=4_000))


def trace_of(lead: Lead) -> dict[str, object]:
    key = issue_key(lead.source, scopes=[SourceScope.TRACE])
    client = Client(headers={"Authorization": f"Api-Key {key}"})
    found: dict[str, object] = client.get(f"/api/v1/leads/{lead.public_id}/trace/").json()
    return found


def test_sold_lead_says_what_its_source_earned(sender: PingingSource) -> None:
    sender.post_lead(sender.get_ping_id())
    lead, ping = Lead.objects.get(), Ping.objects.get()

    promise = trace_of(lead)["promise"]

    assert isinstance(promise, dict)
    assert promise["id"] == str(ping.public_id)
    assert {name: promise[name] for name in ("price_cents", "earned_cents", "outcome", "reason")} == {
        "price_cents": 1_000,
        "earned_cents": 1_000,
        "outcome": "sold",
        "reason": "",
    }
    assert promise["sentence"].startswith("$10.00 was promised to its source at ")
    assert promise["sentence"].endswith("Its source earned $10.00.")
    out = StringIO()
    call_command("explain", str(lead.public_id), stdout=out)
    assert "$10.00 was promised to its source" in " ".join(out.getvalue().split())


@pytest.mark.parametrize(
    ("after", "outcome", "end"),
    [
        ("sell", "waiting", "It is not sold yet: below promised price."),
        ("end", "not_sold", "It was not sold: below promised price."),
    ],
)
def test_refused_lead_says_why(sender: PingingSource, after: str, outcome: str, end: str) -> None:
    ping_id = sender.get_ping_id()
    Source.objects.update(after_promise=after)
    Campaign.objects.update(price_cents=2_400)
    sender.post_lead(ping_id)

    promise = trace_of(Lead.objects.get())["promise"]

    assert isinstance(promise, dict)
    assert (promise["outcome"], promise["reason"], promise["earned_cents"]) == (
        outcome,
        "below_promised_price",
        None,
    )
    assert promise["sentence"].endswith(end)


def test_lead_without_a_ping_was_promised_nothing(sender: PingingSource) -> None:
    sender.post_lead(None)
    assert trace_of(Lead.objects.get())["promise"] is None


def test_what_a_source_earns_is_not_told_elsewhere(sender: PingingSource) -> None:
    sender.post_lead(sender.get_ping_id())
    lead = Lead.objects.get()
    lead.workspace = WorkspaceFactory.create()

    promise = describe_promise(lead)

    assert promise is not None
    assert (promise.earned_cents, promise.sentence.endswith("It is sold.")) == (None, True)
