"""The threads of a deliverer: none holds up another, and the process ends loudly without one of them."""

import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from distribution.attempts.distribute import distribute_lead
from distribution.deliveries import request_pool
from distribution.deliveries.ends import NO_THREAD
from distribution.models import Deliverer as DelivererRow
from distribution.models import Delivery, DeliveryTry
from tests.support.buyer_system import BuyerSystem, Reply, buyer_system
from tests.support.deliverer_here import delivering
from tests.support.delivering import sign
from tests.support.factories import (
    CampaignFactory,
    DeliveryFactory,
    EndpointFactory,
    EnrollmentFactory,
    LeadFactory,
)
from tests.support.mail_server import Mailbox, mail_server
from tests.support.processes import logged
from tests.support.waiting import LONGEST_SECONDS, wait_until

pytestmark = pytest.mark.usefixtures("committed_db")


def count(state: str) -> int:
    return Delivery.objects.filter(state=state).count()


def reject_a_direct_post(system: BuyerSystem) -> int:
    """Returns the lead, which is due for its next attempt once the answer is written."""
    system.answer_with(Reply(422))
    campaign = CampaignFactory(sells_on="acceptance", mode="priority", price_cents=2_500)
    enrollment = EnrollmentFactory(campaign=campaign, buyer__credits_cents=10_000)
    sign(EndpointFactory(buyer=enrollment.buyer, url=system.url))
    lead = LeadFactory(source__workspace=campaign.workspace)
    distribute_lead(lead.pk)
    return int(lead.pk)


def test_results_are_written_while_a_next_attempt_waits(
    settings: Any, tmp_path: Path, system: BuyerSystem
) -> None:
    begun, released, asked = threading.Event(), threading.Event(), []

    def distribute(lead_id: int) -> None:
        asked.append(lead_id)
        begun.set()
        released.wait(LONGEST_SECONDS)

    with buyer_system() as other, delivering(settings, tmp_path, distribute=distribute):
        lead_id = reject_a_direct_post(system)
        assert begun.wait(LONGEST_SECONDS)
        assert (asked, count("rejected")) == ([lead_id], 1)
        endpoint = EndpointFactory(url=other.url)
        sign(endpoint)
        DeliveryFactory(endpoint=endpoint)
        try:
            wait_until(lambda: count("accepted") == 1, what="the result of another buyer")
        finally:
            released.set()


def test_results_are_written_while_the_mail_about_an_endpoint_waits(
    settings: Any, tmp_path: Path, system: BuyerSystem
) -> None:
    settings.LEADSWITCH_DIGEST_RECIPIENTS = ("ops@example.com",)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_TIMEOUT = 2 * LONGEST_SECONDS
    system.answer_with(Reply(410), Reply(200))
    gone, fine = EndpointFactory(url=system.url), EndpointFactory(url=system.url)
    sign(gone)
    sign(fine)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.EMAIL_HOST, settings.EMAIL_PORT = silent.getsockname()
        DeliveryFactory(endpoint=gone)
        with delivering(settings, tmp_path, distribute=distribute_lead):
            wait_until(lambda: count("rejected") == 1, what="the answer 410")
            DeliveryFactory(endpoint=fine)
            wait_until(lambda: count("accepted") == 1, what="the result of another buyer")


def test_agency_gets_a_mail_about_a_disabled_endpoint(
    settings: Any, tmp_path: Path, system: BuyerSystem
) -> None:
    settings.LEADSWITCH_DIGEST_RECIPIENTS = ("ops@example.com",)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    system.answer_with(Reply(410))
    endpoint = EndpointFactory(url=system.url, name="CRM")
    sign(endpoint)
    box = Mailbox()
    with mail_server(box) as port:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        DeliveryFactory(endpoint=endpoint)
        with delivering(settings, tmp_path, distribute=distribute_lead):
            wait_until(lambda: bool(box.mails), what="the mail")
    [(address, message)] = box.mails
    assert (address, message["subject"]) == (
        "ops@example.com",
        f"LeadSwitch disabled an endpoint of {endpoint.buyer.name}",
    )


def test_message_that_waited_too_long_for_a_thread_is_not_sent(
    settings: Any, tmp_path: Path, system: BuyerSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its request might end after its lease, and another try would send it as well."""
    monkeypatch.setattr(request_pool, "LONGEST_QUEUED_SECONDS", -1.0)
    endpoint = EndpointFactory(url=system.url)
    sign(endpoint)
    DeliveryFactory(endpoint=endpoint)
    with delivering(settings, tmp_path, distribute=distribute_lead):
        wait_until(lambda: DeliveryTry.objects.exclude(outcome="").exists(), what="the first result")
    assert set(DeliveryTry.objects.exclude(outcome="").values_list("outcome", "error")) == {
        ("not_sent", NO_THREAD)
    }
    assert system.asked == []
    endpoint.refresh_from_db(fields=["failing_since"])
    assert endpoint.failing_since is None, "the deliverer is at its limit, not the buyer"


@pytest.mark.parametrize("name", ["recorder", "next-attempts", "request-", "listener"])
def test_deliverer_ends_when_one_of_its_threads_has_died(
    tmp_path: Path, system: BuyerSystem, name: str
) -> None:
    """It would claim messages and end none, or wake for none, with the heartbeat of a healthy process."""
    environment = {
        "LEADSWITCH_OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8",
        "LEADSWITCH_VAR_DIR": str(tmp_path),
        "LEADSWITCH_DELIVERER_THREADS": "2",
    }
    log = tmp_path / "deliverer.log"
    with logged(log, "-m", "tests.support.wounded_deliverer", name, **environment) as wounded:
        reject_a_direct_post(system)
        assert wounded.process.wait(LONGEST_SECONDS) == 1
    assert "deliveries.thread_died" in log.read_text()
    assert f"The thread {name}" in log.read_text()
    assert not DelivererRow.objects.exists()
