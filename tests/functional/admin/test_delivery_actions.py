"""Deliveries are decided or sent again, one or many, after a page that says what happens. Refused ones are counted."""

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from distribution.admin.delivery_actions import MAX_AT_ONCE, act_url, explain_refusal
from distribution.attempts.distribute import distribute_lead
from distribution.deliveries.by_hand import ResolutionRefused, resolve
from distribution.deliveries.settling import ACCEPTED_LATE
from distribution.models import Assignment, Delivery, DeliveryState, Endpoint
from tests.support.admin_pages import client_of, page, person
from tests.support.factories import DeliveryFactory, EndpointFactory
from tests.support.holds import CREDITS_CENTS, PRICE_CENTS, asking_campaign, lead_of, money_of
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db
REASON = {"reason": "the buyer's system was down"}


@pytest.fixture
def endpoint() -> Endpoint:
    made: Endpoint = EndpointFactory(name="CRM", buyer__name="Peachtree Roofing")
    return made


@pytest.fixture
def operator(endpoint: Endpoint) -> Client:
    return client_of(person("operator", endpoint.buyer.workspace))


def make(endpoint: Endpoint, state: str, **columns: Any) -> Delivery:
    """A delivery in that state, with the times that it needs."""
    now = timezone.now()
    times = {"next_try_at": now if state == "pending" else None}
    if state == "posting":
        times["leased_until"] = now
    if state in ("accepted", "rejected", "cancelled"):
        times["ended_at"] = now
    row: Delivery = DeliveryFactory(endpoint=endpoint, state=state, **{**times, **columns})
    return row


def choose(client: Client, name: str, *rows: Delivery) -> str:
    data = {"action": f"{name}_deliveries", "_selected_action": [row.pk for row in rows]}
    url: str = client.post(page(Delivery, "changelist"), data)["Location"]
    return url


def messages_of(answer: Any) -> list[str]:
    return [str(each) for each in get_messages(answer.wsgi_request)]


def states() -> list[str]:
    return list(Delivery.objects.order_by("pk").values_list("state", flat=True))


def test_many_are_sent_again_and_refused_ones_are_counted_by_reason(
    operator: Client, endpoint: Endpoint
) -> None:
    rows = [make(endpoint, state) for state in ("unknown", "rejected", "posting", "posting")]
    url = choose(operator, "resend", *rows)
    shown = operator.get(url).content.decode()
    assert "2 deliveries will be sent again to the same endpoint as soon as possible." in shown
    assert "1 delivery has already ended: the buyer gets a new message" in shown
    assert "2 will not change:" in shown
    assert shown.count("it is being sent") == 2
    assert states() == ["unknown", "rejected", "posting", "posting"]
    assert operator.post(url, {"reason": ""}).status_code == 400

    answer = operator.post(url, REASON)

    assert answer["Location"] == page(Delivery, "changelist")
    done, refused = messages_of(answer)
    assert done == "2 deliveries are sent again."
    assert refused.startswith("2 deliveries were refused: it is being sent right now")
    assert states() == ["pending", "rejected", "posting", "posting", "pending"]
    assert Delivery.objects.latest("pk").message_id != rows[1].message_id
    entries = AuditEntry.objects.filter(action="sent again").order_by("object_id")
    assert [(entry.object_id, entry.reason) for entry in entries] == [
        (str(row.pk), REASON["reason"]) for row in rows[:2]
    ]


@pytest.mark.parametrize("decision", ["accepted", "rejected"])
def test_many_are_decided_together(operator: Client, endpoint: Endpoint, decision: str) -> None:
    rows = [make(endpoint, "unknown"), make(endpoint, "unknown"), make(endpoint, "cancelled")]

    answer = operator.post(choose(operator, decision, *rows), REASON)

    assert states() == [decision, decision, "cancelled"]
    done, refused = messages_of(answer)
    assert done == f"2 deliveries are {decision}."
    assert refused == ("1 delivery was refused: it no longer waits for a decision: it is canceled.")


