"""Test leads over the API and in files: the flag, test keys, their own ids, and the limit per day."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.test import Client

from routing.access.api_keys import Author, rotate
from routing.intake.daily_limit import reserve_test_leads, seconds_to_next_day
from routing.intake.rehash import rehash_identities
from routing.models import Lead, Source, SourceKey
from tests.support.factories import SourceFactory, issue_key
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db

LEADS = "/api/v1/leads/"
LEAD = {"zip": "30312", "email": "ann@example.com"}


@pytest.fixture
def source() -> Source:
    return SourceFactory.create()


@pytest.fixture
def client(source: Source) -> Client:
    return Client(headers={"Authorization": f"Api-Key {issue_key(source)}"})


@pytest.fixture
def tester(source: Source) -> Client:
    return Client(headers={"Authorization": f"Api-Key {issue_key(source, is_test=True)}"})


def post(client: Client, payload: Any, *, url: str = LEADS, **headers: str) -> Any:
    return client.post(url, json.dumps(payload), content_type="application/json", headers=headers)


def test_flag_is_stored_and_answered(client: Client) -> None:
    for is_test in (True, False):
        answer = post(client, {**LEAD, "is_test": is_test}).json()
        lead = Lead.objects.latest("pk")
        assert (answer["is_test"], lead.is_test, lead.email) == (is_test, is_test, "ann@example.com")
        assert (lead.email_hash is None) == is_test
        url = f"{LEADS}{answer['id']}/"
        assert client.get(url).json()["is_test"] == is_test
        assert client.get(f"{url}explanation/").json()["is_test"] == is_test


def test_every_lead_of_a_test_key_is_a_test(tester: Client) -> None:
    assert post(tester, {**LEAD, "is_test": False}).json()["is_test"]
    results = post(tester, {"leads": [LEAD]}, url=f"{LEADS}batch/").json()["results"]
    assert [each["is_test"] for each in results] == [True]
    assert set(Lead.objects.values_list("is_test", flat=True)) == {True}


def test_rotated_test_key_stays_one(source: Source) -> None:
    issue_key(source, is_test=True)
    key = rotate(SourceKey.objects.get(), overlap=timedelta(0), at=datetime.now(UTC), by=Author("ann")).key
    assert key.is_test
    assert AuditEntry.objects.filter(action="added").latest("pk").after["is_test"] is True


def test_real_lead_may_have_the_id_of_a_test_lead(client: Client, tester: Client) -> None:
    sent = {**LEAD, "external_id": "1001"}
    answers = [post(each, sent) for each in (tester, client, tester, client)]
    assert [each.status_code for each in answers] == [201, 201, 409, 409]
    assert [each.json()["external_id"] for each in answers[:2]] == ["1001", "1001"]
    assert list(Lead.objects.order_by("pk").values_list("external_id", flat=True)) == ["test:1001", "1001"]
    assert client.get(answers[0]["Location"]).json()["external_id"] == "1001"


def test_idempotency_key_of_a_test_answers_no_real_lead(client: Client, tester: Client) -> None:
    answers = [post(each, LEAD, **{"Idempotency-Key": "form-1"}).json() for each in (tester, client, tester)]
    assert [each["is_test"] for each in answers] == [True, False, True]
    assert answers[0]["id"] == answers[2]["id"]
    assert Lead.objects.count() == 2


def test_limit_refuses_test_leads_alone(client: Client, settings: LazySettings) -> None:
    settings.LEADSWITCH_TEST_LEADS_PER_DAY = 1
    test = {**LEAD, "is_test": True}
    answers = [post(client, each) for each in (test, test, LEAD)]
    assert [each.status_code for each in answers] == [201, 429, 201]
    assert answers[1].json()["error"] == {
        "code": "too_many_test_leads",
        "message": "This source already sent 1 test lead today (UTC). Send the next one tomorrow. Real leads are not"
        " affected.",
    }
    assert 0 < int(answers[1]["Retry-After"]) <= 86_400
    assert list(Lead.objects.order_by("pk").values_list("is_test", flat=True)) == [True, False]


def test_limit_cuts_a_batch(client: Client, settings: LazySettings) -> None:
    settings.LEADSWITCH_TEST_LEADS_PER_DAY = 2
    test = {**LEAD, "is_test": True}
    answer = post(client, {"leads": [test, LEAD, test, test]}, url=f"{LEADS}batch/").json()
    assert (answer["accepted"], answer["rejected"]) == (3, 1)
    assert answer["results"][3]["error"]["code"] == "too_many_test_leads"


def test_another_day_begins_at_zero(source: Source, settings: LazySettings) -> None:
    settings.LEADSWITCH_TEST_LEADS_PER_DAY = 5
    assert [reserve_test_leads(3, source_id=source.pk) for _ in range(3)] == [3, 2, 0]
    Source.objects.update(test_leads_on="2026-01-01")
    assert reserve_test_leads(7, source_id=source.pk) == 5
    assert seconds_to_next_day(datetime(2026, 1, 1, 23, 59, 30, tzinfo=UTC)) == 30


def test_file_has_a_column_for_tests(source: Source, tmp_path: Path, settings: LazySettings) -> None:
    settings.LEADSWITCH_TEST_LEADS_PER_DAY = 1
    file, rejects = tmp_path / "leads.csv", tmp_path / "rejects.csv"
    file.write_text("Mail,Zip,Test\na@example.com,30312,yes\nb@example.com,30312,no\nc@example.com,30312,1\n")
    columns = ("Mail=email", "Zip=zip", "Test=is_test")
    maps = [text for column in columns for text in ("--map", column)]
    call_command("import_leads", str(file), "--source", source.name, "--rejects", str(rejects), *maps)
    leads = Lead.objects.order_by("pk").values_list("email", "is_test")
    assert list(leads) == [("a@example.com", True), ("b@example.com", False)]
    assert "is over the limit of test leads per day" in rejects.read_text()


def test_rehash_gives_a_test_lead_no_identity(client: Client) -> None:
    post(client, {**LEAD, "is_test": True})
    assert rehash_identities(is_new_key=True) == 0
