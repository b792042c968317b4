"""A buyer's program reads who it is, its wallet, and its purchases."""

from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from distribution.api import buyerdocuments as documents
from distribution.api import misseddocuments
from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, Buyer, BuyerScope, Campaign, LedgerEntry
from distribution.money.wallet import adjust
from routing.access.cursor import unseal
from routing.models import Lead
from tests.support.buyer_program import Api
from tests.support.described import assert_described
from tests.support.factories import (
    BuyerFactory,
    CampaignFactory,
    EnrollmentFactory,
    LeadFactory,
    SourceFactory,
    issue_buyer_key,
)
from tests.support.returning import return_assignment
from tests.support.shown import find_shown

pytestmark = pytest.mark.django_db
NOT_FOUND = {"error": {"code": "not_found", "message": "Not found, or it belongs to another account."}}
PERSON = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "email": "ada@example.com",
    "phone": "+14048812345",
    "phone_extension": "51807",
    "address": "1 Analytical Row",
}


@pytest.fixture
def campaign() -> Campaign:
    return CampaignFactory.create()


@pytest.fixture
def buyer(campaign: Campaign) -> Buyer:
    """The only buyer of its campaign, with credits for four leads."""
    enrollment = EnrollmentFactory(campaign=campaign, cap_day=100, buyer__credits_cents=10_000)
    buyer: Buyer = enrollment.buyer
    return buyer


def sell(campaign: Campaign, *, count: int = 1, **lead: Any) -> list[Lead]:
    source = SourceFactory(workspace=campaign.workspace)
    leads = LeadFactory.create_batch(count, source=source, **lead)
    for each in leads:
        assert distribute_lead(each.pk).result == "success"
    return list(leads)


def test_me_names_the_buyer(buyer: Buyer, campaign: Campaign) -> None:
    me = Api(buyer).get("me/")

    assert (me["id"], me["name"]) == (str(buyer.public_id), buyer.name)
    assert me["agency"] == buyer.workspace.name
    assert me["key"]["scopes"] == list(BuyerScope)
    [enrollment] = me["enrollments"]
    assert enrollment["campaign"] == {"id": str(campaign.public_id), "name": campaign.name}
    assert enrollment["caps"] == {"hour": None, "day": 100, "week": None, "month": None}


def test_wallet_shows_the_balance(buyer: Buyer, campaign: Campaign) -> None:
    sell(campaign)
    assert Api(buyer).get("wallet/") == {
        "balance_cents": 7_500,
        "held_cents": 0,
        "credit_limit_cents": 0,
        "available_cents": 7_500,
        "notice_below_cents": None,
    }


def test_ledger_explains_the_balance(buyer: Buyer, campaign: Campaign) -> None:
    sell(campaign)
    adjust(
        buyer.pk,
        amount_cents=-500,
        key="a",
        actor="op@agency.example",
        reason="he complains a lot",
        buyer_note="one came late",
    )
    entries = Api(buyer).get("ledger/")["results"]

    assert [(each["kind"], each["amount_cents"], each["balance_after_cents"]) for each in entries] == [
        ("adjustment", -500, 7_000),
        ("charge", -2_500, 7_500),
        ("topup", 10_000, 10_000),
    ]
    assert entries[0]["reason"] == "one came late"
    assert entries[1]["assignment_id"] == str(Assignment.objects.get().public_id)
    assert len({each["id"] for each in entries}) == 3
    assert "op@agency.example" not in str(entries)
    assert "complains" not in str(entries)


def test_ledger_is_filtered(buyer: Buyer, campaign: Campaign) -> None:
    sell(campaign, count=2)
    api = Api(buyer)
    topup, first, second = LedgerEntry.objects.order_by("pk")

    assert [each["kind"] for each in api.get("ledger/", kind="topup")["results"]] == ["topup"]
    between = {"from": first.created_at.isoformat(), "to": second.created_at.isoformat()}
    assert [each["id"] for each in api.get("ledger/", **between)["results"]] == [str(first.public_id)]
    assert [each["id"] for each in api.get("ledger/", to=first.created_at.isoformat())["results"]] == [
        str(topup.public_id)
    ]


def test_lists_are_paged_by_key(buyer: Buyer, campaign: Campaign) -> None:
    sell(campaign, count=4)
    api = Api(buyer)
    assert len(api.page_through("ledger/", limit=2)) == 5
    first = api.get("assignments/", limit=3)
    # Sales between two pages shift nothing.
    adjust(buyer.pk, amount_cents=2_500, key="a", actor="op", reason="more")
    sell(campaign)
    rest = api.get("assignments/", limit=3, cursor=first["next_cursor"])

    assert [len(first["results"]), len(rest["results"]), rest["next_cursor"]] == [3, 1, None]
    sold = [row["id"] for row in first["results"] + rest["results"]]
    assert sold == [
        str(pk) for pk in Assignment.objects.order_by("-pk").values_list("public_id", flat=True)[1:]
    ]