def test_one_that_is_refused_says_why_on_its_page(operator: Client, endpoint: Endpoint) -> None:
    row = make(endpoint, "unknown")
    url = act_url("accepted", row.pk)
    operator.get(url)
    Delivery.objects.filter(pk=row.pk).update(state="rejected", ended_at=timezone.now())

    answer = operator.post(url, REASON)

    assert answer.status_code == 400
    [problem] = answer.context["form"].non_field_errors()
    assert problem == "Nothing was changed: it no longer waits for a decision: it is rejected."
    assert not AuditEntry.objects.exists()


@pytest.fixture
def unknown_post() -> Delivery:
    """A direct post for $25.00 whose outcome is not known."""
    lead = lead_of(asking_campaign(buyers=1), at=timezone.now())
    assert distribute_lead(lead.pk).result == "posting"
    Delivery.objects.update(state="unknown", next_try_at=None)
    return Delivery.objects.get()


def operator_of(row: Delivery) -> Client:
    return client_of(person("operator", row.endpoint.buyer.workspace))


@pytest.mark.parametrize(("charge", "cents"), [("20.00", 2_000), ("", PRICE_CENTS), ("0", 0)])
def test_accepted_direct_post_costs_what_was_agreed_on(
    unknown_post: Delivery, charge: str, cents: int
) -> None:
    client, url = operator_of(unknown_post), act_url("accepted", unknown_post.pk)
    assert "less than $25.00, which is held" in client.get(url).content.decode()

    client.post(url, {**REASON, "charge": charge})

    sale = Assignment.objects.get()
    assert (sale.state, sale.price_cents) == ("sold", cents)
    assert money_of(sale.buyer_id) == (CREDITS_CENTS - cents, 0)


def test_more_than_is_held_is_not_charged(unknown_post: Delivery) -> None:
    answer = operator_of(unknown_post).post(
        act_url("accepted", unknown_post.pk), {**REASON, "charge": "25.01"}
    )

    assert answer.context["form"].errors["charge"] == [
        "Only $25.00 is held. Enter at most this amount, or leave it blank."
    ]
    assert Assignment.objects.get().state == "held"
    with pytest.raises(ResolutionRefused, match=r"\$25\.01 cannot be charged: \$25\.00 is held"):
        resolve(
            unknown_post.pk,
            state=DeliveryState.ACCEPTED,
            at=timezone.now(),
            actor="ann",
            reason="agreed",
            charge_cents=2_501,
        )
    assert (Assignment.objects.get().state, states()) == ("held", ["unknown"])


def test_price_is_asked_only_for_one_accepted_direct_post(
    unknown_post: Delivery, operator: Client, endpoint: Endpoint
) -> None:
    client = operator_of(unknown_post)
    assert "Charge ($)" not in client.get(act_url("rejected", unknown_post.pk)).content.decode()
    other = make(endpoint, "unknown")
    assert "Charge ($)" not in operator.get(act_url("accepted", other.pk)).content.decode()


def test_late_acceptance_is_marked_as_settled_once(operator: Client, endpoint: Endpoint) -> None:
    late = make(endpoint, "rejected", end_reason=ACCEPTED_LATE)
    url = act_url("settled", late.pk)
    assert url in operator.get(page(Delivery, "change", late.pk)).content.decode()
    assert "manage.py verify no longer reports it" in operator.get(url).content.decode()

    answer = operator.post(url, REASON)

    assert messages_of(answer) == ["1 delivery is settled."]
    late.refresh_from_db()
    assert (late.state, late.settled_at is None) == ("rejected", False)
    assert list(AuditEntry.objects.values_list("action", "reason")) == [("settled", REASON["reason"])]
    assert url not in operator.get(page(Delivery, "change", late.pk)).content.decode()
    assert operator.post(url, REASON).status_code == 400


def test_new_message_is_shown_after_one_with_an_end_is_sent_again(
    operator: Client, endpoint: Endpoint
) -> None:
    old = make(endpoint, "accepted")

    answer = operator.post(act_url("resend", old.pk), REASON)

    new = Delivery.objects.exclude(pk=old.pk).get()
    assert answer["Location"] == page(Delivery, "change", new.pk)
    assert messages_of(answer) == ["1 delivery is sent again. This page shows the new message."]


def test_same_message_stays_on_its_page(operator: Client, endpoint: Endpoint) -> None:
    row = make(endpoint, "unknown")

    answer = operator.post(act_url("resend", row.pk), REASON)

    assert answer["Location"] == page(Delivery, "change", row.pk)
    assert messages_of(answer) == ["1 delivery is sent again."]


