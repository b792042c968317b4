"""The WSGI entry point that the web server serves."""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

import django
from django.core.handlers.wsgi import WSGIHandler

from leadswitch.web.request import Utf8Request

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadswitch.settings")
os.environ.setdefault("LEADSWITCH_ROLE", "web")


if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class Utf8Handler(WSGIHandler):
    """Django leaves the body in an answer to HEAD, and waitress sends it: a client would read it as the next answer."""

    request_class = Utf8Request

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        response = super().__call__(environ, start_response)
        if environ["REQUEST_METHOD"] != "HEAD":
            return response
        response.close()
        return ()


django.setup(set_prefix=False)
application = Utf8Handler()
