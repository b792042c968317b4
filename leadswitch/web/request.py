"""Requests whose addresses and forms are UTF-8, as browsers send them. The charset of the Content-Type is ignored.

Django would decode both with that charset, and fails before any view if it is not a text encoding, such as `hex`.
"""

from collections.abc import MutableMapping
from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.utils.http import parse_header_parameters


class Utf8Request(WSGIRequest):
    def _set_content_type_params(self, meta: MutableMapping[str, Any]) -> None:
        """Ignore the charset. A header that Django cannot read counts as missing: the view returns 415."""
        try:
            self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except ValueError:
            meta["CONTENT_TYPE"] = ""
            self.content_type, self.content_params = "", {}
