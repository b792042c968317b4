"""Reads a URL strictly: what two readers could understand differently is refused. Pure."""

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final
from urllib.parse import SplitResult, quote, urlsplit

import idna

from distribution.deliveries.outbound.addresses import Address
from distribution.deliveries.outbound.failures import Failure, RefusedURL

MAX_URL_LENGTH: Final = 2_000
MAX_HOST_LENGTH: Final = 253
DEFAULT_PORTS: Final = {"http": 80, "https": 443}
UNUSABLE: Final = re.compile(r"[\x00-\x20\x7f-\xa0\\]")
LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
# Resolvers read a host that ends in such a label as an IPv4 address: 2130706433 and 0x7f.1 are 127.0.0.1.
NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
# What a browser sends as it is. An existing %XX remains.
IN_PATH: Final = "/%:@!$&'()*+,;=~-._[]|"
IN_QUERY: Final = f"{IN_PATH}?{{}}^`"
EXAMPLE: Final = "https://leads.example.com/new"


@dataclass(frozen=True, slots=True)
class Target:
    """`host` is ASCII, without brackets. `literal` is set if it is an address. `resource`: path and query."""

    scheme: str
    host: str
    port: int
    resource: str
    literal: Address | None

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port

    @property
    def authority(self) -> str:
        """The Host header."""
        host = f"[{self.host}]" if isinstance(self.literal, IPv6Address) else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


@lru_cache(maxsize=1024)
def parse_url(url: str) -> Target:
    """Raises RefusedURL."""
    parts = _split(url)
    host, literal = _read_host(parts)
    return Target(
        scheme=parts.scheme,
        host=host,
        port=_read_port(parts),
        resource=_read_resource(parts),
        literal=literal,
    )


def _split(url: str) -> SplitResult:
    if len(url) > MAX_URL_LENGTH:
        raise _refuse(f"The URL has {len(url)} characters. Use at most {MAX_URL_LENGTH}.")
    if UNUSABLE.search(url):
        raise _refuse(
            "The URL contains a space, a control character or a backslash. Remove it, or write it as %20."
        )
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _refuse(f"This is not a URL. Use one such as {EXAMPLE}.") from None
    _check_parts(parts)
    return parts


def _check_parts(parts: SplitResult) -> None:
    if parts.scheme not in DEFAULT_PORTS:
        raise _refuse(f"The URL does not begin with https://. Use one such as {EXAMPLE}.")
    if "@" in parts.netloc:
        raise _refuse(
            "The URL contains a user name or a password. Remove everything before @, and send it in a header."
        )
    if parts.fragment:
        raise _refuse("The URL contains #. What comes after it is never sent: remove it.")


def _read_resource(parts: SplitResult) -> str:
    path = quote(parts.path or "/", safe=IN_PATH)
    return f"{path}?{quote(parts.query, safe=IN_QUERY)}" if parts.query else path


def _read_port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise _refuse("The port is not a number from 1 to 65535. Correct it, or remove it.")
    return port or DEFAULT_PORTS[parts.scheme]


def _read_host(parts: SplitResult) -> tuple[str, Address | None]:
    host = parts.hostname or ""
    if "[" in parts.netloc:
        return _read_ipv6(host)
    name = host if host.isascii() else _to_ascii(host)
    _check_name(name)
    return name, _read_ipv4(name)


def _read_ipv6(host: str) -> tuple[str, Address]:
    try:
        address = IPv6Address(host)
    except AddressValueError:
        raise _refuse("What is in brackets is not an IPv6 address. Use the host's name.") from None
    if address.scope_id:
        raise _refuse("The IPv6 address has a zone (%). Use the host's name.")
    return str(address), address


def _to_ascii(host: str) -> str:
    """Domain names in other scripts, and digits in them: some are read as an IPv4 address."""
    try:
        return idna.encode(host, uts46=True, std3_rules=True).decode("ascii").lower()
    except idna.IDNAError:
        raise _refuse("The host is not a valid domain name. Copy it again, or type it.") from None


def _check_name(name: str) -> None:
    if not name:
        raise _refuse(f"The URL names no host. Use one such as {EXAMPLE}.")
    if name.endswith("."):
        raise _refuse("The host ends with a dot. Remove the dot.")
    if len(name) > MAX_HOST_LENGTH or not all(LABEL.fullmatch(label) for label in name.split(".")):
        raise _refuse("The host is not a valid domain name. Use letters, digits, hyphens and dots.")


def _read_ipv4(name: str) -> IPv4Address | None:
    if not NUMBER.fullmatch(name.rpartition(".")[2]):
        return None
    try:
        return IPv4Address(name)
    except AddressValueError:
        raise _refuse(
            "The host is a number. Use the host's name, or an address of four decimal numbers."
        ) from None


def _refuse(message: str) -> RefusedURL:
    return RefusedURL(Failure.BAD_URL, message)
