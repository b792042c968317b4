"""Adds today's numbers to the home page of the admin."""

from typing import Any
from urllib.parse import urlencode

from django import template
from django.urls import reverse
from django.utils import timezone

from distribution.admin.home import FEW_LEADS, Outcome, read_home
from tracing.admin.scope import visible_ids
from tracing.skip_reasons import SKIP_REASONS
from tracing.wording import money

register = template.Library()
LEADS = "admin:routing_lead_changelist"


@register.inclusion_tag("admin/leadswitch/home.html", takes_context=True)
def admin_home(context: dict[str, Any]) -> dict[str, Any]:
    """Empty for users who may not view leads."""
    request = context["request"]
    if not request.user.has_perm("routing.view_lead"):
        return {"home": None}
    at = timezone.now()
    since = at.replace(hour=0, minute=0, second=0, microsecond=0)
    home = read_home(visible_ids(request), since=since, at=at)
    return {
        "request": request,
        "home": home,
        "few": FEW_LEADS,
        "leads_url": _leads(),
        "outcomes": [(outcome.words, number, _leads_of(outcome)) for outcome, number in home.outcomes],
        "reasons": [
            (_sentence(reason), number, _leads(skip_reason=reason)) for reason, number in home.reasons
        ],
        "dry": [
            (
                each.buyer,
                money(each.available_cents),
                each.leads_left,
                reverse("admin:distribution_wallet_change", args=[each.wallet_id]),
            )
            for each in home.dry
        ],
        "sees_deliveries": request.user.has_perm("distribution.view_delivery"),
        "sees_verifications": request.user.has_perm("distribution.view_verification"),
        "silent": [(name, _leads(campaign=str(pk))) for pk, name in home.silent],
    }


def _leads_of(outcome: Outcome) -> str:
    reason = {"skip_reason": outcome.reason} if outcome.reason else {}
    return _leads(status__exact=outcome.status, **reason)


def _leads(**filters: str) -> str:
    return f"{reverse(LEADS)}?{urlencode({'day': 'today', 'is_test__exact': '0', **filters})}"


def _sentence(reason: str) -> str:
    return SKIP_REASONS[reason].sentence if reason in SKIP_REASONS else reason
