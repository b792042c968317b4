"""Makes a ping endpoint ready to be asked: its template compiled, its headers and rules read."""

from dataclasses import dataclass, field

from distribution.deliveries.payloads.answers import AnswerRules
from distribution.deliveries.payloads.bids import BidRules
from distribution.deliveries.payloads.headers import CustomHeader, HeadersError, read_headers
from distribution.deliveries.payloads.pings import compile_ping
from distribution.deliveries.payloads.requests import CustomSettings
from distribution.deliveries.payloads.requests import HttpMethod as HttpMethodName
from distribution.deliveries.payloads.template import Template, TemplateError
from distribution.models import Endpoint, HttpMethod
from distribution.models.encrypted import EncryptedWithOtherKey

NO_TEST_URL = "no test URL"


@dataclass(frozen=True, slots=True, kw_only=True)
class PingTarget:
    """`problem`: why nothing can be sent to it, as a short text; empty if it can."""

    endpoint_id: int
    url: str = field(repr=False)
    test_url: str = field(repr=False)
    http_method: HttpMethodName
    template: Template | None
    headers: tuple[CustomHeader, ...]
    rules: BidRules
    timeout_seconds: int
    max_in_flight: int
    problem: str = ""

    def find_obstacle(self, *, is_test: bool) -> str:
        """Why it must not be asked. Test leads never go to the live address. Blank: it may be asked."""
        return self.problem or (NO_TEST_URL if is_test and not self.test_url else "")

    def make_settings(self, *, is_test: bool) -> CustomSettings:
        assert self.template is not None  # noqa: S101 - without a template it has a problem
        return CustomSettings(
            http_method=self.http_method,
            url=self.test_url if is_test else self.url,
            template=self.template,
            headers=self.headers,
        )


def read_target(endpoint: Endpoint) -> PingTarget:
    """Needs its headers and template, which it may have to read. The template is checked again: it may be older."""
    template: Template | None = None
    headers: tuple[CustomHeader, ...] = ()
    problem = ""
    try:
        template, headers = _compile(endpoint)
    except EncryptedWithOtherKey:
        problem = "secret unreadable"
    except TemplateError:
        problem = "template invalid"
    except HeadersError:
        problem = "headers invalid"
    return PingTarget(
        endpoint_id=endpoint.pk,
        url=endpoint.url,
        test_url=endpoint.test_url,
        http_method=endpoint.http_method,  # type: ignore[arg-type]  # the column has its choices
        template=template,
        headers=headers,
        rules=read_bid_rules(endpoint),
        timeout_seconds=endpoint.timeout_seconds,
        max_in_flight=endpoint.max_in_flight,
        problem=problem,
    )


def _compile(endpoint: Endpoint) -> tuple[Template, tuple[CustomHeader, ...]]:
    body_format = "form" if endpoint.http_method == HttpMethod.GET else endpoint.body_format
    template = compile_ping(endpoint.template, body_format=body_format)  # type: ignore[arg-type]  # its choices
    return template, read_headers(endpoint.headers)


def read_bid_rules(endpoint: Endpoint) -> BidRules:
    answer = AnswerRules(
        accept_term=endpoint.accept_term,
        accept_path=endpoint.accept_path,
        reason_path=endpoint.reason_path,
        price_path=endpoint.price_path,
        bid_id_path=endpoint.bid_id_path,
        answer_format=endpoint.answer_format,  # type: ignore[arg-type]  # the column has its choices
    )
    return BidRules(answer=answer, price_unit=endpoint.price_unit)
