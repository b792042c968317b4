"""Shows on the page of a change how many leads it made due."""

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpRequest

from routing.dispatch.wakeups import describe_woken

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin


def show_woken(page: "ModelAdmin[Any]", request: HttpRequest) -> None:
    """Needs the transaction of the change."""
    sentence = describe_woken()
    if sentence:
        page.message_user(request, sentence, messages.INFO)
