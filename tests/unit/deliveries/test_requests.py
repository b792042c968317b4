"""Requests as they are sent, custom headers, and requests and answers as they are stored: no secret is left."""

import base64
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit
from xml.sax.saxutils import escape

import pytest
import time_machine
from hypothesis import example, given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from distribution.deliveries.payloads.headers import HeadersError, read_headers
from distribution.deliveries.payloads.hiding import hide_answer_head, hide_request, hide_text
from distribution.deliveries.payloads.requests import (
    CustomSettings,
    OutgoingRequest,
    prepare_custom,
    prepare_webhook,
)
from distribution.deliveries.payloads.secret_names import is_secret_name
from distribution.deliveries.payloads.signing import SigningSecret
from distribution.deliveries.payloads.template import BodyFormat, compile_template
from distribution.deliveries.payloads.urls import hide_url
from distribution.deliveries.payloads.webhook import write_lead
from tests.unit.deliveries.payload_leads import MESSAGE_ID, make_facts, make_lead, patient

AT = datetime(2026, 1, 31, 23, 5, 9, tzinfo=UTC)
URL = "https://crm.example.com/leads"


def prepare(
    template: object = None,
    *,
    url: str = URL,
    method: Any = "POST",
    body_format: BodyFormat = "json",
    headers: Any = None,
) -> OutgoingRequest:
    compiled = compile_template(template or {"zip": "zip"}, body_format=body_format)
    settings = CustomSettings(
        http_method=method, url=url, template=compiled, headers=read_headers(headers or {})
    )
    return prepare_custom(settings, facts=make_facts())


# --- what is sent ---


def test_webhook_is_signed() -> None:
    secret = SigningSecret.generate()
    body = write_lead(make_lead(), at=AT)
    request = prepare_webhook(body, url=URL, message_id=MESSAGE_ID, at=AT, signing=[secret])
    assert (request.method, request.url, request.body) == ("POST", URL, body)
    assert [name for name, _ in request.headers] == [
        *("content-type", "user-agent", "webhook-id", "webhook-timestamp", "webhook-signature")
    ]
    with time_machine.travel(AT, tick=False):
        Webhook(secret.write()).verify(body, dict(request.headers))


@pytest.mark.parametrize(
    ("body_format", "content_type", "body"),
    [
        ("json", "application/json", b'{"lead": {"zip": "33647"}}'),
        ("form", "application/x-www-form-urlencoded", b"lead.zip=33647"),
        ("xml", "application/xml", b'<?xml version="1.0" encoding="UTF-8"?>\n<lead><zip>33647</zip></lead>'),
    ],
)
def test_custom_request(body_format: BodyFormat, content_type: str, body: bytes) -> None:
    request = prepare({"lead.zip": "zip"}, body_format=body_format, method="PUT")
    assert (request.method, request.url, request.body) == ("PUT", URL, body)
    assert request.headers == (
        *(("content-type", content_type), ("user-agent", "LeadSwitch"), ("idempotency-key", MESSAGE_ID)),
    )


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        (URL, f"{URL}?zip=33647&name=Test+Person"),
        (f"{URL}?a=1", f"{URL}?a=1&zip=33647&name=Test+Person"),
        (f"{URL}?", f"{URL}?zip=33647&name=Test+Person"),
        (f"{URL}?a=1&#part", f"{URL}?a=1&zip=33647&name=Test+Person"),
    ],
)
def test_get_sends_the_form_in_the_query(url: str, sent: str) -> None:
    request = prepare({"zip": "zip", "name": "full_name"}, url=url, method="GET", body_format="form")
    assert (request.method, request.url, request.body) == ("GET", sent, b"")
    assert "content-type" not in dict(request.headers)


