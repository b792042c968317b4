"""The names of events, and the triggers that keep a subscription with its owner."""

from typing import Final

import pgtrigger
from django.db import models


class EventKind(models.TextChoices):
    """Names are permanent, because subscribers' programs and rows contain them."""

    LEAD_SOLD = "lead.sold", "lead.sold: a lead was sold"
    LEAD_UNSOLD = "lead.unsold", "lead.unsold: a lead ended without a sale"
    LEAD_RETURNED = "lead.returned", "lead.returned: a sold lead was returned"
    LEAD_STATUS_CHANGED = "lead.status_changed", "lead.status_changed: a lead has another status"
    ASSIGNMENT_DELIVERED = "assignment.delivered", "assignment.delivered: a buyer's system accepted a lead"
    ASSIGNMENT_REJECTED = "assignment.rejected", "assignment.rejected: a buyer's system rejected a lead"
    WALLET_LOW = "wallet.low", "wallet.low: a wallet fell below its limit for a notice"
    WALLET_RECHARGE_FAILED = (
        "wallet.recharge_failed",
        "wallet.recharge_failed: the automatic recharge of a wallet was paused",
    )
    CAP_REACHED = (
        "cap.reached",
        "cap.reached: a buyer has all leads that its cap or budget allows in a period",
    )
    CHANGE_DECIDED = "change.decided", "change.decided: the agency approved or declined a buyer's change"
    CAMPAIGN_UNSOLD = "campaign.unsold", "campaign.unsold: no buyer of a campaign could take a lead"


_FILL: Final = """
    IF NEW.buyer_id IS NOT NULL THEN
        SELECT workspace_id INTO NEW.workspace_id FROM distribution_buyer WHERE id = NEW.buyer_id;
    ELSIF NEW.source_id IS NOT NULL THEN
        SELECT workspace_id INTO NEW.workspace_id FROM routing_source WHERE id = NEW.source_id;
    END IF;
    RETURN NEW;
"""


def owner_triggers() -> list[pgtrigger.Trigger]:
    """Of endpoints. Buyers and sources never change their workspace, so a copy of it stays right."""
    return [
        pgtrigger.Trigger(
            name="fill_workspace", when=pgtrigger.Before, operation=pgtrigger.Insert, func=_FILL
        ),
        pgtrigger.Trigger(
            name="purpose_is_fixed",
            when=pgtrigger.Before,
            operation=pgtrigger.UpdateOf("events", "purpose"),
            condition=pgtrigger.Condition(
                "(((NEW.events = '{}') <> (OLD.events = '{}')) OR NEW.purpose <> OLD.purpose)"
            ),
            func="""
                RAISE EXCEPTION 'Endpoint % gets either leads, events or pings. Add another endpoint.', OLD.id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'purpose_is_fixed', TABLE = TG_TABLE_NAME;
            """,
        ),
    ]
