"""The page behind the link in each email notice. Works without a login: the link is signed."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from distribution.deliveries.unsubscribing import find_by_token, unsubscribe
from distribution.models import EventKind, Subscription


@method_decorator(
    csrf_exempt, name="dispatch"
)  # mail programs post without a form (RFC 8058); the link is signed
class UnsubscribeView(View):
    """GET asks, because mail scanners open every link. POST unsubscribes."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return _show(request, find_by_token(token))

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        subscription = find_by_token(token)
        if subscription is not None:
            unsubscribe(subscription, at=timezone.now())
            subscription.refresh_from_db(fields=["active"])
        return _show(request, subscription)


def _show(request: HttpRequest, subscription: Subscription | None) -> HttpResponse:
    """Names no address and no owner: links are forwarded. Without a subscription, says that the link is wrong."""
    context = {"subscription": subscription, "lines": _list_events(subscription)}
    status = HTTPStatus.NOT_FOUND if subscription is None else HTTPStatus.OK
    response = render(request, "unsubscribe.html", context, status=status)
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response


def _list_events(subscription: Subscription | None) -> list[str]:
    """The sentences of the labels, without the names that programs use."""
    kinds = [] if subscription is None else sorted(subscription.events)
    return [EventKind(kind).label.partition(": ")[2] for kind in kinds]
