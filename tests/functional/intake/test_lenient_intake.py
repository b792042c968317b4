"""A lead with faults comes in over the API: it is accepted in any encoding, with a warning for each fault."""

from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client

from distribution.attempts.distribute import distribute_lead
from distribution.explain.lead import explain
from routing.models import IdempotencyRecord, IntakeMode, Lead, Source
from tests.support.explanations import to_text
from tests.support.factories import CampaignFactory, SourceFactory, enroll, issue_key
from tracing.models import Attempt, LeadDistributionEvent

pytestmark = pytest.mark.django_db

LEADS = "/api/v1/leads/"
FORM = "application/x-www-form-urlencoded"
FAULTY = {
    "zip": 30312,
    "email": "n/a",
    "phone": "404-881-2345 x9",
    "state": "Georgia",
    "utm_source": "google",
}


@pytest.fixture
def source() -> Source:
    return SourceFactory.create()


@pytest.fixture
def client(source: Source) -> Client:
    return Client(headers={"Authorization": f"Api-Key {issue_key(source)}"})


def multipart(count: int, **fields: str) -> str:
    """A body with this many fields besides the named ones. Its boundary is b."""
    named = {**fields, **{f"f{number}": "x" for number in range(count)}}
    parts = (
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in named.items()
    )
    return "".join(parts) + "--b--\r\n"


def post(client: Client, payload: Any, *, content_type: str = "application/json", **headers: str) -> Any:
    return client.post(LEADS, payload, content_type=content_type, headers=headers)


def test_faulty_lead_is_accepted_with_warnings(client: Client) -> None:
    response = post(client, FAULTY)
    assert response.status_code == 201
    warnings = response.json()["warnings"]
    assert [(each["field"], each["code"], each["received"]) for each in warnings] == [
        ("utm_source", "moved", None),
        ("zip", "corrected", 30312),
        ("state", "corrected", "Georgia"),
        ("email", "dropped", "n/a"),
    ]
    assert warnings[0]["message"] == "is not a known field: kept as attributes.utm_source"
    lead = Lead.objects.get()
    assert (lead.zip, lead.state, lead.email, lead.email_hash) == ("30312", "GA", "", None)
    assert (lead.phone, lead.phone_extension) == ("+14048812345", "9")
    assert lead.attributes == {"utm_source": "google"}
    assert lead.intake_notes == ["attributes:moved", "zip:corrected", "state:corrected", "email:dropped"]
    later = client.get(response["Location"]).json()["warnings"]
    assert [(each["field"], each["code"], each["received"]) for each in later] == [
        ("attributes", "moved", None),
        ("zip", "corrected", None),
        ("state", "corrected", None),
        ("email", "dropped", None),
    ]


def test_strict_source_refuses_the_same_lead(client: Client) -> None:
    Source.objects.update(intake_mode=IntakeMode.STRICT)
    response = post(client, FAULTY)
    assert response.status_code == 400
    fields = response.json()["error"]["fields"]
    assert {name: [each["code"] for each in found] for name, found in fields.items()} == {
        "utm_source": ["unknown_field"],
        "zip": ["invalid_type"],
        "state": ["unknown"],
        "email": ["invalid"],
    }
    assert Lead.objects.count() == 0


def test_lead_without_contact_data_is_refused(client: Client) -> None:
    response = post(client, {**FAULTY, "phone": "123"})
    assert response.status_code == 400
    assert list(response.json()["error"]["fields"]) == ["phone"]
    assert Lead.objects.count() == 0


def test_trace_shows_corrections_without_the_original_values() -> None:
    campaign = CampaignFactory.create()
    enroll(campaign, count=1, credits_cents=10_000)
    source = SourceFactory.create(workspace=campaign.workspace)
    client = Client(headers={"Authorization": f"Api-Key {issue_key(source)}"})
    post(client, {**FAULTY, "email": "ann at example.com", "ann@example.com": "Ann"})
    lead = Lead.objects.get()
    distribute_lead(lead.pk)
    started = LeadDistributionEvent.objects.get(event="distribution_started").data
    assert started["intake"] == ["attributes:moved", "zip:corrected", "state:corrected", "email:dropped"]
    story = " ".join(to_text(explain(Lead.objects.get())).split())
    assert "email could not be read and was left out" in story
    assert "ann" not in str([started, story]).lower()


