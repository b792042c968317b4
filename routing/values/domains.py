"""Internationalized domain names: one form to compare and one to show."""

import re
from typing import Final

import idna

DOMAIN: Final = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{1,58}[a-z0-9])"
)
MAX_DOMAIN: Final = 253


def encode_domain(domain: str) -> str | None:
    """The ASCII form that DNS uses; None if it is not a domain. `domain` must be lowercase."""
    if domain.isascii() and "xn--" not in domain:
        return domain if _is_ascii_domain(domain) else None
    ascii_form = _to_ascii(domain)
    # Other scripts' full stops are mapped to dots; only real dots may separate.
    if ascii_form is None or ascii_form.count(".") != domain.count("."):
        return None
    return ascii_form if _is_ascii_domain(ascii_form) else None


def show_domain(ascii_form: str) -> str:
    """The readable form, with letters instead of xn--, if it encodes back to the same domain."""
    if "xn--" not in ascii_form:
        return ascii_form
    try:
        shown = idna.decode(ascii_form)
    except (idna.IDNAError, UnicodeError):
        return ascii_form
    return shown if encode_domain(shown) == ascii_form else ascii_form


def _to_ascii(domain: str) -> str | None:
    try:
        return idna.encode(domain, uts46=True, transitional=False).decode().lower()
    except (idna.IDNAError, UnicodeError):
        pass
    # Registries sell names that IDNA 2008 does not allow, such as those with emoji.
    try:
        return domain.encode("idna").decode().lower()
    except UnicodeError:
        return None


def _is_ascii_domain(domain: str) -> bool:
    return len(domain) <= MAX_DOMAIN and DOMAIN.fullmatch(domain) is not None
