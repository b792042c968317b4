"""The queue of returns: decisions with a reason, one or many, evidence as a download, and the figures of buyers."""

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, LedgerEntry, ReturnFile, ReturnPolicy, ReturnRequest, Wallet
from distribution.returns.evidence import read_file
from distribution.returns.policy import Ask
from distribution.returns.request import request_return
from tests.support.admin_pages import client_of, page, person
from tests.support.factories import CampaignFactory, LeadFactory, ReturnPolicyFactory, SourceFactory, enroll
from tests.support.payables import refund_part
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def requests() -> list[ReturnRequest]:
    """Three of one buyer, the oldest with a file."""
    campaign = CampaignFactory(price_cents=2_500)
    enroll(campaign, count=1, credits_cents=10_000)
    source = SourceFactory(workspace=campaign.workspace)
    ReturnPolicyFactory(workspace=campaign.workspace)
    files = (read_file("call.txt", b"<script>not in service</script>"),)
    for number in range(3):
        assert distribute_lead(LeadFactory(source=source).pk).result == "success"
        sold = Assignment.objects.select_related("buyer").latest("pk")
        ask = Ask("bad_phone", "not in service", files=() if number else files)
        request_return(sold.public_id, ask, buyer=sold.buyer, actor="key", at=timezone.now())
    return list(ReturnRequest.objects.order_by("pk"))


@pytest.fixture
def finance(requests: list[ReturnRequest]) -> Client:
    return client_of(person("finance", requests[0].buyer.workspace))


def act(name: str, *requests: ReturnRequest) -> str:
    ids = ",".join(str(each.pk) for each in requests)
    return f"{reverse('admin:distribution_returnrequest_act', args=[name])}?ids={ids}"


def states() -> list[str]:
    return list(ReturnRequest.objects.order_by("pk").values_list("state", flat=True))


def messages_of(answer: Any) -> list[str]:
    return [str(each) for each in get_messages(answer.wsgi_request)]


def test_approval_is_confirmed_and_opens_the_next(finance: Client, requests: list[ReturnRequest]) -> None:
    shown = finance.get(act("approve", requests[0])).content.decode()
    assert "1 return will be approved: $25.00 is refunded. 1 lead is taken back." in shown
    assert states() == ["requested"] * 3
    assert finance.post(act("approve", requests[0]), {"reason": ""}).status_code == 400

    answer = finance.post(act("approve", requests[0]), {"reason": "checked"})

    assert answer["Location"] == page(ReturnRequest, "change", requests[1].pk)
    assert messages_of(answer) == ["1 return approved and refunded."]
    assert states() == ["approved", "requested", "requested"]
    assert Wallet.objects.get(buyer=requests[0].buyer).balance_cents == 5_000
    entry = AuditEntry.objects.get(action="approved")
    assert (entry.reason, entry.after["refund_cents"]) == ("checked", 2_500)


def test_form_sent_twice_refunds_once(finance: Client, requests: list[ReturnRequest]) -> None:
    answers = [finance.post(act("approve", requests[0]), {"reason": "checked"}) for _ in range(2)]

    assert messages_of(answers[1])[-1] == "This was already done. No money was moved again."
    assert LedgerEntry.objects.filter(kind="refund").count() == 1


def test_part_is_refunded(finance: Client, requests: list[ReturnRequest]) -> None:
    finance.post(act("approve", requests[0]), {"reason": "half", "amount": "12.50"})

    assert LedgerEntry.objects.get(kind="refund").amount_cents == 1_250
    assert Assignment.objects.get(pk=requests[0].assignment_id).state == "sold"


def test_part_that_is_all_that_is_left_takes_the_lead_back(
    finance: Client, requests: list[ReturnRequest]
) -> None:
    finance.post(act("approve", requests[0]), {"reason": "all of it", "amount": "25.00"})

    requests[0].refresh_from_db()
    assert (requests[0].is_full, requests[0].refund_cents) == (True, 2_500)
    assert Assignment.objects.get(pk=requests[0].assignment_id).state == "returned"


def test_pages_say_what_is_left_of_the_charge(finance: Client, requests: list[ReturnRequest]) -> None:
    """$10.00 were refunded. A request for the other $15.00 takes the lead back, and the page says so."""
    sold = Assignment.objects.select_related("buyer").get(pk=requests[0].assignment_id)
    ReturnRequest.objects.filter(pk=requests[0].pk).update(asked_cents=1_500)
    refund_part(sold, 1_000)
    returning = reverse("admin:distribution_assignment_return", args=[sold.pk])

    assert f"{sold.buyer} gets $15.00 back" in finance.get(returning).content.decode()
    shown = finance.get(act("approve", requests[0])).content.decode()
    assert "1 return will be approved: $15.00 is refunded. 1 lead is taken back." in shown

    answer = finance.post(returning, {"reason": "agreed by phone"})

    assert messages_of(answer)[0].startswith(f"$15.00 was refunded to {sold.buyer}.")


