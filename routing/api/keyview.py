"""What every view has in common that is called with an API key, whoever owns the key."""

from collections.abc import Iterable
from typing import Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from routing.api.errors import ApiError, FieldsInvalid
from routing.api.guard import GuardedJSONParser
from routing.api.throttle import KeyThrottle, rate_headers


class AlwaysJSON(BaseContentNegotiation):
    """The API speaks JSON, whatever Accept says."""

    def select_parser(self, request: Request, parsers: Iterable[Any]) -> Any:
        content_type = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == content_type), None)

    def select_renderer(
        self,
        request: Request,  # noqa: ARG002 - the signature is DRF's
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,  # noqa: ARG002 - the signature is DRF's
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)


class KeyView(APIView):
    """Subclasses name their authentication, their permission and `rate_kind`, the limit that their keys have."""

    rate_kind: str
    parser_classes = [GuardedJSONParser]
    renderer_classes = [JSONRenderer]
    content_negotiation_class = AlwaysJSON
    throttle_classes = [KeyThrottle]

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        final: Response = super().finalize_response(request, response, *args, **kwargs)
        for name, value in rate_headers(request).items():
            final[name] = value
        return final


def not_found() -> ApiError:
    return ApiError("There is nothing here, or it is not yours.", status_code=404)


def wrong_parameter(name: str, message: str) -> FieldsInvalid:
    return FieldsInvalid({name: [{"code": "invalid", "message": message}]})
