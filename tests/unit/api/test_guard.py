"""The input guard and the error shape, through real DRF views."""

import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_django import Settings
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from routing.api.errors import ApiError, Malformed, api_exception_handler, flatten_details
from routing.api.guard import (
    MAX_DEPTH,
    GuardedBatchJSONParser,
    GuardedJSONParser,
    get_body_sha256,
    parse_json,
    require_body,
)
from routing.intake.parse import LeadInvalid
from routing.values.normalize import FieldError


class EchoView(APIView):
    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    parser_classes = (GuardedJSONParser,)

    def get_exception_handler(self) -> Callable[..., Response | None]:
        return api_exception_handler

    def post(self, request: Request) -> Response:
        require_body(request)
        return Response({"data": request.data, "sha256": get_body_sha256(request)})


class BatchView(EchoView):
    parser_classes = (GuardedBatchJSONParser,)


def post(body: bytes, *, view: type[APIView] = EchoView, **extra: Any) -> HttpResponse:
    extra.setdefault("content_type", "application/json")
    request = APIRequestFactory().generic("POST", "/", body, **extra)
    response: HttpResponse = view.as_view()(request)
    if isinstance(response, Response):
        response.render()
    return response


def refuse(body: bytes, **extra: Any) -> tuple[int, str, str]:
    response = post(body, **extra)
    error = json.loads(response.content)["error"]
    assert set(error) == {"code", "message"}
    return response.status_code, error["code"], error["message"]


def test_good_body_passes() -> None:
    body = '{"a": [1, 1.5, null, true, "é\\u00e9\\ud83d\\ude00"], "b": -9223372036854775808}'.encode()
    response = post(body, content_type="application/json; charset=UTF-8")
    assert response.status_code == 200
    assert json.loads(response.content)["data"] == {"a": [1, 1.5, None, True, "éé😀"], "b": -(2**63)}
    assert len(json.loads(response.content)["sha256"]) == 64


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        (b"{", "not valid JSON"),
        (b"", "empty"),
        (b"{} {}", "Extra data"),
        (b'\xef\xbb\xbf{"a":1}', "not valid JSON"),
        (b'{"a":"\xff"}', "UTF-8"),
        (b'{"a":"\xed\xa0\x80"}', "UTF-8"),
        (b'{"a":"\x00"}', "not valid JSON"),
        (b'{"a":"\\u0000"}', "NUL"),
        (b'{"\\u0000":1}', "NUL"),
        (b'{"a":[{"b":"x\\ud800y"}]}', "surrogate"),
        (b'{"\\udc00":1}', "surrogate"),
        (b'{"a":"\\ude00\\ud83d"}', "surrogate"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":-Infinity}', "NaN"),
        (b'{"a":1e999}', "too large"),
        (b'{"a":9223372036854775808}', "64 bits"),
        (b'{"a":-9223372036854775809}', "64 bits"),
        (b'{"a":' + b"9" * 100_000 + b"}", "64 bits"),
        (b'{"a":1,"b":2,"a":3}', "a twice"),
        (b'{"x y":1,"x y":2}', "a key twice"),
        (b'{"a":"' + b"x" * 65_537 + b'"}', "65536 characters"),
        (b'{"k":{' + b",".join(b'"k%d":1' % number for number in range(2_000)) + b"}}", "2000 keys"),
        (b"[" + b"[]," * 2_000 + b"[]]", "2000 brackets"),
        (b"[" * 21 + b"]" * 21, "deeper than 20"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "brackets"),
        (b"[" * 1_999, "deeper than 20"),
        (b'[{"a":' * 11 + b"1" + b"}]" * 11, "deeper than 20"),
    ],
)
def test_bad_bodies_are_malformed(body: bytes, hint: str) -> None:
    status_code, code, message = refuse(body)
    assert (status_code, code) == (400, "malformed")
    assert hint in message


def test_depth_limit_is_exact_and_brackets_in_text_do_not_count() -> None:
    assert post(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH).status_code == 200
    text = '["' + "[{" * 500 + '", "\\"[[[", "\\\\"]'
    assert post(text.encode()).status_code == 200


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "", "application/x-www-form-urlencoded", "application/json; charset=latin-1"],
)
def test_other_media_types_are_refused(content_type: str) -> None:
    assert refuse(b'{"a":1}', content_type=content_type)[:2] == (415, "unsupported_media_type")