def test_direct_post_with_an_end_says_why_it_is_not_sent_again() -> None:
    ended = Delivery(state="accepted", is_direct_post=True)

    assert explain_refusal("resend", ended) == "it is accepted, and its answer decided about the sale"
    assert explain_refusal("accepted", ended) == "it is accepted"


def test_nothing_to_do_has_no_form(operator: Client, endpoint: Endpoint) -> None:
    shown = operator.get(act_url("accepted", make(endpoint, "accepted").pk)).content.decode()

    assert "Nothing to do." in shown
    assert 'name="reason"' not in shown


def test_filters_of_the_list_are_kept(operator: Client, endpoint: Endpoint) -> None:
    row = make(endpoint, "unknown")
    listed = f"{page(Delivery, 'changelist')}?state=unknown"
    data = {"action": "resend_deliveries", "_selected_action": [row.pk]}

    url = operator.post(listed, data)["Location"]

    assert "_changelist_filters=state%3Dunknown" in url
    assert f'href="{page(Delivery, "change", row.pk)}?_changelist_filters=state%3Dunknown"' in (
        operator.get(url).content.decode()
    )


def test_too_many_at_once_are_refused(operator: Client, endpoint: Endpoint) -> None:
    rows = DeliveryFactory.create_batch(MAX_AT_ONCE + 1, endpoint=endpoint)
    operator.get(page(Delivery, "changelist"))

    ids = [row.pk for row in rows]
    assert operator.get(act_url("resend", *ids)).status_code == 404
    assert operator.get(act_url("resend", *ids[1:])).status_code == 200


@pytest.mark.parametrize("ids", ["", "x", "1,", "999999999", "1" * 40])
def test_invalid_ids_are_not_found(operator: Client, ids: str) -> None:
    assert operator.get(f"{act_url('resend')}{ids}").status_code == 404


def test_foreign_delivery_among_own_ones_is_not_found(operator: Client, endpoint: Endpoint) -> None:
    own, foreign = make(endpoint, "unknown"), make(EndpointFactory(), "unknown")
    url = act_url("accepted", own.pk, foreign.pk)

    assert [operator.get(url).status_code, operator.post(url, REASON).status_code] == [404, 404]
    assert states() == ["unknown", "unknown"]


@pytest.mark.parametrize("role", ["viewer", "finance"])
def test_others_have_no_actions(endpoint: Endpoint, role: str) -> None:
    client, row = client_of(person(role, endpoint.buyer.workspace)), make(endpoint, "unknown")

    assert b'name="action"' not in client.get(page(Delivery, "changelist")).content
    assert client.get(page(Delivery, "change", row.pk)).context["action_buttons"] == []
    assert client.post(act_url("accepted", row.pk), REASON).status_code == 403
    assert states() == ["unknown"]


def test_second_click_sends_no_second_message(operator: Client, endpoint: Endpoint) -> None:
    delivery = make(endpoint, "accepted")
    url = act_url("resend", delivery.pk)
    form = {"seen": operator.get(url).context["form"].initial["seen"], **REASON}
    answers = [operator.post(url, form).status_code for _ in range(2)]
    assert (answers, states()) == ([302, 400], ["accepted", "pending"])


def test_message_that_was_sent_again_and_has_no_end_is_not_sent_once_more(
    operator: Client, endpoint: Endpoint
) -> None:
    delivery = make(endpoint, "accepted")
    url = act_url("resend", delivery.pk)
    assert operator.post(url, REASON).status_code == 302
    shown = operator.post(url, REASON)
    assert "it was sent again already, and that message has no end yet" in shown.content.decode()
    assert (shown.status_code, states()) == (400, ["accepted", "pending"])


def test_two_messages_of_the_same_lead_are_sent_again_once(operator: Client, endpoint: Endpoint) -> None:
    first = make(endpoint, "accepted")
    second = make(endpoint, "accepted", lead=first.lead)
    url = choose(operator, "resend", first, second)
    done, refused = messages_of(operator.post(url, REASON))
    assert done == "1 delivery is sent again."
    assert "it was sent again after you opened this page" in refused
    assert states() == ["accepted", "accepted", "pending"]