def test_custom_headers_replace_the_usual_ones() -> None:
    headers = {
        "Content-Type": "application/vnd.crm+json",
        "X-Lead": "{id}/{assignment.id}",
        "X-Test": "{is_test}",
        "Authorization": "Bearer abcdef",
    }
    assert prepare(headers=headers).headers == (
        ("user-agent", "LeadSwitch"),
        ("idempotency-key", MESSAGE_ID),
        ("Content-Type", "application/vnd.crm+json"),
        ("X-Lead", "01a20094-d901-71ad-ae8f-000000000002/01a20094-ffff-71ad-ae8f-000000000001"),
        ("X-Test", "false"),
        ("Authorization", "Bearer abcdef"),
    )


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], 'must be an object like {"X-Source": "LeadSwitch"}'),
        ({"X A": "1"}, "X A: is not a name of a header: use letters, digits and -"),
        ({"X-A\r\nX-B": "1"}, "is not a name of a header"),
        ({"": "1"}, "is not a name of a header"),
        ({"X-A": "1\r\nX-B: 2"}, "X-A: must be 1 to 4000 printable ASCII characters"),
        ({"X-A": "1\n"}, "must be 1 to 4000 printable ASCII"),
        ({"X-A": ""}, "must be 1 to 4000 printable ASCII"),
        ({"X-A": " 1"}, "with no space or line break at its ends"),
        ({"X-A": "é"}, "must be 1 to 4000 printable ASCII"),
        ({"X-A": "a" * 4_001}, "must be 1 to 4000 printable ASCII"),
        ({"X-A": 1}, "must be 1 to 4000 printable ASCII"),
        ({"host": "a"}, "host: LeadSwitch sets this header itself: remove it"),
        ({"Content-Length": "1"}, "LeadSwitch sets this header itself"),
        ({"Transfer-Encoding": "chunked"}, "LeadSwitch sets this header itself"),
        ({"Webhook-Signature": "v1,a"}, "LeadSwitch sets this header itself"),
        ({"X-A": "1", "x-a": "2"}, "x-a: is there twice; letter case does not count: keep one"),
        ({"X-A": {"value": "1", "hidden": True}}, "must be text, or an object like"),
        ({"X-A": {"secret": True}}, "must be text, or an object like"),
        ({"X-A": {"value": "1", "secret": 1}}, "secret must be true or false"),
        ({"X-A": "{email}"}, "{email} does not belong in a header: use {assignment.id}, {id}, {is_test}, {message_id}"),
        ({"X-A": "{idd}"}, "unknown field 'idd': did you mean 'id' (LeadSwitch's id of the lead)?"),
        ({f"X-{number}": "1" for number in range(31)}, "has more than 30 headers: use fewer"),
    ],
)  # fmt: skip
def test_wrong_header_is_explained(document: object, message: str) -> None:
    with pytest.raises(HeadersError) as caught:
        read_headers(document)
    [problem] = caught.value.problems
    assert problem.field == "headers"
    assert message in problem.message


@patient
@given(name=st.text(max_size=8), value=st.text(max_size=8))
@example(name="X-A", value="a\tb")
def test_accepted_header_is_one_line(name: str, value: str) -> None:
    try:
        [header] = read_headers({name: value})
    except HeadersError:
        return
    line = ": ".join(header.render(make_facts()))
    assert len(line.splitlines()) == 1
    assert line.isascii()
    assert line == line.strip()


# --- what is stored ---

SECRET = "s3cr&t/<Pass>=\"w\u00f6rd' 1"


SECRET_NAMES = """
    Authorization Proxy-Authorization Cookie Set-Cookie X-Api-Key apikey api_key accessToken webhook-signature password
    X-Auth-Token PWD client_secret Key sig x-hub-signature-256
"""


@pytest.mark.parametrize("name", SECRET_NAMES.split())
def test_secret_name(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "zip",
        "Idempotency-Key",
        "webhook-id",
        "keyword",
        "author",
        "monkey",
        "Content-Type",
        "X-Source",
        "design",
    ],
)
def test_other_name_is_not_secret(name: str) -> None:
    assert not is_secret_name(name)


def test_stored_webhook_has_no_signature() -> None:
    secret = SigningSecret.generate()
    request = prepare_webhook(
        *(b'{"a":"\xc3\xa9"}',),
        url="https://user:pass-word@crm.example.com/in?token=abcdef&zip=1#x",
        message_id=MESSAGE_ID,
        at=AT,
        signing=[secret],
    )
    stored = hide_request(request)
    assert stored.head.splitlines() == [
        "POST https://(hidden)@crm.example.com/in?token=(hidden)&zip=1",
        "content-type: application/json",
        "user-agent: LeadSwitch",
        f"webhook-id: {MESSAGE_ID}",
        "webhook-timestamp: 1769900709",
        "webhook-signature: (hidden)",
    ]
    assert stored.body == '{"a":"é"}'
    assert request.secrets == {"pass-word", "abcdef"}


def test_stored_custom_request_shows_what_is_not_secret() -> None:
    request = prepare(
        {
            "Key": "33",
            "Name": "full_name",
            "Pin": {"value": "7", "secret": False},
            "Note": {"value": "n0", "secret": True},
        },
        headers={
            "Authorization": "Bearer abcdef",
            "X-Partner": {"value": "77", "secret": True},
            "X-Source": "LeadSwitch",
        },
    )
    assert json.loads(request.body) == {"Key": "33", "Name": "Test Person", "Pin": "7", "Note": "n0"}
    stored = hide_request(request)
    assert json.loads(stored.body) == {
        "Key": "(hidden)",
        "Name": "Test Person",
        "Pin": "7",
        "Note": "(hidden)",
    }
    assert stored.head.splitlines() == [
        f"POST {URL}",
        "content-type: application/json",
        "user-agent: LeadSwitch",
        f"idempotency-key: {MESSAGE_ID}",
        "Authorization: Bearer (hidden)",
        "X-Partner: (hidden)",
        "X-Source: LeadSwitch",
    ]
    assert "abcdef" not in repr(request)


