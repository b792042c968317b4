"""Refuses characters that PostgreSQL cannot store anywhere in a request: a 400, and never a 500.

Bodies of the API are not read here: `routing.api.guard` reads those. Neither are those of carriers, which are signed
over every field, and of which `distribution.calls.notices` stores only what it knows.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse

READ_LATER: Final = ("/api/", "/calls/")
FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


class UnstorableInput(BadRequest):
    """Its text is shown to the sender."""

    def __init__(self) -> None:
        super().__init__(
            "The address or the form contains a character that cannot be stored (a NUL or half a surrogate pair)."
            " Remove it and send it again."
        )


class StorableInputMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if any(UNSTORABLE.search(text) for text in iterate_texts(request)):
            raise UnstorableInput
        return self.get_response(request)


def iterate_texts(request: HttpRequest) -> Iterator[str]:
    """Yield every text of a request that a view may look up or store."""
    yield request.path_info
    if request.META.get("QUERY_STRING"):
        for name, values in request.GET.lists():
            yield from (name, *values)
    if request.path_info.startswith(READ_LATER):
        return
    # The session's key is looked up in the database.
    yield from request.COOKIES.values()
    if request.content_type in FORMS:
        for name, values in request.POST.lists():
            yield from (name, *map(str, values))
        yield from (file.name or "" for _, files in request.FILES.lists() for file in files)
