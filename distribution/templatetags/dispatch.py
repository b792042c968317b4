"""Words and numbers of the page "Dispatch", and its line on the home page."""

from datetime import timedelta
from typing import Any

from django import template

from routing.dispatchstate import read_brief
from tracing.admin.scope import visible_ids
from tracing.wording import span

register = template.Library()


@register.filter
def seconds_told(age: timedelta) -> str:
    return span(age.total_seconds())


register.filter("span", span)


@register.filter
def grouped(number: int) -> str:
    return f"{number:,}"


@register.inclusion_tag("admin/leadswitch/dispatch_card.html", takes_context=True)
def dispatch_card(context: dict[str, Any]) -> dict[str, Any]:
    """Nothing for people who may not look at workspaces."""
    request = context["request"]
    if not request.user.has_perm("routing.view_workspace"):
        return {"brief": None}
    return {"brief": read_brief(visible_ids(request))}
