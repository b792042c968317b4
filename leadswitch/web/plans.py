"""Statements of pages and lists are planned for their own values; intake keeps its statements prepared."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, cast

from django.db import connection
from django.http import HttpRequest, HttpResponse

if TYPE_CHECKING:
    from leadswitch.postgres.base import DatabaseWrapper

READING: Final = ("GET", "HEAD")


class UnpreparedReadsMiddleware:
    """For every request that reads. Put it before all middleware that uses the database: sessions, users."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method not in READING:
            return self.get_response(request)
        with cast("DatabaseWrapper", connection).without_prepared_statements():
            return self.get_response(request)
