"""An agency's program reads returns and decides about them, with the same end as a person in the admin."""

from typing import Any

import pytest
from django.test import Client

from distribution.api import workspacedocuments as documents
from distribution.models import (
    Assignment,
    LedgerEntry,
    ReturnFile,
    ReturnPolicy,
    ReturnRequest,
    Wallet,
    WorkspaceKey,
)
from distribution.money.wallet import refund
from distribution.returns.evidence import read_file
from distribution.returns.policy import Ask
from distribution.returns.request import request_return, withdraw_return
from routing.models import Lead
from tests.functional.returns.world import SOLD_AT, sell_three
from tests.support.described import assert_described
from tests.support.factories import (
    BuyerFactory,
    ReturnPolicyFactory,
    WorkspaceFactory,
    issue_buyer_key,
    issue_workspace_key,
)
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db
ROOT = "/api/v1/workspace/"


@pytest.fixture
def sales() -> list[Assignment]:
    sold = sell_three()
    ReturnPolicyFactory(workspace=sold[0].buyer.workspace)
    return sold


@pytest.fixture
def program(sales: list[Assignment]) -> Client:
    return client_of(sales[0].buyer.workspace)


def client_of(workspace: Any, **key: Any) -> Client:
    return Client(headers={"Authorization": f"Api-Key {issue_workspace_key(workspace, **key)}"})


def ask(sold: Assignment, *, cents: int | None = None) -> ReturnRequest:
    files = (read_file("call.txt", b"not in service"),)
    what = Ask("bad_phone", "not in service", amount_cents=cents, files=files)
    return request_return(sold.public_id, what, buyer=sold.buyer, actor="key", at=SOLD_AT)


def post(program: Client, path: str, body: Any = None) -> Any:
    return program.post(f"{ROOT}{path}", body, content_type="application/json")


