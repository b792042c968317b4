"""The answer to "why didn't this buyer get that lead" in every case."""

import pytest
from django.utils import timezone

from distribution.explain.lead import explain
from distribution.models import Buyer
from routing.models import Lead
from tests.support.distributed import MONDAY, distributed, lead_for, rerun
from tests.support.factories import (
    BuyerFactory,
    CampaignFactory,
    EnrollmentFactory,
    LeadFactory,
    enroll,
    give_credits,
)

pytestmark = pytest.mark.django_db


class TestWhyNotThisBuyer:
    def ask(self, lead: Lead, buyer: Buyer) -> tuple[bool, str, list[tuple[str, str]]]:
        answer = explain(lead, buyer=buyer).answer
        assert answer is not None
        return answer.got_it, answer.sentence, [(each.sentence, each.change) for each in answer.attempts]

    def test_buyer_got_the_lead(self) -> None:
        campaign = CampaignFactory()
        enrollment = EnrollmentFactory(campaign=campaign, buyer__name="Acme", buyer__credits_cents=10_000)
        lead = distributed(lead_for(campaign))

        got_it, sentence, attempts = self.ask(lead, enrollment.buyer)

        assert got_it
        assert sentence.startswith("Acme got this lead. Sold to Acme for $25.00 at ")
        assert attempts == [("Acme: selected, rank 1, for $25.00.", "")]

    def test_failed_gate_is_explained(self) -> None:
        campaign = CampaignFactory()
        enrollment = EnrollmentFactory(campaign=campaign, buyer__name="Acme", active=False)
        lead = distributed(lead_for(campaign))

        assert self.ask(lead, enrollment.buyer) == (
            False,
            "Acme did not get this lead. Acme: its enrollment is paused: its agency paused it. "
            "Also failed: its balance is too low.",
            [
                (
                    "Acme: its enrollment is paused: its agency paused it. Also failed: its balance is too low.",
                    "resume the enrollment; top up $25.00",
                )
            ],
        )

    def test_buyer_is_not_enrolled(self) -> None:
        campaign = CampaignFactory(name="Roofing Atlanta")
        enroll(campaign, count=1, credits_cents=10_000)
        buyer = BuyerFactory(workspace=campaign.workspace, name="Acme")
        lead = distributed(lead_for(campaign))

        assert self.ask(lead, buyer) == (
            False,
            "Acme did not get this lead. Acme was not enrolled in Roofing Atlanta (configuration 3).",
            [
                (
                    "Acme was not enrolled in Roofing Atlanta (configuration 3).",
                    "enroll Acme in Roofing Atlanta",
                )
            ],
        )

    def test_buyer_was_enrolled_later(self) -> None:
        campaign = CampaignFactory()
        enroll(campaign, count=1)
        buyer = BuyerFactory(workspace=campaign.workspace)
        lead = distributed(lead_for(campaign))
        EnrollmentFactory(campaign=campaign, buyer=buyer)

        (_, change) = self.ask(lead, buyer)[2][0]
        assert change == "nothing: it is enrolled now, so the next attempt includes it"

    def test_buyer_belongs_to_another_workspace(self) -> None:
        campaign = CampaignFactory(workspace__name="North")
        lead = distributed(lead_for(campaign))
        buyer = BuyerFactory(name="Acme", workspace__name="South")

        assert self.ask(lead, buyer) == (
            False,
            "Acme is in the workspace South, and the lead is in North. "
            "A lead is only offered to buyers of its own workspace.",
            [],
        )

    def test_no_attempt_was_made_yet(self) -> None:
        campaign = CampaignFactory()
        buyer = BuyerFactory(workspace=campaign.workspace, name="Acme")

        assert self.ask(lead_for(campaign), buyer) == (
            False,
            "Acme has not been considered: no attempt has been made yet.",
            [],
        )

    def test_lead_was_canceled_before_any_attempt(self) -> None:
        now = timezone.now()
        lead = LeadFactory(status="cancelled", next_attempt_at=None, finished_at=now, received_at=now)
        buyer = BuyerFactory(workspace=lead.workspace, name="Acme")

        assert self.ask(lead, buyer)[1] == "Acme did not get this lead: it ended before any attempt was made."

    def test_no_campaign_took_the_lead(self) -> None:
        campaign = CampaignFactory(vertical="solar")
        buyer = BuyerFactory(workspace=campaign.workspace, name="Acme")
        lead = distributed(lead_for(campaign, vertical="roofing"))

        sentence = "No campaign took the lead: No active campaign takes this vertical and source."
        change = "add or activate a campaign that takes its vertical and source"
        assert self.ask(lead, buyer) == (
            False,
            f"Acme did not get this lead. {sentence}",
            [(sentence, change)],
        )

    def test_closed_campaign_is_explained_without_buyers(self) -> None:
        campaign = CampaignFactory(name="Daytime", schedule={"tue": [["09:00", "17:00"]]})
        enroll(campaign, count=1)
        buyer = BuyerFactory(workspace=campaign.workspace, name="Acme")
        lead = distributed(lead_for(campaign, received_at=MONDAY), at=MONDAY)

        (sentence, change) = self.ask(lead, buyer)[2][0]
        assert sentence == (
            "Daytime took the lead, but no buyer was considered: The campaign is outside its hours. "
            "Acme is not enrolled in Daytime either."
        )
        assert change.startswith("wait until the campaign opens")

    def test_each_attempt_has_its_own_answer(self) -> None:
        campaign = CampaignFactory()
        enrollment = EnrollmentFactory(campaign=campaign, buyer__name="Acme")
        lead = distributed(lead_for(campaign))
        give_credits(enrollment.buyer, amount_cents=10_000)
        rerun(lead)
        lead = distributed(lead)

        got_it, _, attempts = self.ask(lead, enrollment.buyer)

        assert got_it
        assert [sentence for sentence, _ in attempts] == [
            "Acme: its balance is too low: the price is $25.00, and only $0.00 is available.",
            "Acme: selected, rank 1, for $25.00.",
        ]

    def test_attempts_are_shown_without_the_other_buyers(self) -> None:
        campaign = CampaignFactory()
        enrollment, *_ = enroll(campaign, count=4)
        lead = distributed(lead_for(campaign))

        (attempt,) = explain(lead, buyer=enrollment.buyer).attempts

        assert [row.buyer.public_id for row in attempt.buyers] == [enrollment.buyer.public_id]
        assert [step.seq for step in attempt.steps] == [1, 2, 3, 4, 9]