def test_compressed_bodies_are_refused() -> None:
    assert refuse(b"\x1f\x8b", HTTP_CONTENT_ENCODING="gzip")[:2] == (415, "unsupported_media_type")


def test_size_limit_is_exact_and_not_djangos(settings: Settings) -> None:
    settings.LEADSWITCH_MAX_BODY_BYTES = 1_000
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    assert post(b'"' + b"x" * 998 + b'"').status_code == 200
    assert refuse(b'"' + b"x" * 999 + b'"')[:2] == (413, "too_large")
    assert post(b'"' + b"x" * 7_998 + b'"', view=BatchView).status_code == 200
    assert refuse(b'"' + b"x" * 7_999 + b'"', view=BatchView)[:2] == (413, "too_large")


class CountingStream(io.BytesIO):
    """Records how many bytes were read."""

    asked = 0

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert size >= 0
        self.asked += size
        return super().read(size)


def parse_with_length(body: bytes, *, announced: str) -> CountingStream:
    django_request = HttpRequest()
    django_request.META = {"CONTENT_LENGTH": announced, "CONTENT_TYPE": "application/json"}
    stream = CountingStream(body)
    context = {"request": Request(django_request)}
    GuardedJSONParser().parse(stream, "application/json", context)
    return stream


def test_wrong_content_length_changes_nothing(settings: Settings) -> None:
    settings.LEADSWITCH_MAX_BODY_BYTES = 100
    assert parse_with_length(b"{}", announced="2").asked == 101
    with pytest.raises(Malformed, match="shorter"):
        parse_with_length(b"{}", announced="50")
    for announced in ("2", "", "x", "-5"):
        with pytest.raises(ApiError) as caught:
            parse_with_length(b'"' + b"x" * 200 + b'"', announced=announced)
        assert caught.value.status_code == 413
    with pytest.raises(ApiError) as caught:
        parse_with_length(b"{}", announced="9" * 30)
    assert caught.value.status_code == 413


def test_chunked_body_without_length_is_refused() -> None:
    django_request = APIRequestFactory().post("/")
    django_request.META["HTTP_TRANSFER_ENCODING"] = "chunked"
    django_request.META.pop("CONTENT_LENGTH", None)
    response = EchoView.as_view()(django_request)
    assert response.status_code == 411
    assert response.data["error"]["code"] == "malformed"


def test_body_read_too_early_is_still_too_large(settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100

    class EagerView(EchoView):
        def post(self, request: Request) -> Response:
            return Response(len(request.body))

    assert refuse(b'"' + b"x" * 200 + b'"', view=EagerView)[:2] == (413, "too_large")


def depth_slowly(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_slowly, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth_slowly, value), default=0)
    return 0


def nest(levels: str, leaf: Any) -> Any:
    for level in levels:
        leaf = [leaf] if level == "l" else {"k": leaf}
    return leaf


texts = st.text(alphabet=st.sampled_from('[]{}"\\:,é😀a\n'), max_size=20)
leaves = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | texts | st.floats(allow_nan=False)
values = st.recursive(
    leaves.filter(lambda leaf: leaf not in (float("inf"), float("-inf"))),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=30,
)


@settings(deadline=None)
@given(values, st.text(alphabet="lo", max_size=24), st.booleans())
def test_guard_reads_any_json_up_to_the_depth_limit(value: Any, levels: str, is_ascii: bool) -> None:  # noqa: FBT001
    data = [nest(levels, value), [[]] * 25]
    raw = json.dumps(data, ensure_ascii=is_ascii).encode()
    if depth_slowly(data) <= MAX_DEPTH:
        assert parse_json(raw, max_keys=1_000) == data
    else:
        with pytest.raises(Malformed, match="deeper"):
            parse_json(raw, max_keys=1_000)


