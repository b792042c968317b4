"""What all views with an API key have in common."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from routing.access.key_use import note_use
from routing.api.errors import ApiError
from routing.api.guard import GuardedJSONParser
from routing.api.parameters import refuse_unknown
from routing.api.throttle import KeyThrottle, rate_headers
from routing.models import ScopedKey

METHODS: Final = ("get", "post", "put", "patch", "delete")


class AlwaysJSON(BaseContentNegotiation):
    """The API answers with JSON, regardless of Accept."""

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


class HasScope(BasePermission):
    """Allows requests whose key is of the view's kind and has the scope of the method."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        key: object = request.auth
        if not isinstance(view, KeyView) or not isinstance(key, view.key_model):
            return False
        scope = view.scope_of(request)
        self.message = f"This key does not have the scope `{scope}`. {view.grantor} can grant it."
        return scope is None or key.has_scope(scope)


class KeyView(APIView):
    """Subclasses define their authentication, the kind of key, and `rate_kind`, the rate limit of these keys.
    `grantor`: who may add a scope to a key.

    `scopes` maps each method to the scope it needs, and `query_parameters` to the parameters it accepts. Any other
    parameter is refused by name.
    """

    rate_kind: str
    key_model: ClassVar[type[ScopedKey]]
    grantor: ClassVar[str] = "An operator"
    scopes: ClassVar[Mapping[str, str]] = {}
    query_parameters: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    permission_classes = [HasScope]
    parser_classes = [GuardedJSONParser]
    renderer_classes = [JSONRenderer]
    content_negotiation_class = AlwaysJSON
    throttle_classes = [KeyThrottle]

    def __init_subclass__(cls) -> None:
        """Refuse a method without a scope, because it would accept every key."""
        super().__init_subclass__()
        missing = [method for method in METHODS if hasattr(cls, method) and method not in cls.scopes]
        if missing:
            message = f"{cls.__name__} names no scope for {', '.join(missing)}"
            raise TypeError(message)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self.scope_of(request) is not None:
            refuse_unknown(request, known=self.query_parameters.get(_method_of(request), ()))

    @property
    def actor(self) -> str:
        """Who asks, for the audit log. Only for a request that was let in."""
        key = self.request.auth
        assert isinstance(key, ScopedKey)  # noqa: S101 - HasScope lets no other in
        return key.actor

    def scope_of(self, request: Request) -> str | None:
        """Return None for a method that the view does not have; DRF answers it with 405."""
        return self.scopes.get(_method_of(request))

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        final: Response = super().finalize_response(request, response, *args, **kwargs)
        if isinstance(request.auth, ScopedKey):
            note_use(request.auth, at=datetime.now(UTC))
        for name, value in rate_headers(request).items():
            final[name] = value
        return final


def _method_of(request: Request) -> str:
    """HEAD needs the same scope as GET."""
    method = (request.method or "").lower()
    return "get" if method == "head" else method


def not_found() -> ApiError:
    return ApiError("Not found, or it belongs to another account.", status_code=404)