def test_exactly_full_page_has_no_next(buyer: Buyer, campaign: Campaign) -> None:
    sell(campaign, count=2)
    assert Api(buyer).get("assignments/", limit=2)["next_cursor"] is None


def test_bought_lead_is_shown_in_full(buyer: Buyer, campaign: Campaign) -> None:
    [lead] = sell(campaign, **PERSON, attributes={"roof_age": 12}, consent={"url": "https://example.com"})
    api = Api(buyer)
    [bought] = api.get("assignments/")["results"]

    assert bought["lead"]["id"] == str(lead.public_id)
    assert bought["lead"]["contact"] == PERSON
    assert bought["lead"]["attributes"] == {"roof_age": 12}
    assert bought["lead"]["consent"] == {"url": "https://example.com"}
    assert (bought["state"], bought["price_cents"]) == ("sold", 2_500)
    assert api.get(f"assignments/{bought['id']}/") == bought


def test_returned_lead_is_no_longer_shown(buyer: Buyer, campaign: Campaign) -> None:
    sell(campaign, **PERSON, attributes={"secret": "attic"})
    assignment = Assignment.objects.get()
    return_assignment(assignment.public_id, actor="op", reason="wrong number")
    api = Api(buyer)

    response = api.ask("assignments/", state="returned")
    [returned] = response.json()["results"]
    assert (returned["lead"]["contact"], returned["lead"]["attributes"]) == (None, None)
    assert returned["lead"]["zip"] == "30312"
    for text in (response.content.decode(), api.ask(f"assignments/{assignment.public_id}/").content.decode()):
        assert find_shown([*PERSON.values(), "attic"], text) == []
    assert api.get("assignments/", state="sold")["results"] == []


def test_day_is_in_the_buyers_time_zone(buyer: Buyer, campaign: Campaign) -> None:
    """2026-03-08 has 23 hours in New York: from 05:00 to 04:00 UTC."""
    starts_at = datetime(2026, 3, 8, 5, tzinfo=UTC)
    moments = [starts_at - timedelta(seconds=1), starts_at, starts_at + timedelta(hours=23)]
    for at in moments:
        lead = LeadFactory(source=SourceFactory(workspace=campaign.workspace), received_at=at)
        assert distribute_lead(lead.pk, at=at).result == "success"
    for assignment, at in zip(Assignment.objects.order_by("pk"), moments, strict=True):
        assert assignment.created_at == at

    found = Api(buyer).get("assignments/", day="2026-03-08")["results"]

    assert [each["sold_at"] for each in found] == ["2026-03-08T05:00:00Z"]


@pytest.mark.parametrize("path", ["ledger/", "assignments/", "missed/"])
def test_another_buyer_sees_nothing(path: str, buyer: Buyer, campaign: Campaign) -> None:
    """Every query is scoped to the caller."""
    sell(campaign, count=3)
    assert Api(buyer).page_through(path) or path == "missed/"
    answer = Api(BuyerFactory(workspace=buyer.workspace)).get(path)
    assert (answer["results"], answer["next_cursor"]) == ([], None)


def test_foreign_and_unknown_ids_look_alike(buyer: Buyer, campaign: Campaign) -> None:
    [lead] = sell(campaign)
    stranger = Api(BuyerFactory(workspace=buyer.workspace))
    for path in (
        f"assignments/{Assignment.objects.get().public_id}/",
        f"assignments/{uuid4()}/",
        f"missed/{lead.public_id}/",
        f"missed/{uuid4()}/",
    ):
        response = stranger.ask(path)
        assert (response.status_code, response.json()) == (404, NOT_FOUND), path
    assert stranger.ask("missed/nonsense/").json()["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    ("path", "parameter", "text"),
    [
        *(
            (path, "limit", text)
            for path in ("ledger/", "missed/")
            for text in ("0", "201", "-1", "x", "9" * 50)
        ),
        *(("missed/", "cursor", text) for text in ("", "x", "A" * 32, "é" * 32, "!" * 32)),
        *(("ledger/", "kind", text) for text in ("", "gift")),
        *(("ledger/", "from", text) for text in ("", "yesterday", "2026-01-31", "0001-01-01T00:00:00+14:00")),
        *(("ledger/", "to", text) for text in ("2026-01-31T12:00:00", "9999-12-31T23:59:59-14:00")),
        *(("assignments/", "day", text) for text in ("", "31.1.2026", "2026-02-30", "9999-12-31")),
        ("assignments/", "state", "lost"),
        ("missed/", "reason", "no_campaign"),
    ],
)
def test_wrong_parameter_is_named(buyer: Buyer, path: str, parameter: str, text: str) -> None:
    response = Api(buyer).ask(path, **{parameter: text})

    assert response.status_code == 400
    assert response.json()["error"]["code"] == "validation_failed"
    assert list(response.json()["error"]["fields"]) == [parameter]


def test_period_that_ends_before_it_starts_is_refused(buyer: Buyer) -> None:
    response = Api(buyer).ask("ledger/", **{"from": "2026-01-02T00:00:00Z", "to": "2026-01-02T00:00:00Z"})
    assert (response.status_code, list(response.json()["error"]["fields"])) == (400, ["to"])


