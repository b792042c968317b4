"""The request of one try, as bytes, and the same request as it may be stored."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from distribution.deliveries.payloads.fields import Facts
from distribution.deliveries.payloads.headers import CustomHeader, Header
from distribution.deliveries.payloads.signing import SigningSecret, sign_message
from distribution.deliveries.payloads.template import CONTENT_TYPES, Template
from distribution.deliveries.payloads.urls import list_url_secrets
from distribution.deliveries.payloads.webhook import CONTENT_TYPE

HttpMethod = Literal["POST", "PUT", "PATCH", "GET"]
USER_AGENT: Final = "LeadSwitch"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingRequest:
    """`shown_url` and `shown_body` hide secrets of the template. `secrets` are hidden in everything that is stored.

    `secret_headers`: names in lower case whose values are secret though their names do not say so.
    """

    method: HttpMethod
    url: str = field(repr=False)
    headers: tuple[Header, ...] = field(repr=False)
    body: bytes = field(repr=False)
    shown_url: str = field(repr=False)
    shown_body: bytes = field(repr=False)
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    secret_headers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomSettings:
    """How an endpoint of the method `http` is called. GET needs a template of the format form: it becomes the query."""

    http_method: HttpMethod
    url: str = field(repr=False)
    template: Template
    headers: tuple[CustomHeader, ...] = ()


def prepare_webhook(
    body: bytes, *, url: str, message_id: str, at: datetime, signing: Sequence[SigningSecret]
) -> OutgoingRequest:
    """`body` is that of `webhook.py`, the same for every try. `at` is now."""
    signed = sign_message(body, message_id=message_id, at=at, signing=signing)
    headers = (("content-type", CONTENT_TYPE), ("user-agent", USER_AGENT), *signed.items())
    return OutgoingRequest(
        method="POST",
        url=url,
        headers=headers,
        body=body,
        shown_url=url,
        shown_body=body,
        secrets=frozenset(list_url_secrets(url)),
    )


def prepare_custom(settings: CustomSettings, *, facts: Facts) -> OutgoingRequest:
    """The same message id for every try, so that a receiver may recognize a repetition.

    The query of GET is shown as the body, because it is personal data and bodies are not kept for long.
    """
    template = settings.template
    body, shown = template.render(facts), template.render(facts, hides_secrets=True)
    is_query = settings.http_method == "GET"
    usual = [("user-agent", USER_AGENT), ("idempotency-key", facts.message_id)]
    if not is_query:
        usual.insert(0, ("content-type", CONTENT_TYPES[template.body_format]))
    secrets = {each.render(facts)[1] for each in settings.headers if each.is_secret}
    return OutgoingRequest(
        method=settings.http_method,
        url=_add_query(settings.url, body) if is_query else settings.url,
        headers=_merge(usual, [each.render(facts) for each in settings.headers]),
        body=b"" if is_query else body,
        shown_url=settings.url,
        shown_body=_write_query(settings.url, shown).encode() if is_query else shown,
        secret_headers=frozenset(each.name.lower() for each in settings.headers if each.is_secret),
        secrets=frozenset([*secrets, *template.list_secrets(), *list_url_secrets(settings.url)]),
    )


def _add_query(url: str, query: bytes) -> str:
    return url.partition("#")[0] + _write_query(url, query)


def _write_query(url: str, query: bytes) -> str:
    """What the fields add to the URL."""
    base = url.partition("#")[0]
    separator = "?" if "?" not in base else "" if base.endswith(("?", "&")) else "&"
    return f"{separator}{query.decode()}" if query else ""


def _merge(usual: Sequence[Header], custom: Sequence[Header]) -> tuple[Header, ...]:
    """A custom header of the same name replaces the usual one."""
    names = {name.lower() for name, _ in custom}
    return (*(each for each in usual if each[0] not in names), *custom)
