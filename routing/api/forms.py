"""Reads forms as bodies: form-encoded and multipart, as web forms and their plug-ins send them.

Brackets nest (`consent[given_at]`), and so does a dot after `consent` or `attributes`. A repeated name gives a list.
Every value is text. The guard bounds size and structure. Files are refused.
"""

import re
from collections.abc import Iterable
from io import BytesIO
from typing import Any, Final, NoReturn
from urllib.parse import unquote_to_bytes

from django.core.exceptions import TooManyFieldsSent
from django.core.files.uploadhandler import FileUploadHandler
from django.http.multipartparser import MultiPartParser, MultiPartParserError

from routing.api.errors import Malformed
from routing.api.guard import MAX_DEPTH, UTF8, GuardedParser, check_values, get_charset

LATIN: Final = ("iso-8859-1", "latin1", "latin-1", "windows-1252", "cp1252")
BRACKETED: Final = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])+)")
INNER: Final = re.compile(r"\[([^\[\]]*)\]")
DOTTED: Final = ("consent", "attributes")
Pairs = Iterable[tuple[str, str]]


class GuardedFormParser(GuardedParser):
    """application/x-www-form-urlencoded. Text that is not UTF-8 is read as Windows-1252, as old pages send it."""

    media_type = "application/x-www-form-urlencoded"

    def is_readable(self, media_type: str) -> bool:
        return get_charset(media_type) in (*UTF8, *LATIN)

    def parse_raw(self, raw: bytes, *, media_type: str) -> Any:
        if raw.count(b"&") >= self.max_keys:
            raise _too_many_fields(self.max_keys)
        pairs = [_decode_pair(part) for part in raw.split(b"&") if part]
        text = _decode_all(pairs, is_latin=get_charset(media_type) in LATIN)
        return nest(text, max_keys=self.max_keys)


class GuardedMultipartParser(GuardedParser):
    """multipart/form-data without files."""

    media_type = "multipart/form-data"

    def parse_raw(self, raw: bytes, *, media_type: str) -> Any:
        head = {"CONTENT_TYPE": media_type, "CONTENT_LENGTH": str(len(raw))}
        try:
            fields, _ = MultiPartParser(head, BytesIO(raw), [_NoFiles()], "utf-8").parse()
        except TooManyFieldsSent:
            raise _too_many_fields(self.max_keys) from None
        except (MultiPartParserError, ValueError):
            raise Malformed("The body is not valid multipart/form-data.") from None
        pairs = [(name, str(value)) for name, values in fields.lists() for value in values]
        return nest(pairs, max_keys=self.max_keys)


def _too_many_fields(limit: int) -> Malformed:
    return Malformed(f"The body has more than {limit} fields: send less at a time.")


class _NoFiles(FileUploadHandler):
    """The parser does not call this for an empty file input."""

    def new_file(self, *_: Any, **__: Any) -> NoReturn:
        raise Malformed("The body has a file: send only the fields of the lead.")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> NoReturn:  # noqa: ARG002 - the signature is Django's
        raise Malformed("The body has a file: send only the fields of the lead.")

    def file_complete(self, file_size: int) -> None:  # noqa: ARG002 - the signature is Django's
        return None


def nest(pairs: Pairs, *, max_keys: int) -> dict[str, Any]:
    """Return one object with all fields. Raises Malformed."""
    built: dict[str, Any] = {}
    for name, value in pairs:
        _put(built, _split_name(name), value)
    fields = {name: _make_lists(value) for name, value in built.items()}
    check_values(fields, max_keys=max_keys)
    return fields


def _decode_pair(part: bytes) -> tuple[bytes, bytes]:
    name, _, value = part.replace(b"+", b" ").partition(b"=")
    return unquote_to_bytes(name), unquote_to_bytes(value)


def _decode_all(pairs: list[tuple[bytes, bytes]], *, is_latin: bool) -> list[tuple[str, str]]:
    if not is_latin:
        try:
            return [(name.decode(), value.decode()) for name, value in pairs]
        except UnicodeDecodeError:
            pass
    return [(name.decode("cp1252", "replace"), value.decode("cp1252", "replace")) for name, value in pairs]


def _split_name(name: str) -> list[str]:
    """Split consent[given_at] into consent and given_at. An empty bracket gives an empty part."""
    matched = BRACKETED.fullmatch(name.strip())
    if matched:
        path = [matched[1], *INNER.findall(matched[2])]
    else:
        outer, dot, inner = name.strip().partition(".")
        path = [outer, inner] if dot and inner and outer in DOTTED else [name.strip()]
    if len(path) > MAX_DEPTH:
        raise Malformed(f"The body is nested deeper than {MAX_DEPTH} levels.")
    return path


def _put(built: dict[str, Any], path: list[str], value: str) -> None:
    for part in path[:-1]:
        if part == "":
            raise Malformed("The body has [] before the end of a name: number the brackets.")
        inner = built.setdefault(part, {})
        if not isinstance(inner, dict):
            raise Malformed("The body has a name both with brackets and without: use one of the two.")
        built = inner
    last = path[-1]
    if last == "":
        last = str(len(built))
    if isinstance(built.get(last), dict):
        raise Malformed("The body has a name both with brackets and without: use one of the two.")
    if last not in built:
        built[last] = value
    elif isinstance(built[last], list):
        built[last].append(value)
    else:
        built[last] = [built[last], value]


def _make_lists(value: Any) -> Any:
    """Turn objects whose names count up from 0 into lists."""
    if not isinstance(value, dict):
        return value
    inner = {name: _make_lists(each) for name, each in value.items()}
    is_list = list(inner) == [str(index) for index in range(len(inner))]
    return list(inner.values()) if is_list and inner else inner
