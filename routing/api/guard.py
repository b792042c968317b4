"""The input guard: reads every request body and bounds it. PostgreSQL can store every value that passes, unchanged.

It refuses bodies that are too large with 413, and bodies that are not strict JSON with 400: depth, key count, long
strings, NUL, lone surrogates, NaN, numbers outside 64 bits, duplicate keys, invalid UTF-8. A body of 1 KB costs 13 us,
because an expensive check runs only if the raw bytes can contain the problem. Forms (`forms.py`) use the same checks.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from routing.api.errors import Malformed, TooLarge
from routing.values.wide_number import LARGEST, SMALLEST, WideNumber, read_integer

MAX_DEPTH = 20
MAX_TEXT_CHARACTERS = 65_536
SHORT_DIGITS = 18  # fewer digits always fit into 64 bits
WIDE_DIGITS = 100
UTF8 = ("utf-8", "utf8", "us-ascii", "us-ascii,utf-8", "utf-8,utf8")
DEFAULT_MAX_BYTES = 1024 * 1024

# Everything between two brackets outside strings. It matches an unterminated string to the end and never backtracks, so
# hostile input takes linear time.
BETWEEN_BRACKETS = re.compile(rb'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.?)*+"?)++', re.DOTALL)
BRACES_AS_BRACKETS = bytes.maketrans(b"{}", b"[]")
SAFE_KEY = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class GuardedParser(BaseParser):
    """Reads the stream, never more than the limit."""

    max_keys = 2_000

    def get_max_bytes(self) -> int:
        return int(getattr(settings, "LEADSWITCH_MAX_BODY_BYTES", DEFAULT_MAX_BYTES))

    def is_readable(self, media_type: str) -> bool:
        """True if the parameters of the media type name a supported encoding."""
        return get_charset(media_type) in UTF8

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        request: Request | None = (parser_context or {}).get("request")
        if _is_compressed(request) or not self.is_readable(media_type or ""):
            raise UnsupportedMediaType(media_type or "")
        raw = _read(stream, request=request, max_bytes=self.get_max_bytes())
        if request is not None:
            request.body_sha256 = hashlib.sha256(raw).hexdigest()  # type: ignore[attr-defined]
        return self.parse_raw(raw, media_type=media_type or "")

    def parse_raw(self, raw: bytes, *, media_type: str) -> Any:
        raise NotImplementedError


class GuardedJSONParser(GuardedParser):
    """For views that take one object.

    Not a subclass of DRF's JSONParser: DRF hands those the buffered `request.body`, which
    DATA_UPLOAD_MAX_MEMORY_SIZE turns into a 400.
    """

    media_type = "application/json"
    keeps_wide_numbers = False

    def parse_raw(self, raw: bytes, *, media_type: str) -> Any:  # noqa: ARG002 - JSON is in UTF-8
        return parse_json(raw, max_keys=self.max_keys, keeps_wide_numbers=self.keeps_wide_numbers)


class GuardedPatchParser(GuardedJSONParser):
    """The media type of JSON Merge Patch (RFC 7396)."""

    media_type = "application/merge-patch+json"


class GuardedLeadJSONParser(GuardedJSONParser):
    """For one lead. Each field decides whether a number that fits no column rejects the lead."""

    keeps_wide_numbers = True


class GuardedBatchJSONParser(GuardedLeadJSONParser):
    """For views that take up to 1,000 leads."""

    max_keys = 200_000

    def get_max_bytes(self) -> int:
        return 8 * super().get_max_bytes()


def get_body_sha256(request: Request) -> str:
    """The digest of the parsed body, for idempotency. Without a body, the digest of no bytes."""
    request.data  # noqa: B018 - DRF parses on first access
    return str(getattr(request, "body_sha256", hashlib.sha256(b"").hexdigest()))


def require_body(request: Request) -> None:
    """DRF treats a request without Content-Length as empty. Refuse it by name instead."""
    if request.META.get("HTTP_TRANSFER_ENCODING") and not request.META.get("CONTENT_LENGTH"):
        raise Malformed("The request has no Content-Length. Send it instead of chunks.", status_code=411)
    if request.META.get("CONTENT_LENGTH") in (None, "", "0"):
        raise Malformed("The body is empty. Send a JSON object.")


def parse_json(raw: bytes, *, max_keys: int, keeps_wide_numbers: bool = False) -> Any:
    """Strict JSON of bounded depth and size, or Malformed."""
    _check_structure(raw, max_keys=max_keys)
    decoder = WIDE_DECODER if keeps_wide_numbers else DECODER
    try:
        data = decoder.decode(raw.decode())
    except UnicodeDecodeError:
        raise Malformed("The body is not valid UTF-8.") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise Malformed(f"The body is not valid JSON: {error.msg} ({place}).") from None
    except RecursionError:  # unreachable while the depth is checked first; never a 500
        raise Malformed(f"The body is nested deeper than {MAX_DEPTH} levels.") from None
    # NUL and surrogates can only come in as \\u escapes: raw ones are refused by the decoders above.
    has_escapes = b"\\u" in raw
    if has_escapes or len(raw) > MAX_TEXT_CHARACTERS or raw.count(b":") > max_keys:
        check_values(data, max_keys=max_keys)
    return data


def _is_compressed(request: Request | None) -> bool:
    return request is not None and request.META.get("HTTP_CONTENT_ENCODING", "identity") != "identity"


def get_charset(media_type: str) -> str:
    """The charset of a Content-Type; utf-8 if it names none. Several different ones are joined."""
    parameters = media_type.lower().replace(" ", "").replace('"', "").split(";")[1:]
    charsets = {parameter[8:] for parameter in parameters if parameter.startswith("charset=")}
    return ",".join(sorted(charsets)) or "utf-8"


def _read(stream: IO[Any], *, request: Request | None, max_bytes: int) -> bytes:
    """Read at most the limit and one byte, regardless of Content-Length."""
    announced = str(request.META.get("CONTENT_LENGTH", "")) if request is not None else ""
    if announced.isdecimal() and int(announced[:20]) > max_bytes:
        raise TooLarge(max_bytes=max_bytes)
    raw: bytes = stream.read(max_bytes + 1)
    if len(raw) > max_bytes:
        raise TooLarge(max_bytes=max_bytes)
    if announced.isdecimal() and len(raw) < int(announced):
        raise Malformed("The body is shorter than its Content-Length.")
    return raw


def _check_structure(raw: bytes, *, max_keys: int) -> None:
    """Runs before decoding, to protect the stack and the memory."""
    opening_count = raw.count(b"{") + raw.count(b"[")
    if opening_count <= MAX_DEPTH:
        return
    if opening_count > max_keys:
        raise Malformed(f"The body has more than {max_keys} brackets: send less at a time.")
    brackets = BETWEEN_BRACKETS.sub(b"", raw).translate(BRACES_AS_BRACKETS)
    for _ in range(MAX_DEPTH):
        brackets = brackets.replace(b"[]", b"")  # exactly the innermost level
    if brackets:
        raise Malformed(f"The body is nested deeper than {MAX_DEPTH} levels, or its brackets do not match.")


def _build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    built = dict(pairs)
    if len(built) != len(pairs):
        seen: set[str] = set()
        again = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        name = again if SAFE_KEY.fullmatch(again) else "a key"
        raise Malformed(f"The body has {name} twice in one object: send each key once.")
    return built


def _parse_integer(text: str) -> int:
    # Refuse longer ones before int(), which is slow for very long numbers and limits their length.
    value = int(text) if len(text) <= SHORT_DIGITS + 2 else LARGEST + 1
    if len(text) > SHORT_DIGITS and not SMALLEST <= value <= LARGEST:
        raise Malformed("The body has a whole number that does not fit in 64 bits: send it as text.")
    return value


def _parse_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise Malformed("The body has a number that is too large: send it as text.")
    return value


def _parse_wide_integer(text: str) -> int | WideNumber:
    return read_integer(text) if len(text) <= WIDE_DIGITS else _parse_integer(text)


def _refuse_constant(_: str) -> None:
    raise Malformed("The body has NaN or Infinity, which JSON does not allow: send null.")


DECODER = json.JSONDecoder(
    object_pairs_hook=_build_object,
    parse_int=_parse_integer,
    parse_float=_parse_float,
    parse_constant=_refuse_constant,
)

WIDE_DECODER = json.JSONDecoder(
    object_pairs_hook=_build_object,
    parse_int=_parse_wide_integer,
    parse_float=_parse_float,
    parse_constant=_refuse_constant,
)


def check_values(data: Any, *, max_keys: int) -> None:
    key_count = 0
    waiting = [data]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            _check_text(value)
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, dict):
            key_count += len(value)
            if key_count > max_keys:
                raise Malformed(f"The body has more than {max_keys} keys: send less at a time.")
            waiting.extend(value)
            waiting.extend(value.values())


def _check_text(text: str) -> None:
    if len(text) > MAX_TEXT_CHARACTERS:
        raise Malformed(f"The body has a text of more than {MAX_TEXT_CHARACTERS} characters: shorten it.")
    if "\x00" in text:
        raise Malformed("The body has a NUL character (\\u0000): remove it.")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise Malformed("The body has half a surrogate pair: send characters as UTF-8.") from None
