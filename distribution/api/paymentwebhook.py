"""Takes the payment provider's webhooks. The signature over the raw body is the only authentication."""

from http import HTTPStatus
from typing import Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from distribution import metrics
from distribution.payments.account import get_account, has_cards
from distribution.payments.webhook import BadEvent, BadSignature, receive

MAX_BODY_BYTES: Final = 512 * 1024


@method_decorator(csrf_exempt, name="dispatch")  # the provider signs what it sends
class StripeWebhookView(View):
    """Answers 200 when the event and its effect are committed. Anything else makes the provider send it again."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        if not has_cards():
            return _refuse("not_found", HTTPStatus.NOT_FOUND)
        raw = request.read(MAX_BODY_BYTES + 1)
        if len(raw) > MAX_BODY_BYTES:
            return _refuse("too_large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        try:
            result = receive(
                raw,
                signature=request.headers.get("Stripe-Signature", ""),
                secrets=get_account().webhook_secrets,
                at=timezone.now(),
            )
        except (BadSignature, BadEvent) as error:
            metrics.PAYMENT_WEBHOOKS_REFUSED.inc()
            return _refuse("bad_signature" if isinstance(error, BadSignature) else "bad_event")
        return JsonResponse({"result": result})


def _refuse(code: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> HttpResponse:
    return JsonResponse({"error": {"code": code, "message": "The webhook was not accepted."}}, status=status)
