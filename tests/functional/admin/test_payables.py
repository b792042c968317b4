"""The page of a source: contracts, payments and adjustments with a reason, what is owed, and statements."""

import csv
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from distribution.models import Assignment, PayableEntry, SourceContract
from distribution.payables.book import read_balance
from distribution.payables.contracts import today_of
from routing.models import Lead, Source
from tests.support.admin_pages import client_of, page, person
from tests.support.factories import SourceFactory
from tests.support.payables import booked, build_campaign, build_source, sell_lead
from tests.support.returning import return_assignment
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def source() -> Source:
    """It sold one lead and is owed $7.00."""
    source = build_source(build_campaign(), amount_cents=700)
    sell_lead(source)
    return source


@pytest.fixture
def finance(source: Source) -> Client:
    return client_of(person("finance", source.workspace))


def url_of(source: Source, name: str, *arguments: str) -> str:
    return reverse(f"admin:routing_source_{name}", args=[source.pk, *arguments])


def booking(**changes: Any) -> dict[str, Any]:
    return {"amount": "4.00", "reason": "wire 7", "token": str(uuid4()), **changes}


def contract(source: Source, **changes: Any) -> dict[str, Any]:
    today = today_of(source, at=timezone.now())
    return {
        "pays": "share",
        "share": "12.5",
        "valid_from": today.isoformat(),
        "reason": "new deal",
        **changes,
    }


def test_payment_is_booked_once(finance: Client, source: Source) -> None:
    data = booking()
    answers = [finance.post(url_of(source, "payables", "pay"), data, follow=True) for _ in range(2)]

    shown = [[str(message) for message in answer.context["messages"]] for answer in answers]
    assert shown == [
        ["Book payment: $4.00."],
        ["This form was already submitted. Nothing was booked again."],
    ]
    assert booked(source) == [("earned", 700), ("paid", -400)]
    assert AuditEntry.objects.get(action="paid").reason == "wire 7"


def test_payment_above_what_is_owed_is_refused(finance: Client, source: Source) -> None:
    answer = finance.post(url_of(source, "payables", "pay"), booking(amount="7.01"))

    assert answer.status_code == 400
    assert "$7.00 is owed, so $7.01 cannot be paid" in answer.content.decode()
    assert read_balance(source.pk) == 700


def test_adjustment_needs_a_reason(finance: Client, source: Source) -> None:
    url = url_of(source, "payables", "adjust")

    assert finance.post(url, booking(amount="-1.50", reason=" ")).status_code == 400
    assert finance.post(url, booking(amount="-1.50")).status_code == 302
    assert booked(source) == [("earned", 700), ("adjustment", -150)]


def test_unknown_booking_is_not_found(finance: Client, source: Source) -> None:
    assert finance.get(url_of(source, "payables", "gift")).status_code == 404


def test_new_version_of_the_contract(finance: Client, source: Source) -> None:
    """An unchecked box is left out of a form: returned leads are paid too."""
    answer = finance.post(url_of(source, "contract"), contract(source), follow=True)

    newest = SourceContract.objects.latest("id")
    assert (newest.pays, newest.share_bps, newest.amount_cents, newest.returns_deducted) == (
        *("share", 1_250, None),
        False,
    )
    assert newest.starts_at > timezone.now()
    text = answer.content.decode()
    assert "12.5% of the revenue, returned leads are paid too" in text
    assert "$7.00 for each sold lead" in text


@pytest.mark.parametrize(
    "changes",
    [{"share": ""}, {"share": "101"}, {"valid_from": "2020-01-01"}, {"reason": ""}, {"pays": "fixed"}],
)
def test_contract_that_is_not_valid_is_refused(
    finance: Client, source: Source, changes: dict[str, str]
) -> None:
    assert finance.post(url_of(source, "contract"), contract(source, **changes)).status_code == 400
    assert SourceContract.objects.count() == 1


def test_contract_that_another_person_changed_is_asked_again(finance: Client, source: Source) -> None:
    stale = finance.get(url_of(source, "contract")).context["form"]["seen"].value()
    finance.post(url_of(source, "contract"), contract(source))

    assert finance.post(url_of(source, "contract"), contract(source, seen=stale)).status_code == 400
    assert SourceContract.objects.count() == 2