def get(program: Client, path: str, **query: Any) -> Any:
    answer = program.get(f"{ROOT}{path}", query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def refunds() -> list[int]:
    return list(
        LedgerEntry.objects.filter(kind="refund").order_by("pk").values_list("amount_cents", flat=True)
    )


def problem(answer: Any, field: str) -> dict[str, str]:
    assert answer.status_code == 400, answer.content
    [found] = answer.json()["error"]["fields"][field]
    return dict(found)


class TestReads:
    def test_list_and_page_are_described(self, program: Client, sales: list[Assignment]) -> None:
        made = [ask(sale) for sale in sales]

        page = get(program, "returns/", limit=2)

        assert [row["id"] for row in page["results"]] == [str(each.public_id) for each in made[:0:-1]]
        rest = get(program, "returns/", limit=2, cursor=page["next_cursor"])
        assert [row["id"] for row in rest["results"]] == [str(made[0].public_id)]
        assert rest["next_cursor"] is None
        row = get(program, f"returns/{made[2].public_id}/")
        assert row == page["results"][0]
        assert (row["buyer"]["name"], row["price_cents"], row["left_cents"], row["requested_by"]) == (
            sales[2].buyer.name,
            2_500,
            2_500,
            "key",
        )
        assert row["lead_id"] == str(sales[2].lead.public_id)
        assert_described(row, documents.DecidedReturnDocument())

    def test_filters(self, program: Client, sales: list[Assignment]) -> None:
        first, second = ask(sales[0]), ask(sales[1])
        withdraw_return(first.public_id, buyer=sales[0].buyer, actor="key", at=SOLD_AT)
        other = BuyerFactory(workspace=sales[0].buyer.workspace)

        def ids(**query: Any) -> list[str]:
            return [row["id"] for row in get(program, "returns/", **query)["results"]]

        assert ids(state="requested") == [str(second.public_id)]
        assert ids(state="withdrawn") == [str(first.public_id)]
        assert ids(state="approved") == []
        assert ids(buyer=sales[0].buyer.public_id) == [str(second.public_id), str(first.public_id)]
        assert ids(buyer=sales[0].buyer.public_id, state="requested") == [str(second.public_id)]
        assert ids(buyer=other.public_id) == []

    def test_wrong_filters_are_named(self, program: Client) -> None:
        for name, value in (("state", "open"), ("buyer", "7"), ("cursor", "x")):
            assert problem(program.get(f"{ROOT}returns/", {name: value}), name)["code"] == "invalid"

    def test_foreign_buyer_is_not_found(self, program: Client) -> None:
        assert program.get(f"{ROOT}returns/", {"buyer": BuyerFactory().public_id}).status_code == 404

    def test_cursor_of_another_workspace_is_refused(self, program: Client, sales: list[Assignment]) -> None:
        for sale in sales:
            ask(sale)
        cursor = get(program, "returns/", limit=1)["next_cursor"]
        stranger = client_of(WorkspaceFactory())

        assert problem(stranger.get(f"{ROOT}returns/", {"cursor": cursor}), "cursor")["code"] == "invalid"

    def test_evidence_is_a_download_that_no_browser_shows(
        self, program: Client, sales: list[Assignment]
    ) -> None:
        request, other = ask(sales[0]), ask(sales[1])
        file = ReturnFile.objects.get(request=request)

        answer = program.get(f"{ROOT}returns/{request.public_id}/evidence/{file.public_id}/")

        assert (answer.status_code, answer.content) == (200, b"not in service")
        assert answer["Content-Type"] == "application/octet-stream"
        assert answer["Content-Disposition"] == 'attachment; filename="call.txt"'
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert answer["Cache-Control"] == "private, no-store"
        assert "RateLimit-Remaining" in answer.headers
        wrong = program.get(f"{ROOT}returns/{other.public_id}/evidence/{file.public_id}/")
        assert wrong.status_code == 404


class TestApprove:
    def test_full_refund_names_the_key(self, program: Client, sales: list[Assignment]) -> None:
        request = ask(sales[0])

        answer = post(program, f"returns/{request.public_id}/approve/", {"reason": "agreed"})

        assert answer.status_code == 200, answer.content
        body, actor = answer.json(), f"workspace {WorkspaceKey.objects.get().actor}"
        assert (body["state"], body["refund_cents"], body["is_full"]) == ("approved", 2_500, True)
        assert (body["left_cents"], body["decided_by"], body["decision_reason"]) == (0, actor, "agreed")
        assert_described(body, documents.DecidedReturnDocument())
        assert refunds() == [2_500]
        assert LedgerEntry.objects.get(kind="refund").actor == actor
        decided = AuditEntry.objects.filter(actor=actor).order_by("pk")
        assert [(each.action, each.workspace_id) for each in decided] == [
            ("return", sales[0].buyer.workspace_id),
            ("approved", sales[0].buyer.workspace_id),
        ]
        assert Wallet.objects.get(buyer=sales[0].buyer).balance_cents == 5_000
        assert Lead.objects.get(pk=sales[0].lead_id).status == "returned"

    def test_part_of_the_charge_leaves_the_lead(self, program: Client, sales: list[Assignment]) -> None:
        request = ask(sales[0])

        body = post(program, f"returns/{request.public_id}/approve/", {"amount_cents": 1_000}).json()

        assert (body["refund_cents"], body["is_full"], body["left_cents"]) == (1_000, False, 1_500)
        sales[0].refresh_from_db()
        assert sales[0].state == "sold"

    def test_body_may_be_left_out(self, program: Client, sales: list[Assignment]) -> None:
        request = ask(sales[0], cents=700)

        answer = program.generic("POST", f"{ROOT}returns/{request.public_id}/approve/")

        assert (answer.status_code, answer.json()["refund_cents"]) == (200, 700)

    def test_repeat_changes_nothing(self, program: Client, sales: list[Assignment]) -> None:
        url = f"returns/{ask(sales[0]).public_id}/approve/"
        first = post(program, url, {"amount_cents": 1_000})
        entries = AuditEntry.objects.count()

        again, without = post(program, url, {"amount_cents": 1_000}), post(program, url, {})

        assert [again.status_code, without.status_code] == [200, 200]
        assert again.json() == without.json() == first.json()
        assert (refunds(), AuditEntry.objects.count()) == ([1_000], entries)

    def test_repeat_with_another_amount_is_a_conflict(self, program: Client, sales: list[Assignment]) -> None:
        url = f"returns/{ask(sales[0]).public_id}/approve/"
        post(program, url, {"amount_cents": 1_000})

        answer = post(program, url, {"amount_cents": 1_500})

        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (409, "already_ended")
        assert (error["state"], error["refund_cents"]) == ("approved", 1_000)
        assert refunds() == [1_000]

    def test_ended_return_is_a_conflict_with_its_state(
        self, program: Client, sales: list[Assignment]
    ) -> None:
        request = ask(sales[0])
        withdraw_return(request.public_id, buyer=sales[0].buyer, actor="key", at=SOLD_AT)

        for name, body in (("approve", {}), ("decline", {"reason": "late"})):
            answer = post(program, f"returns/{request.public_id}/{name}/", body)
            error = answer.json()["error"]
            assert (answer.status_code, error["code"], error["state"]) == (409, "already_ended", "withdrawn")
            assert error["message"] == "It is already withdrawn; nothing was changed."
        assert refunds() == []

    @pytest.mark.parametrize("cents", [2_501, 2**63 - 1])
    def test_more_than_the_charge_is_refused(
        self, cents: int, program: Client, sales: list[Assignment]
    ) -> None:
        answer = post(program, f"returns/{ask(sales[0]).public_id}/approve/", {"amount_cents": cents})

        assert problem(answer, "amount_cents") == {
            "code": "amount_out_of_range",
            "message": "must be at most 2500, or left out: $25.00 of the charge is left",
        }
        assert refunds() == []

    def test_amount_that_became_too_much_is_a_conflict(
        self, program: Client, sales: list[Assignment]
    ) -> None:
        """Another refund came between the request and the decision."""
        request = ask(sales[0], cents=2_000)
        named = {"assignment_id": sales[0].pk, "buyer_id": sales[0].buyer_id, "actor": "ann"}
        refund(**named, key="other", reason="late", amount_cents=1_000)

        answer = post(program, f"returns/{request.public_id}/approve/", {})

        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["state"]) == (
            409,
            "amount_out_of_range",
            "requested",
        )
        assert "send `amount_cents` with at most 1500, or decline" in error["message"]
        assert refunds() == [1_000]

    def test_when_nothing_is_left_the_amount_is_left_out(
        self, program: Client, sales: list[Assignment]
    ) -> None:
        request = ask(sales[0])
        named = {"assignment_id": sales[0].pk, "buyer_id": sales[0].buyer_id, "actor": "ann"}
        refund(**named, key="other", reason="late")
        url = f"returns/{request.public_id}/approve/"

        wrong = problem(post(program, url, {"amount_cents": 1}), "amount_cents")
        assert wrong["message"] == "must be left out: $0.00 of the charge is left"
        body = post(program, url, {}).json()
        assert (body["state"], body["refund_cents"], body["is_full"]) == ("approved", 0, True)


