"""Two people send one form at once: one makes the change, the other reads that. The audit log has both facts right."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from io import StringIO
from pathlib import Path
from threading import Barrier
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, LedgerEntry, Wallet
from distribution.money.by_hand import set_credit_limit_by_hand, top_up_by_hand
from distribution.returns import by_hand, held
from distribution.returns.by_hand import return_by_hand
from leadswitch.login.second_factor import turn_off
from routing.access.api_keys import Author, IssuedKey, KeyRefused, rotate
from routing.models import Lead, SourceKey
from tests.support.blocking import holding
from tests.support.factories import CampaignFactory, LeadFactory, SourceFactory, enroll, issue_key
from tests.support.race_leads import assert_verified
from tests.support.racing import in_background, race
from tests.support.waiting import LONGEST_SECONDS, wait_until, wait_until_blocked
from tracing.models import AuditEntry

pytestmark = pytest.mark.usefixtures("committed_db", "redis_client")

Result = TypeVar("Result")
HOLD_LEADS = "SELECT 1 FROM routing_lead FOR UPDATE"
HOLD_WALLETS = "SELECT 1 FROM distribution_wallet FOR UPDATE"
HOLD_KEYS = "SELECT 1 FROM routing_sourcekey FOR UPDATE"
HOLD_USERS = "SELECT 1 FROM auth_user FOR UPDATE"


def at_once(calls: list[Callable[[], Result]], *, hold: str) -> list[Result]:
    """Let the calls run until each waits for a lock, and then release them."""
    with holding(hold) as other, in_background(partial(race, calls)) as results:
        wait_until_blocked(other, sessions=len(calls))
        other.rollback()
    return results.result()


@pytest.fixture
def assignment() -> Assignment:
    campaign = CampaignFactory(price_cents=1_000)
    enroll(campaign, count=1, credits_cents=10_000)
    lead = LeadFactory(source=SourceFactory(workspace=campaign.workspace))
    assert distribute_lead(lead.pk).result == "success"
    return Assignment.objects.select_related("buyer").get()


def take_back(assignment: Assignment, actor: str) -> bool:
    return return_by_hand(assignment, actor=actor, reason="wrong number", at=timezone.now())


def test_one_of_two_return_forms_returns_the_lead(assignment: Assignment) -> None:
    outcomes = at_once(
        [partial(take_back, assignment, "ann"), partial(take_back, assignment, "ben")], hold=HOLD_LEADS
    )

    assert sorted(outcomes) == [False, True]
    entry = AuditEntry.objects.get(action="return")
    assert entry.actor == ["ann", "ben"][outcomes.index(True)]
    assert LedgerEntry.objects.filter(kind="refund").count() == 1
    assert_verified()


def test_control_without_the_locks_the_database_refuses_the_second_return(
    assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both read a lead that is sold, and both take it back."""
    both_have_read = Barrier(2)
    find_or_open = by_hand._find_or_open

    def wait_and_open(*arguments: Any, **named: Any) -> Any:
        both_have_read.wait(LONGEST_SECONDS)
        return find_or_open(*arguments, **named)

    monkeypatch.setattr(by_hand, "_find_or_open", wait_and_open)
    for name in ("wait_for_lead", "lock_for_return", "wait_for_wallet"):
        monkeypatch.setattr(held, name, lambda *_, **__: None)

    with pytest.raises(IntegrityError, match="return_one_full_each"):
        race([partial(take_back, assignment, "ann"), partial(take_back, assignment, "ben")])


def test_late_form_shows_who_returned_the_lead(assignment: Assignment) -> None:
    take_back(assignment, "ann")
    client = Client()
    client.force_login(User.objects.create_superuser("ben"))
    url = reverse("admin:distribution_assignment_return", args=[assignment.pk])

    answer = client.post(url, {"reason": "wrong number", "confirmed": "yes"})

    [message] = [str(each) for each in get_messages(answer.wsgi_request)]
    assert message.startswith(
        "This sale was already returned. No money was moved again. Last entry in the audit log: return by ann at"
    )


