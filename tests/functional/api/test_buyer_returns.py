"""A buyer's program asks for returns: with files, once for each Idempotency-Key, and every refusal says what to do."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from distribution.api import returndocuments as documents
from distribution.attempts.distribute import distribute_lead
from distribution.models import (
    Assignment,
    Buyer,
    BuyerKey,
    LedgerEntry,
    ReturnFile,
    ReturnPolicy,
    ReturnRequest,
)
from distribution.models.returning import MAX_FILE_BYTES, MAX_FILES
from distribution.returns.decide import Decision, approve_return, decline_return
from tests.functional.returns.world import SOLD_AT
from tests.support.described import assert_described
from tests.support.factories import (
    CampaignFactory,
    LeadFactory,
    ReturnPolicyFactory,
    SourceFactory,
    enroll,
    issue_buyer_key,
)
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
BAD_PHONE = {"reason": "bad_phone", "text": "called at 2 PM: not in service"}


@pytest.fixture
def sold() -> Assignment:
    campaign = CampaignFactory(price_cents=2_500)
    enroll(campaign, count=1, credits_cents=10_000)
    lead = LeadFactory(source=SourceFactory(workspace=campaign.workspace))
    assert distribute_lead(lead.pk).result == "success"
    ReturnPolicyFactory(workspace=campaign.workspace)
    return Assignment.objects.select_related("buyer").get()


class Program:
    def __init__(self, buyer: Buyer, sold: Assignment) -> None:
        self._client = Client(headers={"Authorization": f"Api-Key {issue_buyer_key(buyer)}"})
        self._sold = sold

    def ask(self, body: Any = BAD_PHONE, *, key: str = "", is_form: bool = False) -> Any:
        url = f"/api/v1/buyer/assignments/{self._sold.public_id}/returns/"
        named = {"headers": {"Idempotency-Key": key}} if key else {}
        if is_form:
            return self._client.post(url, body, **named)
        return self._client.post(url, body, content_type="application/json", **named)

    def get(self, path: str, **query: str) -> Any:
        answer = self._client.get(f"/api/v1/buyer/{path}", query)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def post(self, path: str, body: Any = None) -> Any:
        return self._client.post(f"/api/v1/buyer/returns/{path}", body or {})


@pytest.fixture
def program(sold: Assignment) -> Program:
    return Program(sold.buyer, sold)


def file(content: bytes = PNG, *, name: str = "call.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="text/html")


def problem(answer: Any, field: str) -> dict[str, str]:
    assert answer.status_code == 400, answer.content
    [found] = answer.json()["error"]["fields"][field]
    return dict(found)


def test_request_is_answered_as_documented(program: Program, sold: Assignment) -> None:
    answer = program.ask()

    assert answer.status_code == 201
    body = answer.json()
    assert (body["assignment_id"], body["state"], body["amount_cents"]) == (
        str(sold.public_id),
        "requested",
        None,
    )
    assert answer["Location"] == f"/api/v1/buyer/returns/{body['id']}/"
    assert program.get(f"returns/{body['id']}/") == body
    assert program.get("returns/") == {"results": [body], "next_cursor": None}
    assert program.get("returns/", state="approved")["results"] == []
    assert_described(body, documents.ReturnDocument())


def test_end_is_shown_without_the_operator(program: Program) -> None:
    public_id = program.ask().json()["id"]
    approve_return(ReturnRequest.objects.get().pk, Decision("ann@agency.example", SOLD_AT, "agreed"))

    shown = program.get(f"returns/{public_id}/")

    assert (shown["state"], shown["refund_cents"], shown["is_full"]) == ("approved", 2_500, True)
    assert shown["decision_reason"] == "agreed"
    assert "ann" not in str(shown)
    assert_described(shown, documents.ReturnDocument())


def test_repeat_with_the_key_gets_the_first_answer(program: Program) -> None:
    first, again = program.ask(key="a"), program.ask(key="a")

    assert (again.status_code, again.json(), again["Idempotency-Replayed"]) == (201, first.json(), "true")
    assert ReturnRequest.objects.count() == 1
    assert program.ask({**BAD_PHONE, "text": "other"}, key="a").status_code == 422


def test_other_file_under_the_key_is_another_body(program: Program) -> None:
    first = program.ask({**BAD_PHONE, "file": file()}, key="a", is_form=True)
    again = program.ask({**BAD_PHONE, "file": file()}, key="a", is_form=True)
    other = program.ask({**BAD_PHONE, "file": file(PNG + b"1")}, key="a", is_form=True)

    assert [each.status_code for each in (first, again, other)] == [201, 201, 422]
    assert ReturnFile.objects.count() == 1


def test_without_a_key_the_second_request_is_a_conflict(program: Program) -> None:
    program.ask()

    answer = program.ask()

    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "already_requested")
    assert "Withdraw it" in answer.json()["error"]["message"]


def test_policy_may_approve_at_once(program: Program, sold: Assignment) -> None:
    ReturnPolicy.objects.update(automatic_reasons=["bad_phone"])

    body = program.ask().json()

    assert (body["state"], body["is_automatic"], body["refund_cents"]) == ("approved", True, 2_500)
    assert LedgerEntry.objects.get(kind="refund").assignment == sold


@pytest.mark.parametrize(
    ("field", "body", "code"),
    [
        ("reason", {"text": "x"}, "required"),
        ("reason", {"reason": 1, "text": "x"}, "invalid_type"),
        ("reason", {"reason": "price", "text": "x"}, "reason_not_accepted"),
        ("text", {"reason": "fake"}, "required"),
        ("text", {"reason": "fake", "text": "x" * 2_001}, "too_long"),
        ("amount_cents", {**BAD_PHONE, "amount_cents": 0}, "invalid"),
        ("amount_cents", {**BAD_PHONE, "amount_cents": True}, "invalid"),
        ("amount_cents", {**BAD_PHONE, "amount_cents": 2_500}, "amount_out_of_range"),
        ("refund", {**BAD_PHONE, "refund": 1}, "unknown_field"),
        ("file", {**BAD_PHONE, "file": "none"}, "unknown_field"),
    ],
)
def test_wrong_field_is_named(program: Program, field: str, body: dict[str, Any], code: str) -> None:
    assert problem(program.ask(body), field)["code"] == code
    assert ReturnRequest.objects.count() == 0


def test_file_is_stored_under_a_clean_name(program: Program) -> None:
    body = program.ask({**BAD_PHONE, "file": file(name="../../etc/<call>.PNG")}, is_form=True).json()

    stored = ReturnFile.objects.get()
    assert (stored.name, stored.content_type, bytes(stored.content)) == ("_call_.PNG", "image/png", PNG)
    assert body["files"] == [
        {
            "id": str(stored.public_id),
            "name": "_call_.PNG",
            "content_type": "image/png",
            "size_bytes": len(PNG),
        }
    ]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (file(b""), "empty"),
        (file(b"<html>"), "type_differs"),
        (file(PNG, name="call.exe"), "type_not_accepted"),
        (file(PNG, name="call"), "type_not_accepted"),
        (file(PNG + b"\0" * MAX_FILE_BYTES), "too_large"),
        (file(b"text with \0", name="call.txt"), "type_differs"),
    ],
)
def test_unfit_file_is_refused(program: Program, sent: SimpleUploadedFile, code: str) -> None:
    ReturnPolicy.objects.update(evidence="file")
    answer = program.ask({**BAD_PHONE, "file": sent}, is_form=True)

    assert problem(answer, "file")["code"] == code
    assert (ReturnRequest.objects.count(), ReturnFile.objects.count()) == (0, 0)


def test_text_with_a_byte_order_mark_is_accepted(program: Program) -> None:
    """As editors on Windows write it."""
    sent = file("not in service".encode("utf-8-sig"), name="call.txt")
    assert program.ask({**BAD_PHONE, "file": sent}, is_form=True).status_code == 201


def test_body_above_the_bound_is_not_read(program: Program) -> None:
    answer = program.ask({**BAD_PHONE, "file": file(b"x" * (MAX_FILE_BYTES + 100_000))}, is_form=True)
    assert answer.status_code == 413


def test_evidence_is_added_while_the_request_is_open(program: Program) -> None:
    public_id = program.ask().json()["id"]

    for content in (PNG, PNG, *(PNG + bytes([each]) for each in range(MAX_FILES - 1))):
        answer = program.post(f"{public_id}/evidence/", {"file": file(content)})
        assert answer.status_code == 201, answer.content

    assert ReturnFile.objects.count() == MAX_FILES
    added = AuditEntry.objects.filter(action="evidence added", object_id=str(ReturnRequest.objects.get().pk))
    assert {each.actor for each in added} == {BuyerKey.objects.get().actor}
    assert sorted(each.after["sha256"] for each in added) == sorted(
        ReturnFile.objects.values_list("sha256", flat=True)
    )
    assert (
        problem(program.post(f"{public_id}/evidence/", {"file": file(PNG + b"last")}), "file")["code"]
        == "too_many"
    )
    assert problem(program.post(f"{public_id}/evidence/", {}), "file")["code"] == "required"
    decline_return(ReturnRequest.objects.get().pk, Decision("ann", SOLD_AT, "no"))
    late = program.post(f"{public_id}/evidence/", {"file": file()})
    assert (late.status_code, late.json()["error"]["code"]) == (409, "already_ended")


def test_request_is_withdrawn(program: Program) -> None:
    public_id = program.ask().json()["id"]

    answers = [program.post(f"{public_id}/withdraw/") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert {answer.json()["state"] for answer in answers} == {"withdrawn"}
    assert program.ask().status_code == 201


def test_policy_is_shown_with_what_is_left(program: Program) -> None:
    ReturnPolicy.objects.update(limit_basis="leads_percent", limit_value=10)
    program.ask()

    shown = program.get("return-policy/")

    assert (shown["window_hours"], shown["evidence"]) == (72, "text")
    assert {"code": "fake", "meaning": "made-up person or joke", "advice": "Say how you found out."} in shown[
        "reasons"
    ]
    limit = shown["limit"]
    assert (limit["allowed"], limit["used"], limit["left"]) == (1, 1, 0)
    assert_described(shown, documents.PolicyDocument())
    ReturnPolicy.objects.update(active=False)
    assert program.get("return-policy/")["accepts_returns"] is False
