"""Makes one try: prepares the request, sends it, and judges the answer. No database, so it runs in any thread."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from time import monotonic
from typing import Final

from distribution.deliveries.content import Work
from distribution.deliveries.ends import CANNOT_ANSWER, NO_TEST_ADDRESS
from distribution.deliveries.mailing import mail_together
from distribution.deliveries.outbound import OutboundClient, OutboundRequest, OutboundResult, Timeouts
from distribution.deliveries.payloads.answers import Answer, AnswerRules, decode
from distribution.deliveries.payloads.ends import Exchange, Judgment, Outcome, judge
from distribution.deliveries.payloads.events import DeliveredEvent
from distribution.deliveries.payloads.fields import Facts
from distribution.deliveries.payloads.headers import HeadersError, read_headers
from distribution.deliveries.payloads.hiding import hide_answer_head, hide_request, hide_text
from distribution.deliveries.payloads.requests import (
    CustomSettings,
    OutgoingRequest,
    prepare_custom,
    prepare_webhook,
)
from distribution.deliveries.payloads.template import TemplateError, compile_template
from distribution.deliveries.payloads.webhook import write_event, write_lead
from distribution.deliveries.tried import Texts, Tried
from distribution.models import ANSWERING, Endpoint, Method

logger = logging.getLogger(__name__)

# An answer is bounded by the client; more of it helps nobody who reads the page.
MAX_STORED: Final = 20_000
MAILED: Final = (Method.EMAIL, Method.CSV)


def not_sent(work: Work, *, error: str, started: float) -> Tried:
    took = int((monotonic() - started) * 1000)
    return Tried(work, Judgment(outcome=Outcome.NOT_SENT, error=error), took)


def try_together(
    works: Sequence[Work], *, client: OutboundClient, clock: Callable[[], datetime]
) -> list[Tried]:
    """Make the tries of one message: one work, or all rows of a daily CSV. Never raises."""
    started = monotonic()
    try:
        return _try_each(works, client=client, clock=clock)
    except Exception as error:  # noqa: BLE001 - a thread of the pool must outlive every message
        logger.error("deliveries.try_failed", extra={"cause": type(error).__name__})
        judgment = Judgment(outcome=Outcome.UNKNOWN, error=type(error).__name__)
        return [Tried(work, judgment, int((monotonic() - started) * 1000)) for work in works]


def _try_each(works: Sequence[Work], *, client: OutboundClient, clock: Callable[[], datetime]) -> list[Tried]:
    stopped = [
        not_sent(work, error=why, started=monotonic()) for work in works if (why := find_obstacle(work))
    ]
    sendable = [work for work in works if not find_obstacle(work)]
    if sendable and sendable[0].endpoint.method in MAILED:
        return [*stopped, *mail_together(sendable, clock=clock)]
    return [*stopped, *(try_once(work, client=client, clock=clock) for work in sendable)]


def find_obstacle(work: Work) -> str:
    """Why the endpoint, as it is now, must not get this message, as a short code. Blank: it may."""
    if work.destination.problem:
        return work.destination.problem
    if work.is_for_test_address and not work.endpoint.test_address:
        return NO_TEST_ADDRESS
    if work.claimed.is_direct_post and work.endpoint.method not in ANSWERING:
        return CANNOT_ANSWER
    return ""


def try_once(work: Work, *, client: OutboundClient, clock: Callable[[], datetime]) -> Tried:
    """Never raises: a failure of ours before the request is `not_sent`, and one after it began is `unknown`."""
    started = monotonic()
    try:
        request = prepare(work, at=clock())
    except Exception as error:  # noqa: BLE001 - the one place that contains a failure of one message
        return not_sent(work, error=_classify(error), started=started)
    try:
        return send(work, request, client=client, clock=clock)
    except Exception as error:  # noqa: BLE001 - as above; its message may quote the lead
        logger.error("deliveries.try_failed", extra={"cause": type(error).__name__})
        judgment = Judgment(outcome=Outcome.UNKNOWN, error=type(error).__name__)
        return Tried(work, judgment, int((monotonic() - started) * 1000))


class Unsendable(Exception):
    """The endpoint's settings do not allow a request. The message is a short code."""


