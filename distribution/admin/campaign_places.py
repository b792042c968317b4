"""What a campaign's page shows of its tiers and enrollments, and the buttons that add them."""

from collections.abc import Sequence
from typing import Final

from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from distribution.models import Campaign, Enrollment, Tier
from tracing.wording import count

MOST: Final = 50
ADDED: Final = {"tier": "Add a tier", "enrollment": "Add an enrollment"}
NO_TIER: Final = "This campaign sells nothing: it has no tier. Add one, and enroll buyers in it."
NOBODY: Final = "This campaign sells nothing: no buyer is enrolled. Enroll buyers in a tier."


def list_add_links(campaign: Campaign, *, request: HttpRequest) -> list[dict[str, str]]:
    """Only what the user may add. An enrollment needs a tier."""
    names = ("tier", "enrollment") if campaign.tiers.exists() else ("tier",)
    return [
        {
            "title": ADDED[name],
            "url": f"{reverse(f'admin:distribution_{name}_add')}?campaign={campaign.pk}",
        }
        for name in names
        if request.user.has_perm(f"distribution.add_{name}")
    ]


def list_places(campaign: Campaign) -> str | SafeString:
    tiers = list(campaign.tiers.order_by("position")[:MOST])
    if not tiers:
        return NO_TIER
    enrolled = Enrollment.objects.filter(campaign=campaign).select_related("buyer").order_by("buyer__name")
    shown = list(enrolled[: MOST + 1])
    lines = [
        _describe_tier(tier, [each for each in shown[:MOST] if each.tier_id == tier.pk]) for tier in tiers
    ]
    more = f"And {count(enrolled.count() - MOST, 'more enrollment', 'more enrollments')}."
    note = "" if shown else NOBODY
    return format_html(
        '<ul class="admin-refused">{}</ul><p>{}</p>',
        format_html_join("", "<li>{}</li>", ((line,) for line in lines)),
        more if len(shown) > MOST else note,
    )


def _describe_tier(tier: Tier, enrolled: Sequence[Enrollment]) -> SafeString:
    buyers = format_html_join(
        ", ",
        '<a href="{}">{}</a>{}',
        (
            (
                reverse("admin:distribution_enrollment_change", args=[each.pk]),
                each.buyer.name,
                "" if each.active else " (not active)",
            )
            for each in enrolled
        ),
    )
    page = reverse("admin:distribution_tier_change", args=[tier.pk])
    name = f"{tier.position}. {tier.name}" if tier.name else f"Tier {tier.position}"
    return format_html('<a href="{}">{}</a>: {}', page, name, buyers or "nobody is enrolled")
