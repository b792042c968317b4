"""Reads the body of a return request: JSON, or a form with files. A wrong field is named, with what to send."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any, Final

from django.core.exceptions import TooManyFilesSent
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from rest_framework.request import Request

from distribution.api.bodies import Problems, find_unknown, invalid, problem, read_cents, read_field
from distribution.models.returning import MAX_FILE_BYTES, MAX_FILES, MAX_TEXT
from distribution.returns.evidence import EvidenceFile, read_file
from distribution.returns.policy import Ask
from distribution.returns.refusals import ReturnRefused
from routing.api.errors import FieldsInvalid, Malformed
from routing.api.guard import GuardedParser, check_values
from routing.values.normalize import FieldError, normalize_text

MAX_BODY_BYTES: Final = (
    MAX_FILE_BYTES + 64 * 1024
)  # one file of the largest size, with the fields and the boundaries
FILE: Final = "file"


class _InMemory(MemoryFileUploadHandler):
    """Keeps files in memory, because the guard has bounded the whole body. Django would write them to the disk."""

    def handle_raw_input(self, *_: Any, **__: Any) -> None:
        self.activated = True


class GuardedEvidenceParser(GuardedParser):
    """multipart/form-data with files. The files become `request.evidence`, the fields the data.

    The data names each file by its name and digest, so that another file under a repeated Idempotency-Key differs.
    """

    media_type = "multipart/form-data"

    def get_max_bytes(self) -> int:
        return MAX_BODY_BYTES

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        data, files = super().parse(stream, media_type, parser_context)
        request = (parser_context or {}).get("request")
        if request is not None:
            request.evidence = files
        return data

    def parse_raw(self, raw: bytes, *, media_type: str) -> tuple[dict[str, Any], list[tuple[str, bytes]]]:
        head = {"CONTENT_TYPE": media_type, "CONTENT_LENGTH": str(len(raw))}
        try:
            fields, uploads = MultiPartParser(head, BytesIO(raw), [_InMemory()], "utf-8").parse()
        except (MultiPartParserError, TooManyFilesSent, ValueError):
            raise Malformed("The body is not valid multipart/form-data.") from None
        data: dict[str, Any] = {
            name: values[0] if len(values) == 1 else values for name, values in fields.lists()
        }
        check_values(data, max_keys=self.max_keys)
        files = [(upload.name or "", upload.read()) for upload in uploads.getlist(FILE)]
        if surplus := [name for name in uploads if name != FILE]:
            raise invalid(surplus[0][:64], "unknown_field", f"is not a known file: send files as {FILE}")
        return {**data, **_identify(files)}, files


def _identify(files: list[tuple[str, bytes]]) -> dict[str, Any]:
    digests = [EvidenceFile(name, "", content).sha256 for name, content in files]
    return {FILE: [[name, digest] for (name, _), digest in zip(files, digests, strict=True)]} if files else {}


def read_ask(request: Request) -> Ask:
    """Raises FieldsInvalid with every wrong field."""
    body = request.data
    if not isinstance(body, Mapping):
        raise invalid("non_field_errors", "invalid_type", 'must be an object like {"reason": "bad_phone"}')
    has_files = bool(getattr(request, "evidence", []))
    problems = find_unknown(body, known=tuple(_READERS), also=(FILE,) if has_files else ())
    values = {name: read_field(name, body, _READERS, problems) for name in _READERS}
    files = read_files(request, problems)
    if problems:
        raise FieldsInvalid(problems)
    return Ask(values["reason"], values["text"], values["amount_cents"], files)


def read_files(request: Request, problems: Problems) -> tuple[EvidenceFile, ...]:
    uploads = getattr(request, "evidence", [])
    if len(uploads) > MAX_FILES:
        problems[FILE] = [
            problem("too_many", f"has more than {MAX_FILES} files. Send the most important ones.")
        ]
        return ()
    try:
        return tuple(read_file(name, content) for name, content in uploads)
    except ReturnRefused as refusal:
        problems[FILE] = [problem(refusal.code, refusal.message)]
        return ()


def _read_reason(value: object) -> str:
    if value in (None, ""):
        raise FieldError("required", "is required: see the reasons of the return policy")
    if not isinstance(value, str):
        raise FieldError("invalid_type", "must be text")
    return value[:100]


def _read_text(value: object) -> str:
    return normalize_text(value, max_length=MAX_TEXT) or ""


_READERS: Final = {"reason": _read_reason, "text": _read_text, "amount_cents": read_cents}