def _classify(error: Exception) -> str:
    if isinstance(error, Unsendable):
        return str(error)
    if isinstance(error, TemplateError):
        return "template_invalid"
    if isinstance(error, HeadersError):
        return "headers_invalid"
    logger.error("deliveries.not_prepared", extra={"cause": type(error).__name__})
    return type(error).__name__


def prepare(work: Work, *, at: datetime) -> OutgoingRequest:
    """Raises Unsendable, TemplateError, HeadersError."""
    if work.destination.problem:
        raise Unsendable(work.destination.problem)
    if work.event is not None:
        return _prepare_event(work, work.event, at=at)
    if work.lead is None:
        raise Unsendable("no_content")
    endpoint, message_id = work.endpoint, str(work.claimed.message_id)
    url = endpoint.test_address if work.is_for_test_address else endpoint.url
    if endpoint.method == Method.WEBHOOK:
        body = write_lead(work.lead, at=work.claimed.created_at)
        return prepare_webhook(body, url=url, message_id=message_id, at=at, signing=work.destination.signing)
    return prepare_custom(_read_settings(work, url=url), facts=Facts(lead=work.lead, message_id=message_id))


def _prepare_event(work: Work, event: DeliveredEvent, *, at: datetime) -> OutgoingRequest:
    body = write_event(
        event.kind, event_id=event.event_id, at=event.at, data=event.data, is_test=event.is_test
    )
    message_id, signing = str(work.claimed.message_id), work.destination.signing
    return prepare_webhook(body, url=work.endpoint.url, message_id=message_id, at=at, signing=signing)


def _read_settings(work: Work, *, url: str) -> CustomSettings:
    endpoint = work.endpoint
    is_query = endpoint.http_method == "GET"
    body_format = "form" if is_query else endpoint.body_format
    return CustomSettings(
        http_method=endpoint.http_method,  # type: ignore[arg-type]  # the column has its choices
        url=url,
        template=compile_template(endpoint.template, body_format=body_format),  # type: ignore[arg-type]
        headers=read_headers(endpoint.headers),
    )


def read_rules(endpoint: Endpoint) -> AnswerRules:
    return AnswerRules(
        accept_term=endpoint.accept_term,
        accept_path=endpoint.accept_path,
        reason_path=endpoint.reason_path,
        price_path=endpoint.price_path,
        answer_format=endpoint.answer_format,  # type: ignore[arg-type]  # the column has its choices
    )


def send(
    work: Work, request: OutgoingRequest, *, client: OutboundClient, clock: Callable[[], datetime]
) -> Tried:
    result = client.send(
        OutboundRequest(
            url=request.url,
            method=request.method,
            headers=request.headers,
            body=request.body,
            timeouts=Timeouts.within(work.endpoint.timeout_seconds),
        )
    )
    exchange = Exchange(
        is_sent=result.is_sent,
        failure="" if result.failure is None else result.failure.value,
        status_code=result.status,
        answer=Answer(result.find_header("content-type"), result.body, is_cut=result.is_body_cut),
        retry_after=result.find_header("retry-after"),
    )
    judgment = judge(exchange, rules=read_rules(work.endpoint), at=clock())
    return Tried(work, judgment, result.duration_ms, result.status, write_texts(request, exchange, result))


def write_texts(request: OutgoingRequest, exchange: Exchange, result: OutboundResult) -> Texts:
    """PostgreSQL refuses NUL in a text."""
    stored = hide_request(request)
    head, body = "", ""
    if result.status is not None:
        head = hide_answer_head(result.status, result.headers, secrets=request.secrets)
        body = hide_text(decode(exchange.answer), secrets=request.secrets)
    texts = (each.replace("\0", "\ufffd")[:MAX_STORED] for each in (stored.head, stored.body, head, body))
    return Texts(*texts)


def is_success(tried: Tried) -> bool:
    """The endpoint answered with a status that means that it works."""
    success = range(200, 300)
    return tried.status_code in success or (
        tried.status_code is None and tried.judgment.outcome is Outcome.ACCEPTED
    )
