"""Adds the card "Health" to the home page of the admin."""

from typing import Any

from django import template
from django.utils import timezone

from leadswitch.levels.health_page.card import read_health_card
from leadswitch.levels.health_page.view import VIEW_PERMISSION
from tracing.admin.scope import visible_ids

register = template.Library()


@register.inclusion_tag("admin/leadswitch/health_card.html", takes_context=True)
def health_card(context: dict[str, Any]) -> dict[str, Any]:
    """Empty for users who may not see the page, or who see no workspace."""
    request = context["request"]
    ids = visible_ids(request) if request.user.has_perm(VIEW_PERMISSION) else []
    sees_some = ids is None or len(ids) > 0
    return {"card": read_health_card(ids, at=timezone.now()) if sees_some else None}