def first_cursor(buyer: Buyer, path: str = "assignments/") -> str:
    cursor: str = Api(buyer).get(path, limit=1)["next_cursor"]
    return cursor


def assert_cursor_refused(response: Any) -> None:
    assert response.status_code == 400
    assert response.json()["error"]["fields"] == {
        "cursor": [
            {
                "code": "invalid",
                "message": "must be the next_cursor of this list; leave it out for the first page",
            }
        ]
    }


def test_cursor_of_another_list_or_buyer_is_refused(buyer: Buyer, campaign: Campaign) -> None:
    sell(campaign, count=2)
    cursor = first_cursor(buyer)
    other = BuyerFactory(workspace=buyer.workspace)

    assert len(Api(buyer).get("assignments/", cursor=cursor)["results"]) == 1
    for path in ("ledger/", "missed/"):
        assert_cursor_refused(Api(buyer).ask(path, cursor=cursor))
    assert_cursor_refused(Api(other).ask("assignments/", cursor=cursor))


def test_changed_cursor_is_refused(buyer: Buyer, campaign: Campaign) -> None:
    sell(campaign, count=2)
    cursor = first_cursor(buyer)
    for place in range(len(cursor)):
        changed = cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1 :]
        assert_cursor_refused(Api(buyer).ask("assignments/", cursor=changed))


def test_cursor_of_an_earlier_version_is_refused(buyer: Buyer) -> None:
    """Before AES-SIV they had 27 characters."""
    assert_cursor_refused(Api(buyer).ask("assignments/", cursor="q9mZC0uPnyN4iN0bUM5PzS1kRxE"))


def test_cursor_of_another_secret_key_is_refused(
    buyer: Buyer, campaign: Campaign, settings: Settings
) -> None:
    sell(campaign, count=2)
    cursor = first_cursor(buyer)
    settings.SECRET_KEY = "another" * 10
    assert_cursor_refused(Api(buyer).ask("assignments/", cursor=cursor))


def test_cursor_does_not_show_its_position(buyer: Buyer, campaign: Campaign) -> None:
    """All tenants share one sequence of ids."""
    sell(campaign, count=2)
    position = Assignment.objects.latest("pk").pk
    raw = urlsafe_b64decode(first_cursor(buyer))
    assert unseal(first_cursor(buyer), purpose=f"assignments:{buyer.pk}") == position
    assert position.to_bytes(8, "big") not in raw


@pytest.mark.parametrize(
    ("path", "statements"), [("me/", 3), ("wallet/", 2), ("ledger/", 2), ("assignments/", 2), ("missed/", 3)]
)
def test_page_takes_the_same_statements_at_any_length(
    buyer: Buyer, campaign: Campaign, path: str, statements: int
) -> None:
    """One statement finds the key, one reads the page, and one more the account of `me/` or the places in offers."""
    api = Api(buyer)
    for _ in range(2):
        sell(campaign, count=2)
        with CaptureQueriesContext(connection) as captured:
            api.get(path)
        assert len(captured) == statements


def test_buyer_over_its_rate_limit_gets_retry_after(buyer: Buyer, settings: Settings) -> None:
    settings.LEADSWITCH_RATE_LIMITS = {"buyer": (1, 2)}  # one per minute: none is added while the test runs
    api = Api(buyer)
    answers = [api.ask("wallet/") for _ in range(3)]

    assert [each.status_code for each in answers] == [200, 200, 429]
    assert [each["RateLimit-Remaining"] for each in answers] == ["1", "0", "0"]
    assert 0 < int(answers[2]["Retry-After"]) <= 60
    assert answers[2].json()["error"]["code"] == "rate_limited"


def test_buyer_api_refuses_write_methods(buyer: Buyer) -> None:
    client = Client(headers={"Authorization": f"Api-Key {issue_buyer_key(buyer)}"})
    for method in ("post", "put", "patch", "delete", "options"):
        assert getattr(client, method)("/api/v1/buyer/ledger/").status_code == 405


def test_documents_describe_exactly_the_responses(buyer: Buyer, campaign: Campaign) -> None:
    sell(campaign, count=2, **PERSON)
    return_assignment(Assignment.objects.latest("pk").public_id, actor="op", reason="x")
    api = Api(buyer)

    assert_described(api.get("ledger/"), documents.LedgerPage())
    assert_described(api.get("assignments/"), documents.AssignmentPage())


def test_examples_are_valid_responses() -> None:
    from distribution.api import buyerexamples as examples

    for operation, document in (
        ("buyer_ledger_list", documents.LedgerPage()),
        ("buyer_assignments_list", documents.AssignmentPage()),
        ("buyer_assignments_retrieve", documents.AssignmentDocument()),
        ("buyer_missed_list", misseddocuments.MissedPage()),
        ("buyer_missed_retrieve", misseddocuments.MissedLeadDocument()),
    ):
        for example in examples.OF[operation]:
            assert_described(example.value, document)