class TestDecline:
    def test_it_moves_no_money(self, program: Client, sales: list[Assignment]) -> None:
        url = f"returns/{ask(sales[0]).public_id}/decline/"

        first, again = post(program, url, {"reason": "it rings"}), post(program, url, {"reason": "other"})

        assert (first.status_code, again.status_code) == (200, 200)
        assert first.json() == again.json()
        assert (first.json()["state"], first.json()["decision_reason"]) == ("declined", "it rings")
        assert refunds() == []
        assert AuditEntry.objects.filter(action="declined", actor__startswith="workspace key ").count() == 1


class TestTakeBack:
    def test_lead_comes_back_without_a_request(self, program: Client, sales: list[Assignment]) -> None:
        url = f"assignments/{sales[0].public_id}/returns/"

        first, again = post(program, url, {"reason": "agreed"}), post(program, url, {"reason": "agreed"})

        assert (first.status_code, again.status_code) == (201, 200)
        body = first.json()
        assert again.json() == body
        assert first["Location"] == f"{ROOT}returns/{body['id']}/"
        assert (body["reason"], body["state"], body["refund_cents"]) == ("agency", "approved", 2_500)
        assert refunds() == [2_500]
        assert_described(body, documents.DecidedReturnDocument())

    def test_open_request_is_approved(self, program: Client, sales: list[Assignment]) -> None:
        request = ask(sales[0], cents=100)

        body = post(program, f"assignments/{sales[0].public_id}/returns/", {"reason": "agreed"}).json()

        assert (body["id"], body["refund_cents"], body["is_full"]) == (str(request.public_id), 2_500, True)
        assert ReturnRequest.objects.count() == 1

    def test_lead_that_the_buyer_does_not_have_is_a_conflict(
        self, program: Client, sales: list[Assignment]
    ) -> None:
        Assignment.objects.filter(pk=sales[0].pk).update(state="held")

        answer = post(program, f"assignments/{sales[0].public_id}/returns/", {"reason": "agreed"})

        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["state"]) == (409, "not_held", "held")

    def test_return_from_before_returns_were_recorded_is_a_conflict(
        self, program: Client, sales: list[Assignment]
    ) -> None:
        Assignment.objects.filter(pk=sales[0].pk).update(state="returned", returned_at=SOLD_AT)

        answer = post(program, f"assignments/{sales[0].public_id}/returns/", {"reason": "agreed"})

        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["state"]) == (409, "not_held", "returned")
        assert refunds() == []


