"""Secrets in the address of an endpoint: user and password, and parameters with a secret name."""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote, unquote_plus

from distribution.deliveries.payloads.secret_names import HIDDEN, is_secret_name

USER_INFO: Final = re.compile(r"(?<=//)([^/?#]*)@")


def hide_url(url: str) -> str:
    """Without user and password, and without values of secret parameters. Other parameters stay."""
    base, mark, query = url.partition("#")[0].partition("?")
    shown = USER_INFO.sub(f"{HIDDEN}@", base, count=1)
    return shown + mark + "&".join(_hide_parameter(each) for each in query.split("&"))


def _hide_parameter(parameter: str) -> str:
    name, mark, _ = parameter.partition("=")
    return f"{name}={HIDDEN}" if mark and is_secret_name(unquote_plus(name)) else parameter


def list_url_secrets(url: str) -> Iterator[str]:
    """An answer may repeat them."""
    base, _, query = url.partition("#")[0].partition("?")
    if found := USER_INFO.search(base):
        yield unquote(found[1].partition(":")[2])
    for parameter in query.split("&"):
        name, _, value = parameter.partition("=")
        if is_secret_name(unquote_plus(name)):
            yield unquote_plus(value)
