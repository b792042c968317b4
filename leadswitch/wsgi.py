"""The WSGI entry point that the web server serves."""

import os

import django
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from leadswitch.web.request import Utf8Request

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadswitch.settings")
os.environ.setdefault("LEADSWITCH_ROLE", "web")


class Utf8Handler(WSGIHandler):
    """Django leaves the body in an answer to HEAD, and waitress sends it: a client would read it as the next answer."""

    request_class = Utf8Request

    def get_response(self, request: HttpRequest) -> HttpResponseBase:
        response = super().get_response(request)
        if request.method == "HEAD":
            empty(response)
        return response


def empty(response: HttpResponseBase) -> None:
    """The headers stay, also the length of the body."""
    if isinstance(response, StreamingHttpResponse):
        response.streaming_content = ()
    elif isinstance(response, HttpResponse):
        response.content = b""


django.setup(set_prefix=False)
application = Utf8Handler()