@pytest.mark.parametrize(("url", "first"), [(URL, "?"), (f"{URL}?a=1", "&")])
def test_query_of_get_is_stored_as_the_body_without_secrets(url: str, first: str) -> None:
    """The head is kept for ever, so the person's data must not be in it."""
    request = prepare({"Key": "33", "zip": "zip"}, url=url, method="GET", body_format="form")

    assert (request.url, request.body) == (f"{url}{first}Key=33&zip=33647", b"")
    stored = hide_request(request)
    assert stored.head.splitlines()[0] == f"GET {url}"
    assert stored.body == f"{first}Key=%28hidden%29&zip=33647"


@pytest.mark.parametrize("body_format", ["json", "form", "xml"])
def test_secret_of_a_template_is_hidden_in_every_format(body_format: BodyFormat) -> None:
    request = prepare({"r.key": {"value": SECRET, "secret": True}, "r.zip": "zip"}, body_format=body_format)
    stored = hide_request(request)
    assert "33647" in stored.body
    assert "hidden" in stored.body
    assert "cr&" not in stored.body
    assert "Pass" not in stored.head + stored.body


@pytest.mark.parametrize(
    "spelling",
    [
        SECRET,
        quote(SECRET, safe=""),
        quote(SECRET),
        quote_plus(SECRET),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        escape(SECRET),
        escape(SECRET, {'"': "&quot;", "'": "&#x27;"}),
        base64.b64encode(SECRET.encode()).decode(),
    ],
)
def test_answer_that_repeats_a_secret_is_hidden(spelling: str) -> None:
    assert hide_text(f"you sent [{spelling}], thanks", secrets={SECRET}) == "you sent [(hidden)], thanks"


def test_password_of_a_basic_authorization_is_hidden() -> None:
    value = "Basic " + base64.b64encode(b"agency:opensesame").decode()
    request = prepare(headers={"Authorization": value})
    answer = f"agency:opensesame opensesame {value} {value.removeprefix('Basic ')}"
    assert hide_text(answer, secrets=request.secrets) == "(hidden) (hidden) (hidden) (hidden)"


@patient
@given(
    secrets=st.lists(st.text("abcXYZ0189/+= &<é", min_size=6, max_size=10), min_size=1, max_size=3),
    parts=st.lists(st.text("abcXYZ0189/+= &<é", max_size=4) | st.integers(0, 2), max_size=10),
)
def test_no_secret_is_left_in_a_text(secrets: list[str], parts: list[str | int]) -> None:
    """Also if secrets overlap or contain each other."""
    text = "".join(secrets[part % len(secrets)] if isinstance(part, int) else part for part in parts)
    hidden = hide_text(text, secrets=secrets)
    assert [secret for secret in secrets if secret in hidden] == []


def test_text_without_secrets_stays() -> None:
    assert hide_text("33 leads", secrets={"33", ""}) == "33 leads"
    assert hide_text("33 leads", secrets=()) == "33 leads"


def test_stored_answer_head_has_no_cookie() -> None:
    headers = [("Content-Type", "text/html"), ("Set-Cookie", "a=1"), ("X-Echo", "Bearer abcdef")]
    assert hide_answer_head(503, headers, secrets={"Bearer abcdef"}).splitlines() == [
        "503",
        "Content-Type: text/html",
        "Set-Cookie: (hidden)",
        "X-Echo: (hidden)",
    ]


@patient
@given(
    user=st.text("abc:%", max_size=6),
    pairs=st.lists(
        st.tuples(st.sampled_from(["key", "zip", "Access-Token", "p%61ssword"]), st.text("x1", min_size=1))
    ),
)
def test_stored_url_keeps_its_other_parts(user: str, pairs: list[tuple[str, str]]) -> None:
    query = "&".join(f"{name}={value}" for name, value in pairs)
    shown = hide_url(f"https://{user}@crm.example.com/a/b?{query}#secret-part")
    split = urlsplit(shown)
    assert (split.scheme, split.hostname, split.path, split.fragment) == (
        "https",
        "crm.example.com",
        "/a/b",
        "",
    )
    assert split.username == "(hidden)"
    expected = [(name, value if name == "zip" else "(hidden)") for name, value in pairs]
    assert parse_qsl(split.query) == [(name.replace("%61", "a"), value) for name, value in expected]


@patient
@given(st.text(max_size=40))
def test_no_url_raises(url: str) -> None:
    hide_url(url)
