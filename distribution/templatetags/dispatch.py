"""Template tags and filters for the page "Dispatch" and its card on the home page."""

from datetime import timedelta
from typing import Any, Final

from django import template
from django.contrib.admin import site

from routing.dispatch.pauses import read_active_pauses
from routing.dispatch.state import read_summary
from tracing.admin.scope import visible_ids
from tracing.wording import span

register = template.Library()
NAMED: Final = 3  # workspaces in the banner


@register.filter
def age_display(age: timedelta) -> str:
    return span(age.total_seconds())


register.filter("span", span)


@register.filter
def grouped(number: int) -> str:
    return f"{number:,}"


@register.inclusion_tag("admin/leadswitch/pause_banner.html", takes_context=True)
def pause_banner(context: dict[str, Any]) -> dict[str, Any]:
    """What is paused now. Only users who see every workspace see who paused the whole product, and why."""
    request = context.get("request")
    # The page for the second factor has a user too, who sees nothing before the login is complete.
    if request is None or not (
        site.has_permission(request) and request.user.has_perm("routing.view_workspace")
    ):
        return {"product": None, "workspaces": []}
    visible = visible_ids(request)
    active = read_active_pauses(visible, limit=NAMED + 1)
    workspaces = [each for each in active if each.workspace_id is not None]
    return {
        "product": next((each.pause for each in active if each.workspace_id is None), None),
        "is_whole": visible is None,
        "workspaces": workspaces[:NAMED],
        "has_more": len(workspaces) > NAMED,
    }


@register.inclusion_tag("admin/leadswitch/dispatch_card.html", takes_context=True)
def dispatch_card(context: dict[str, Any]) -> dict[str, Any]:
    """Empty for users who may not view workspaces."""
    request = context["request"]
    if not request.user.has_perm("routing.view_workspace"):
        return {"summary": None}
    return {"summary": read_summary(visible_ids(request))}