def test_number_too_large_for_the_trace_is_sold_and_traced() -> None:
    """Both a new lead, and one that an earlier version stored."""
    campaign = CampaignFactory.create()
    wants = {"all": [{"field": f"attributes.{name}", "op": "exists"} for name in ("wide", "float")]}
    enroll(campaign, count=1, credits_cents=10_000, lead_filter=wants)
    source = SourceFactory.create(workspace=campaign.workspace)
    client = Client(headers={"Authorization": f"Api-Key {issue_key(source)}"})
    body = '{"zip": "30312", "phone": "404-881-2345", "attributes": {"wide": 99999999999999999999, "float": 1e22}}'
    response = post(client, body)
    assert response.status_code == 201, response.content
    lead = Lead.objects.get()
    assert lead.attributes == {"wide": "99999999999999999999", "float": "1e+22"}
    Lead.objects.update(attributes={"wide": 10**30, "float": 1e22})
    distribute_lead(lead.pk)
    lead.refresh_from_db()
    assert (lead.status, Attempt.objects.filter(lead_id=lead.pk, result="success").count()) == (
        "distributed",
        1,
    )


@pytest.mark.parametrize("number", ["99999999999999999999", "1e22"])
def test_wide_number_is_refused_strictly(client: Client, number: str) -> None:
    Source.objects.update(intake_mode=IntakeMode.STRICT)
    body = '{"zip": "30312", "phone": "404-881-2345", "attributes": {"wide": NUMBER}}'
    response = post(client, body.replace("NUMBER", number))
    assert (response.status_code, list(response.json()["error"]["fields"])) == (400, ["attributes.wide"])


ENCODED = {
    "first_name": "Zoë",
    "zip": "30312",
    "phone": "404-881-2345",
    "consent[given_at]": "2026-01-31T12:00:00Z",
    "attributes[roof][age]": "12",
    "attributes[tags][]": ["a", "b"],
    "attributes.color": "red",
    "What service?": "roof",
}
SAME = {
    "first_name": "Zoë",
    "zip": "30312",
    "phone": "404-881-2345",
    "consent": {"given_at": "2026-01-31T12:00:00Z"},
    "attributes": {"roof": {"age": "12"}, "tags": ["a", "b"], "color": "red"},
    "What service?": "roof",
}


def stored() -> dict[str, Any]:
    names = ("first_name", "zip", "phone", "phone_hash", "consent", "attributes", "intake_notes")
    return Lead.objects.values(*names).get()


@pytest.mark.parametrize("encoding", ["json", "form", "latin", "multipart"])
def test_one_lead_is_the_same_in_every_encoding(client: Client, encoding: str) -> None:
    response = send_encoded(client, encoding)
    assert response.status_code == 201, response.content
    assert stored() == {
        "first_name": "Zoë",
        "zip": "30312",
        "phone": "+14048812345",
        "phone_hash": Lead.objects.get().phone_hash,
        "consent": {"given_at": "2026-01-31T12:00:00+00:00"},
        "attributes": {"roof": {"age": "12"}, "tags": ["a", "b"], "color": "red", "What_service": "roof"},
        "intake_notes": ["attributes:moved"],
    }


def send_encoded(client: Client, encoding: str, **headers: str) -> Any:
    if encoding == "json":
        return post(client, SAME, **headers)
    if encoding == "multipart":
        return client.post(LEADS, ENCODED, headers=headers)
    charset = "iso-8859-1" if encoding == "latin" else "utf-8"
    body = urlencode(ENCODED, doseq=True, encoding=charset)
    return post(client, body, content_type=FORM, **headers)