@pytest.mark.parametrize("amount", ["30", "0", "-1", "x"])
def test_wrong_amount_is_refused(finance: Client, requests: list[ReturnRequest], amount: str) -> None:
    answer = finance.post(act("approve", requests[0]), {"reason": "too much", "amount": amount})

    assert answer.status_code == 400
    assert states() == ["requested"] * 3
    assert not LedgerEntry.objects.filter(kind="refund").exists()


def test_decline_says_why(finance: Client, requests: list[ReturnRequest]) -> None:
    finance.post(act("decline", requests[1]), {"reason": "the number rings"})

    assert states() == ["requested", "declined", "requested"]
    assert ReturnRequest.objects.get(pk=requests[1].pk).decision_reason == "the number rings"


def test_many_are_approved_together(finance: Client, requests: list[ReturnRequest]) -> None:
    finance.post(act("decline", requests[0]), {"reason": "no"})
    chosen = {"action": "approve_returns", "_selected_action": [each.pk for each in requests]}
    url = finance.post(page(ReturnRequest, "changelist"), chosen)["Location"]
    assert "2 returns will be approved: $50.00 is refunded." in finance.get(url).content.decode()

    answer = finance.post(url, {"reason": "agreed by phone"})

    assert states() == ["declined", "approved", "approved"]
    first, second = messages_of(answer)[-2:]
    assert first == "2 returns approved and refunded."
    assert second.endswith("it is already declined; nothing was changed")


def test_keys_are_on_the_buttons(finance: Client, requests: list[ReturnRequest]) -> None:
    text = finance.get(page(ReturnRequest, "change", requests[0].pk)).content.decode()

    assert [key for key in "adjk" if f'data-key="{key}"' in text] == list("adjk")
    assert "3 of 3 leads sold from" in text


def test_next_and_previous_are_by_age(finance: Client, requests: list[ReturnRequest]) -> None:
    first, second, third = requests
    url = reverse("admin:distribution_returnrequest_next")

    assert finance.get(url)["Location"] == page(ReturnRequest, "change", first.pk)
    assert finance.get(f"{url}?after={first.pk}")["Location"] == page(ReturnRequest, "change", second.pk)
    assert finance.get(f"{url}?before={third.pk}")["Location"] == page(ReturnRequest, "change", second.pk)
    last = finance.get(f"{url}?after={third.pk}")
    assert last["Location"] == page(ReturnRequest, "changelist")
    assert messages_of(last) == ["No other return waits for review."]


def test_file_is_an_attachment_that_no_page_shows(finance: Client, requests: list[ReturnRequest]) -> None:
    file = ReturnFile.objects.get()
    url = reverse("admin:distribution_returnrequest_file", args=[requests[0].pk, file.public_id])

    answer = finance.get(url)

    assert answer.content == b"<script>not in service</script>"
    assert answer["Content-Disposition"] == 'attachment; filename="call.txt"'
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["X-Content-Type-Options"] == "nosniff"
    elsewhere = reverse("admin:distribution_returnrequest_file", args=[requests[1].pk, file.public_id])
    assert finance.get(elsewhere).status_code == 404
    assert client_of(person("finance")).get(url).status_code == 404


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_decisions_are_for_finance(role: str, requests: list[ReturnRequest]) -> None:
    client = client_of(person(role, requests[0].buyer.workspace))

    for name in ("approve", "decline"):
        assert client.post(act(name, requests[0]), {"reason": "x"}).status_code == 403
    text = client.get(page(ReturnRequest, "change", requests[0].pk)).content.decode()
    assert 'data-key="a"' not in text
    assert states() == ["requested"] * 3


def test_figures_compare_buyers(finance: Client, requests: list[ReturnRequest]) -> None:
    ReturnPolicy.objects.update(limit_basis="leads", limit_value=4)

    text = finance.get(reverse("admin:distribution_returnrequest_figures")).content.decode()

    assert requests[0].buyer.name in text
    assert "100.0%" in text
    assert "1 lead<" in text
    assert (
        requests[0].buyer.name
        not in client_of(person("finance"))
        .get(reverse("admin:distribution_returnrequest_figures"))
        .content.decode()
    )


def test_policy_is_added_with_checked_reasons(finance: Client, requests: list[ReturnRequest]) -> None:
    ReturnPolicy.objects.all().delete()
    fields = {
        "workspace": requests[0].buyer.workspace_id,
        "active": "on",
        "window_hours": "48",
        "reasons": ["fake", "bad_phone"],
        "evidence": "none",
        "limit_basis": "leads_percent",
        "limit_value": "10",
        "limit_period": "month",
        "automatic_reasons": ["test"],
    }

    refused = finance.post(page(ReturnPolicy, "add"), fields)
    assert "Not an accepted reason: test entry." in refused.content.decode()
    answer = finance.post(page(ReturnPolicy, "add"), {**fields, "automatic_reasons": ["fake"]})

    assert answer.status_code == 302
    policy = ReturnPolicy.objects.get()
    assert (policy.reasons, policy.automatic_reasons) == (["fake", "bad_phone"], ["fake"])