@settings(deadline=None)
@given(st.binary(max_size=60) | st.text(alphabet='[]{}"\\:,1au0d8e-.', max_size=60).map(str.encode))
def test_any_bytes_give_storable_data_or_an_error(raw: bytes) -> None:
    try:
        data = parse_json(raw, max_keys=100)
    except Malformed:
        return
    stored = json.dumps(data, ensure_ascii=False, allow_nan=False)
    assert re.search(r"(?<!\\)(?:\\\\)*\\u0000", stored) is None
    stored.encode()


# --- the error shape ---


def answer_to(exc: Exception) -> tuple[int, dict[str, Any], Response]:
    class RaisingView(EchoView):
        def post(self, request: Request) -> Response:  # noqa: ARG002
            raise exc

    response = post(b"{}", view=RaisingView)
    assert isinstance(response, Response)
    return response.status_code, response.data["error"], response


@pytest.mark.parametrize(
    ("exc", "status_code", "code"),
    [
        (exceptions.ParseError(), 400, "malformed"),
        (exceptions.NotAuthenticated(), 401, "unauthorized"),
        (exceptions.AuthenticationFailed(), 401, "unauthorized"),
        (exceptions.PermissionDenied(), 403, "forbidden"),
        (PermissionDenied("secret"), 403, "forbidden"),
        (Http404("No Lead matches secret"), 404, "not_found"),
        (exceptions.NotFound("secret"), 404, "not_found"),
        (exceptions.MethodNotAllowed("PUT"), 405, "method_not_allowed"),
        (exceptions.NotAcceptable(), 406, "not_acceptable"),
        (ApiError("It is taken.", status_code=409), 409, "conflict"),
        (exceptions.UnsupportedMediaType("secret"), 415, "unsupported_media_type"),
        (ApiError("Another body.", status_code=422), 422, "conflict"),
        (exceptions.Throttled(wait=7), 429, "rate_limited"),
        (OperationalError("host=secret"), 503, "unavailable"),
    ],
)
def test_every_exception_has_its_code(exc: Exception, status_code: int, code: str) -> None:
    status, error, response = answer_to(exc)
    assert (status, error["code"], set(error)) == (status_code, code, {"code", "message"})
    assert error["message"]
    assert "secret" not in str(response.data)
    if status == 401:
        assert response["WWW-Authenticate"]
    if status in (429, 503):
        assert response["Retry-After"] == ("7" if status == 429 else "1")


def test_message_names_ten_fields_and_counts_the_others() -> None:
    fields = {f"attributes.a{number:02}": ["Bad."] for number in range(12)}
    _, error, _ = answer_to(exceptions.ValidationError(fields))
    assert error["message"].endswith("attributes.a08, attributes.a09 and 2 more. Details are in `fields`.")
    assert len(error["fields"]) == 12


def test_unknown_error_stays_an_exception() -> None:
    with pytest.raises(ZeroDivisionError):
        answer_to(ZeroDivisionError())


def test_field_errors_have_paths() -> None:
    status, error, _ = answer_to(
        exceptions.ValidationError(
            {"email": ["Wrong."], "consent": {"ip": ["Bad."]}, "rows": [{}, {"zip": ["No."]}]}
        )
    )
    assert status == 400
    assert error == {
        "code": "validation_failed",
        "message": "Validation failed: consent.ip, email, rows[1].zip. Details are in `fields`.",
        "fields": {
            "email": [{"code": "invalid", "message": "Wrong."}],
            "consent.ip": [{"code": "invalid", "message": "Bad."}],
            "rows[1].zip": [{"code": "invalid", "message": "No."}],
        },
    }
    assert flatten_details(exceptions.ValidationError("All wrong.", code="x").detail) == {
        "non_field_errors": [{"code": "x", "message": "All wrong."}]
    }


def test_invalid_lead_has_the_same_shape() -> None:
    exc = LeadInvalid({"": [FieldError("a", "is odd")], "zip": [FieldError("required", "is required")]})
    status, error, _ = answer_to(exc)
    assert status == 400
    assert error["code"] == "validation_failed"
    assert error["fields"] == {
        "non_field_errors": [{"code": "a", "message": "is odd"}],
        "zip": [{"code": "required", "message": "is required"}],
    }
