"""One HTTP client for a process of the tests."""

from functools import cache
from http.cookiejar import DefaultCookiePolicy

import httpx


@cache
def plain_client() -> httpx.Client:
    """For servers without TLS. `httpx.get` would read the certificates of all authorities for each request: 20 ms.

    As with `httpx.get`, no connection is used twice and no cookie is kept.
    """
    client = httpx.Client(limits=httpx.Limits(max_keepalive_connections=0))
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return client
