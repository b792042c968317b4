"""The page behind the link in each email notice. Works without a login: the link is signed."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from distribution.deliveries.unsubscribing import find_by_token, unsubscribe
from distribution.models import Subscription


@method_decorator(
    csrf_exempt, name="dispatch"
)  # mail programs post without a form (RFC 8058); the link is signed
class UnsubscribeView(View):
    """GET asks, because mail scanners open every link. POST unsubscribes."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return _show(request, _find(token))

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        subscription = _find(token)
        unsubscribe(subscription, at=timezone.now())
        subscription.refresh_from_db(fields=["active"])
        return _show(request, subscription)


def _find(token: str) -> Subscription:
    subscription = find_by_token(token)
    if subscription is None:
        raise Http404
    return subscription


def _show(request: HttpRequest, subscription: Subscription) -> HttpResponse:
    """Names no address and no owner: links are forwarded."""
    context = {"events": sorted(subscription.events), "is_active": subscription.active}
    response = render(request, "unsubscribe.html", context)
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response