def test_each_of_two_new_limits_is_reported_with_its_own_change() -> None:
    enroll(CampaignFactory(), count=1)
    wallet = Wallet.objects.select_related("buyer").get()
    calls = [
        partial(set_credit_limit_by_hand, wallet, limit_cents=cents, actor="ann", reason="a good buyer")
        for cents in (5_000, 7_000)
    ]
    at_once(calls, hold=HOLD_WALLETS)

    first, second = AuditEntry.objects.filter(action="credit limit").order_by("pk")
    assert first.before == {"credit_limit_cents": 0}
    assert second.before == first.after


def test_setup_file_does_not_claim_the_top_up_of_an_operator(tmp_path: Path) -> None:
    """A person tops up the wallet while the file raises its limit."""
    [enrollment] = enroll(CampaignFactory(), count=1)
    buyer = enrollment.buyer
    file = tmp_path / "setup.yaml"
    file.write_text(
        f"workspace: {{slug: {buyer.workspace.slug}, name: {buyer.workspace.name}}}\n"
        f"buyers: [{{name: {buyer.name}, credit_limit_dollars: 50}}]\n"
    )
    wallet = Wallet.objects.get()

    def move() -> None:
        with transaction.atomic():
            top_up_by_hand(wallet, amount_cents=700, token=uuid4(), actor="ann", reason="paid")
            wait_until_blocked(connection)

    with in_background(move):
        wait_until(lambda: not is_free(wallet), what="the lock of the wallet")
        call_command("setup", str(file), stdout=StringIO())

    entry = AuditEntry.objects.get(reason="setup file", model="distribution.wallet")
    assert (entry.before, entry.after) == ({"credit_limit_cents": 0}, {"credit_limit_cents": 5_000})
    assert Wallet.objects.get().balance_cents == 700


def is_free(wallet: Wallet) -> bool:
    with transaction.atomic():
        return Wallet.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=wallet.pk).exists()


def rotate_or_say(key: SourceKey) -> IssuedKey | str:
    try:
        return rotate(key, overlap=timedelta(hours=1), at=timezone.now(), by=Author("ann"))
    except KeyRefused as refusal:
        return str(refusal)


def test_one_of_two_rotations_gets_the_new_key() -> None:
    issue_key(SourceFactory())
    keys = [SourceKey.objects.get(), SourceKey.objects.get()]

    outcomes = at_once([partial(rotate_or_say, key) for key in keys], hold=HOLD_KEYS)

    [refusal] = [each for each in outcomes if isinstance(each, str)]
    assert "was changed at the same time" in refusal
    assert SourceKey.objects.count() == 2
    assert AuditEntry.objects.filter(action="rotated").count() == 1


def test_one_of_two_second_factor_resets_is_audited() -> None:
    user = User.objects.create_user("ada")
    TOTPDevice.objects.create(user=user, name="app")

    at_once([partial(turn_off, user)] * 2, hold=HOLD_USERS)

    assert AuditEntry.objects.filter(action="second_factor_off").count() == 1


def test_already_canceled_lead_is_reported() -> None:
    """Both opened the page while the lead was waiting, and the second form carries no state."""
    lead = LeadFactory()
    clients = [Client(), Client()]
    for client, name in zip(clients, ("ann", "ben"), strict=True):
        client.force_login(User.objects.create_superuser(name))
    url = f"{reverse('admin:routing_lead_act', args=['cancel'])}?ids={lead.pk}"

    def cancel(client: Client) -> list[str]:
        answer = client.post(url, {"reason": "by request", "confirmed": "yes", "seen": ""})
        return [str(each) for each in get_messages(answer.wsgi_request)]

    texts = at_once([partial(cancel, client) for client in clients], hold=HOLD_LEADS)

    assert Lead.objects.get().status == "cancelled"
    assert AuditEntry.objects.filter(action="cancel").count() == 1
    assert sorted(text.split(": ")[-1] for [text] in texts) == [
        "canceled.",
        "nothing to change",
    ]