def test_repeat_in_another_encoding_is_the_same_request(client: Client) -> None:
    encodings = ("json", "form", "latin", "multipart")
    answers = [send_encoded(client, encoding, **{"Idempotency-Key": "1"}) for encoding in encodings]
    assert [answer.status_code for answer in answers] == [201] * 4
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert [answer.headers.get("Idempotency-Replayed") for answer in answers] == [None, *["true"] * 3]


@pytest.mark.parametrize(
    ("body", "content_type", "says"),
    [
        ("a=%00", FORM, "NUL"),
        ("&".join(["a=1"] * 2_001), FORM, "more than 2000 fields"),
        ("a" + "[b]" * 30 + "=1", FORM, "nested deeper"),
        ("a=" + "x" * 65_537, FORM, "more than 65536 characters"),
        ("a[b]=1&a=2", FORM, "with brackets and without"),
        ("a=1&a[b]=2", FORM, "with brackets and without"),
        ("a[][b]=2", FORM, "number the brackets"),
        (multipart(2_005), "multipart/form-data; boundary=b", "more than 2000 fields"),
        ("--x\r\n", "multipart/form-data", "not valid multipart"),
        ("--x\r\nContent-Dispo", "multipart/form-data; boundary=" + "x" * 300, "not valid multipart"),
    ],
)
def test_malformed_form_is_refused_with_the_reason(
    client: Client, body: str, content_type: str, says: str
) -> None:
    response = post(client, body, content_type=content_type)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "malformed")
    assert says in response.json()["error"]["message"]
    assert Lead.objects.count() == 0


def test_multipart_may_have_as_many_fields_as_a_form(client: Client) -> None:
    body = multipart(1_900, zip="30312", phone="404-881-2345")
    assert post(client, body, content_type="multipart/form-data; boundary=b").status_code == 201


def test_form_that_is_too_large_is_refused(client: Client) -> None:
    response = post(client, "a=" + "x" * (1024 * 1024), content_type=FORM)
    assert response.status_code == 413


def test_file_in_a_form_is_refused_and_an_empty_input_is_not(client: Client) -> None:
    fields = {"zip": "30312", "phone": "404-881-2345"}
    response = client.post(LEADS, {**fields, "photo": SimpleUploadedFile("roof.jpg", b"x")})
    assert (response.status_code, response.json()["error"]["code"]) == (400, "malformed")
    assert "file" in response.json()["error"]["message"]
    assert Lead.objects.count() == 0
    body = (
        '--b\r\nContent-Disposition: form-data; name="photo"; filename=""\r\n'
        "Content-Type: application/octet-stream\r\n\r\n\r\n" + multipart(0, **fields)
    )
    assert post(client, body, content_type="multipart/form-data; boundary=b").status_code == 201


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", f"{FORM}; charset=utf-16"])
def test_other_content_types_are_refused(client: Client, content_type: str) -> None:
    assert post(client, "zip=30312", content_type=content_type).status_code == 415


def test_batch_is_read_leniently(client: Client) -> None:
    leads = [FAULTY, {**FAULTY, "phone": "none"}, {"zip": "30312", "email": "a@example.com"}]
    response = client.post(f"{LEADS}batch/", {"leads": leads}, content_type="application/json")
    first, second, third = response.json()["results"]
    assert [each["code"] for each in first["warnings"]] == ["moved", "corrected", "corrected", "dropped"]
    assert (second["status"], list(second["error"]["fields"])) == ("rejected", ["email"])
    assert third["warnings"] == []


def test_repeat_gets_the_warnings_again(client: Client) -> None:
    first = post(client, FAULTY, **{"Idempotency-Key": "1"})
    again = post(client, FAULTY, **{"Idempotency-Key": "1"})
    assert again.json() == first.json()
    assert len(first.json()["warnings"]) == 4
    assert IdempotencyRecord.objects.count() == Lead.objects.count() == 1


def test_source_is_lenient_by_default() -> None:
    call_command("create_source", workspace="w", name="one", create_workspace=True)
    call_command("create_source", workspace="w", name="two", strict=True)
    assert dict(Source.objects.values_list("name", "intake_mode")) == {"one": "lenient", "two": "strict"}