@pytest.mark.parametrize(
    ("name", "body", "field", "code"),
    [
        ("approve", {"amount_cents": 0}, "amount_cents", "invalid"),
        ("approve", {"amount_cents": True}, "amount_cents", "invalid"),
        ("approve", {"amount_cents": 1.5}, "amount_cents", "invalid"),
        ("approve", {"reason": 7}, "reason", "invalid_type"),
        ("approve", {"reason": "x" * 201}, "reason", "too_long"),
        ("approve", {"amount": 5}, "amount", "unknown_field"),
        ("approve", [], "non_field_errors", "invalid_type"),
        ("decline", {}, "reason", "required"),
        ("decline", {"reason": "  "}, "reason", "required"),
        ("decline", {"reason": None}, "reason", "required"),
        ("decline", {"reason": "x", "amount_cents": 5}, "amount_cents", "unknown_field"),
    ],
)
def test_wrong_body_is_named_and_changes_nothing(
    name: str, body: Any, field: str, code: str, program: Client, sales: list[Assignment]
) -> None:
    request = ask(sales[0])

    assert problem(post(program, f"returns/{request.public_id}/{name}/", body), field)["code"] == code
    request.refresh_from_db()
    assert (request.state, refunds()) == ("requested", [])


def test_decline_without_a_body_says_what_to_send(program: Client, sales: list[Assignment]) -> None:
    answer = program.generic("POST", f"{ROOT}returns/{ask(sales[0]).public_id}/decline/")

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "malformed")


def test_program_that_reads_cannot_decide(sales: list[Assignment]) -> None:
    request = ask(sales[0])
    reader = client_of(request.buyer.workspace, scopes=["returns:read"])

    answer = post(reader, f"returns/{request.public_id}/approve/", {})

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
    assert refunds() == []


def test_revoked_key_is_refused_with_the_place_of_a_new_one(program: Client, sales: list[Assignment]) -> None:
    WorkspaceKey.objects.update(revoked=True)

    answer = program.get(f"{ROOT}returns/")

    assert (answer.status_code, answer.json()["error"]["message"]) == (
        401,
        "This workspace key was revoked. The agency can issue a new one in the admin, under Workspace keys.",
    )
    buyers = Client(headers={"Authorization": f"Api-Key {issue_buyer_key(sales[0].buyer)}"})
    assert buyers.get(f"{ROOT}returns/").status_code == 401


def test_no_policy_is_needed_to_take_a_lead_back(program: Client, sales: list[Assignment]) -> None:
    """An agency takes back what it wants, also without a policy."""
    ReturnPolicy.objects.all().delete()

    answer = post(program, f"assignments/{sales[0].public_id}/returns/", {"reason": "agreed"})

    assert answer.status_code == 201