@pytest.mark.parametrize(
    ("role", "pages"),
    [
        ("viewer", {"contract": 403, "pay": 403, "statement": 200}),
        ("operator", {"contract": 200, "pay": 403, "statement": 200}),
        ("finance", {"contract": 200, "pay": 200, "statement": 200}),
    ],
)
def test_roles(source: Source, role: str, pages: dict[str, int]) -> None:
    client = client_of(person(role, source.workspace))
    urls = {
        "contract": url_of(source, "contract"),
        "pay": url_of(source, "payables", "pay"),
        "statement": url_of(source, "statement"),
    }

    assert {name: client.get(url).status_code for name, url in urls.items()} == pages


def test_list_of_sources_shows_what_each_is_owed(finance: Client, source: Source) -> None:
    SourceFactory(workspace=source.workspace)

    rows = finance.get(page(Source, "changelist")).context["cl"].result_list

    assert sorted((row.name, row.owed_cents) for row in rows if row.owed_cents) == [(source.name, 700)]


def test_ledger_shows_the_running_balance(finance: Client, source: Source) -> None:
    sell_lead(source)
    finance.post(url_of(source, "payables", "pay"), booking())

    rows = finance.get(page(PayableEntry, "changelist")).context["cl"].result_list
    paid = finance.get(page(PayableEntry, "changelist"), {"kind__exact": "paid"}).context["cl"].result_list

    assert [row.balance_after_cents for row in rows] == [1_000, 1_400, 700]
    assert [row.balance_after_cents for row in paid] == [1_000]


def test_statement_shows_days_and_total(finance: Client, source: Source) -> None:
    today = today_of(source, at=timezone.now())
    answer = finance.get(url_of(source, "statement"), {"first_day": today, "last_day": today})

    assert answer.context["rows"] == [
        (str(today), "1", "1", "0", "0", "$7.00", "$0.00", "$0.00", "$0.00", "$7.00"),
        ("Total", "1", "1", "0", "0", "$7.00", "$0.00", "$0.00", "$0.00", "$7.00"),
    ]
    assert "Days are those of America/New_York." in answer.content.decode()
    assert "charged back to the source" not in answer.content.decode()


def test_statement_lists_the_leads_that_are_charged_back(finance: Client, source: Source) -> None:
    sold = Assignment.objects.select_related("lead").get()
    Lead.objects.filter(pk=sold.lead_id).update(external_id="form-1001")
    return_assignment(sold.public_id, actor="ann", reason="wrong number")
    today = today_of(source, at=timezone.now())

    answer = finance.get(url_of(source, "statement"), {"first_day": today, "last_day": today})

    assert answer.context["rows"][0] == (
        *(str(today), "1", "1", "1", "1", "$7.00", "-$7.00", "$0.00", "$0.00", "$0.00"),
    )
    assert answer.context["lead_rows"] == [(str(today), str(sold.lead.public_id), "form-1001", "-$7.00")]
    text = answer.content.decode()
    assert "Returned leads charged back to the source" in text
    assert text.count("form-1001") == 1


def test_statement_as_csv(finance: Client, source: Source) -> None:
    source.name = 'Leads "R" Us'
    source.save(update_fields=["name"])
    finance.post(url_of(source, "payables", "pay"), booking())
    today = today_of(source, at=timezone.now())
    answer = finance.get(
        url_of(source, "statement"), {"first_day": today, "last_day": today, "format": "csv"}
    )

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    name = rf"statement-Leads \"R\" Us-{today}-{today}.csv"
    assert answer["Content-Disposition"] == f'attachment; filename="{name}"'
    head, opening, day, total = csv.reader(StringIO(answer.content.decode()))
    assert head == [
        *("source", "time_zone", "day", "leads", "sales", "returns", "charged back"),
        *("earned", "deducted", "adjusted", "paid", "balance"),
    ]
    figures = ["1", "1", "0", "0", "7.00", "0.00", "0.00", "-4.00", "3.00"]
    assert opening == [source.name, "America/New_York", "opening", *[""] * 8, "0.00"]
    assert day == [source.name, "America/New_York", str(today), *figures]
    assert total == [source.name, "America/New_York", "total", *figures]


@pytest.mark.parametrize(
    "period",
    [
        {"first_day": "2026-02-01", "last_day": "2026-01-01"},
        {"first_day": "2020-01-01", "last_day": "2026-01-01"},
        {"first_day": "yesterday", "last_day": "2026-01-01"},
    ],
)
def test_statement_of_a_wrong_period_is_refused(
    finance: Client, source: Source, period: dict[str, str]
) -> None:
    answer = finance.get(url_of(source, "statement"), {**period, "format": "csv"})

    assert answer.status_code == 400
    assert answer["Content-Type"].startswith("text/html")
