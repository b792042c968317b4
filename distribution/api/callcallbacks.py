"""Takes the reports of carriers on calls. The signature over the address and every field is the only authentication."""

from http import HTTPStatus
from typing import ClassVar, Final
from urllib.parse import parse_qsl
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from distribution import metrics
from distribution.calls.notices import FORM, BadNotice
from distribution.calls.receiving import BadSignature, Received, Signed, UnknownAddress, receive
from distribution.calls.signing import SETTINGS_HEADER, SIGNATURE_HEADER
from distribution.calls.talking import answer_call, answer_key
from distribution.calls.twiml import HANG_UP
from distribution.models import NoticeKind

MAX_BODY_BYTES: Final = 64 * 1024
MOST_FIELDS: Final = 200


class BadForm(Exception):
    """The body is no form that can be read."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


@method_decorator(csrf_exempt, name="dispatch")  # the carrier signs what it sends
class CallbackView(View):
    """Answers when the report is stored. It is applied later, in another process."""

    http_method_names = ["post"]
    kind: ClassVar[NoticeKind]

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponse:
        try:
            received = receive(public_id, _read_signed(request, self.kind))
        except BadForm as error:
            return _refuse("bad_form", error.status)
        except BadSignature as error:
            _count(self.kind, "unknown_address" if isinstance(error, UnknownAddress) else "bad_signature")
            return _refuse("bad_signature", HTTPStatus.FORBIDDEN)
        except BadNotice:
            return _refuse("bad_notice", HTTPStatus.BAD_REQUEST)
        if received is None:
            _count(self.kind, "unknown_call")
        elif not received.is_new:
            _count(self.kind, "repeated")
        return self.answer(received)

    def answer(self, received: Received | None) -> HttpResponse:
        """None: we have no such call. An error would only make the carrier repeat it."""
        del received
        return HttpResponse(status=HTTPStatus.NO_CONTENT)


class StatusView(CallbackView):
    kind = NoticeKind.STATUS


class RecordingView(CallbackView):
    kind = NoticeKind.RECORDING


class ScriptView(CallbackView):
    kind = NoticeKind.SCRIPT

    def answer(self, received: Received | None) -> HttpResponse:
        return _perform(HANG_UP if received is None else answer_call(received.call, received.notice))


class KeysView(CallbackView):
    kind = NoticeKind.KEYS

    def answer(self, received: Received | None) -> HttpResponse:
        return _perform(HANG_UP if received is None else answer_key(received.call, received.notice))


def _count(kind: NoticeKind, result: str) -> None:
    """What is new counts when it is applied."""
    metrics.CALL_WEBHOOKS.labels(kind=kind.value, result=result).inc()


def _read_signed(request: HttpRequest, kind: NoticeKind) -> Signed:
    """The address is the public one: what the carrier called, and not what a header says. Raises BadForm."""
    return Signed(
        kind=kind.value,
        url=f"{settings.LEADSWITCH_BASE_URL}{request.get_full_path()}",
        fields=_read_form(request),
        signature=request.headers.get(SIGNATURE_HEADER, ""),
        settings=request.headers.get(SETTINGS_HEADER, ""),
    )


def _read_form(request: HttpRequest) -> list[tuple[str, str]]:
    """Raises BadForm. A body of another type is not covered by the signature."""
    if request.content_type != FORM:
        raise BadForm(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    raw = request.read(MAX_BODY_BYTES + 1)
    if len(raw) > MAX_BODY_BYTES:
        raise BadForm(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    try:
        return parse_qsl(
            raw.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS
        )
    except ValueError as error:
        raise BadForm(HTTPStatus.BAD_REQUEST) from error


def _perform(twiml: str) -> HttpResponse:
    return HttpResponse(twiml, content_type="text/xml; charset=utf-8")


def _refuse(code: str, status: HTTPStatus) -> HttpResponse:
    message = "The report was not accepted."
    return JsonResponse({"error": {"code": code, "message": message}}, status=status)
