"""Answers of buyers' systems: which are accepted, what reason and price they give, and which cannot be read."""

import json
import re
import unicodedata
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distribution.deliveries.payloads.answers import (
    Answer,
    AnswerRules,
    Reading,
    Verdict,
    clean_reason,
    find_rule_problems,
    read_answer,
    read_cents,
    read_reason,
)
from tests.unit.deliveries.payload_leads import patient

ACCEPTED, REJECTED, UNREADABLE = Verdict.ACCEPTED, Verdict.REJECTED, Verdict.UNREADABLE
JSON, XML, HTML = "application/json", "text/xml; charset=utf-8", "text/html"


def read(body: str | bytes, content_type: str = JSON, *, is_cut: bool = False, **rules: Any) -> Reading:
    data = body if isinstance(body, bytes) else body.encode()
    return read_answer(Answer(content_type, data, is_cut), rules=AnswerRules(**rules))


# --- answers of known systems ---


@pytest.mark.parametrize(
    ("body", "verdict", "reason", "cents"),
    [
        ('{"outcome":"success","lead":{"id":"1"},"price":12.5}', ACCEPTED, "", 1250),
        ('{"outcome":"failure","reason":"duplicate lead"}', REJECTED, "duplicate lead", None),
        ('{"outcome":"error","reason":null}', REJECTED, "", None),
        ("{}", REJECTED, "", None),
        ("[]", REJECTED, "", None),
        ('{"outcome":"success"', UNREADABLE, "", None),
        ("<html>Service is being updated</html>", UNREADABLE, "", None),
        ("", UNREADABLE, "", None),
    ],
)
def test_json_answer_of_lead_conduit(body: str, verdict: Verdict, reason: str, cents: int | None) -> None:
    rules = {
        "accept_path": "outcome",
        "accept_term": "success",
        "reason_path": "reason",
        "price_path": "price",
    }
    assert read(body, **rules) == Reading(verdict, reason, cents)
    assert read(body, HTML, answer_format="json", **rules) == Reading(verdict, reason, cents)


@pytest.mark.parametrize(
    ("body", "verdict", "reason", "cents"),
    [
        (
            "<response><status>Matched</status><lead_id>1001</lead_id><price>$1,012.50</price></response>",
            *(ACCEPTED, "", 101250),
        ),
        (
            '\n<?xml version="1.0"?>\n<response><status>Unmatched</status><error>No &amp; never</error></response>',
            *(REJECTED, "No & never", None),
        ),
        ("<response/>", REJECTED, "", None),
        ("<response><status>Matched</status>", UNREADABLE, "", None),
        ('<!DOCTYPE r [<!ENTITY a "Matched">]><r><status>&a;</status></r>', UNREADABLE, "", None),
    ],
)
@pytest.mark.parametrize("path", ["status", "/response/status", "response/status/text()", "//status"])
def test_xml_answer_of_boberdoo(
    body: str, verdict: Verdict, reason: str, cents: int | None, path: str
) -> None:
    rules = {"accept_path": path, "accept_term": "matched", "reason_path": "error", "price_path": "price"}
    assert read(body, XML, **rules) == Reading(verdict, reason, cents)


@pytest.mark.parametrize(
    ("body", "verdict"),
    [("Matched", ACCEPTED), ("status=matched&id=1", ACCEPTED), ("Unmatched", REJECTED), ("", UNREADABLE)],
)
def test_term_alone_is_looked_for_as_a_whole_word(body: str, verdict: Verdict) -> None:
    assert read(body, "text/plain", accept_term="Matched").verdict is verdict


@pytest.mark.parametrize(
    ("body", "verdict", "reason"),
    [("OK|1234", ACCEPTED, ""), ("ERR|bad zip", REJECTED, "bad zip"), (" \n", UNREADABLE, "")],
)
def test_regular_expression(body: str, verdict: Verdict, reason: str) -> None:
    rules = {"accept_path": r"^OK\|\d+", "reason_path": r"ERR\|(.*)", "answer_format": "text"}
    assert read(body, HTML, **rules) == Reading(verdict, reason, None)


def test_regular_expression_needs_linear_time() -> None:
    """A pattern that takes Python's own engine years."""
    body = "a" * 60_000 + "!"
    assert read(body, accept_path="(a+)+$", answer_format="text").verdict is REJECTED


def test_without_a_rule_every_answer_accepts() -> None:
    for body in ("", "no", "<", '{"accepted": false}'):
        assert read(body).verdict is ACCEPTED
    reading = read('{"price": "20", "message": "thanks"}', price_path="price", reason_path="message")
    assert reading == Reading(ACCEPTED, "thanks", 2000)
    assert read("<html>", price_path="price", reason_path="message") == Reading(ACCEPTED, "", None)


@pytest.mark.parametrize("value", ["0", "0.0", "-0", "0.00", "0e5", '"0.0"', "false", '"no"', "null", "[]"])
def test_value_that_says_no_does_not_accept(value: str) -> None:
    assert read(f'{{"ok": {value}}}', accept_path="ok").verdict is REJECTED


@pytest.mark.parametrize("value", ["1", "0.5", "true", '"yes"', '"00x"'])
def test_other_value_accepts(value: str) -> None:
    assert read(f'{{"ok": {value}}}', accept_path="ok").verdict is ACCEPTED


# --- answers in doubt are unreadable, not rejected ---


@pytest.mark.parametrize("path", ["result.status", "/response/status"])
@pytest.mark.parametrize("content_type", [HTML, "text/plain", "", "application/xhtml+xml", "image/png"])
def test_path_needs_a_content_type_that_it_is_for(path: str, content_type: str) -> None:
    assert read("<p>updating</p>", content_type, accept_path=path).verdict is UNREADABLE


@pytest.mark.parametrize(
    ("path", "body", "content_type"),
    [
        ("result.status", "<result><status>ok</status></result>", XML),
        ("/result/status", '{"result": {"status": "ok"}}', JSON),
        ("status/@code", '{"status": "ok"}', JSON),
    ],
)
def test_path_is_not_applied_to_the_other_format(path: str, body: str, content_type: str) -> None:
    assert read(body, content_type, accept_path=path).verdict is UNREADABLE


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_number_that_json_lacks_is_unreadable(value: str) -> None:
    assert read(f'{{"ok": {value}}}', accept_path="ok").verdict is UNREADABLE


def test_cut_answer_rejects_nothing() -> None:
    assert read("so far so good", "text/plain", is_cut=True, accept_term="accepted").verdict is UNREADABLE
    assert read("accepted, and more", "text/plain", is_cut=True, accept_term="accepted").verdict is ACCEPTED
    assert read('{"status":"ok","log":"aaa', is_cut=True, accept_path="status").verdict is UNREADABLE


def test_term_alone_needs_the_format_if_one_is_set() -> None:
    assert read("<html>no answer</html>", accept_term="accepted", answer_format="json").verdict is UNREADABLE
    assert read('{"a":"accepted"}', HTML, accept_term="accepted", answer_format="json").verdict is ACCEPTED


@pytest.mark.parametrize(
    "body",
    ["[" * 100_000, "9" * 5_000, "{" * 10, '"\\ud800', "\x00", "nul"],
    ids=["deep", "long number", "open", "half text", "NUL", "word"],
)
def test_hostile_json_is_unreadable(body: str) -> None:
    assert read(body, accept_path="a.b").verdict is UNREADABLE


def test_deep_xml_is_read_or_unreadable() -> None:
    body = "<a>" * 20_000 + "</a>" * 20_000
    assert read(body, XML, accept_path="//b").verdict in (REJECTED, UNREADABLE)


# --- paths ---

names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,6}", fullmatch=True)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=10,
)


def walk(value: Any, path: str = "") -> list[tuple[str, Any]]:
    """Each place of a document with its path, as an independent oracle writes it."""
    places = [(path, value)]
    if isinstance(value, dict):
        for key, inner in value.items():
            places += walk(inner, f"{path}.{key}" if path else key)
    if isinstance(value, list):
        for number, inner in enumerate(value):
            places += walk(inner, f"{path}[{number}]")
    return places


@patient
@given(document=st.dictionaries(names, values, min_size=1, max_size=4), data=st.data())
def test_every_place_of_a_json_answer_is_found(document: dict[str, Any], data: st.DataObject) -> None:
    path, value = data.draw(st.sampled_from(walk(document)[1:]))
    expected = (
        value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
    )
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        expected = "; ".join(value)
    reading = read(json.dumps(document), reason_path=path, answer_format="json")
    assert reading.reason == clean_reason(expected)
    assert read(json.dumps(document), reason_path=f"$.{path}", answer_format="json") == reading


def test_json_path_with_every_item_and_quoted_name() -> None:
    body = '{"errors":[{"code":1},{"message":" "},{"message":"bad zip"}],"a.b":{"c d":"x"}}'
    assert read(body, reason_path="errors[*].message").reason == "bad zip"
    assert read(body, reason_path='["a.b"]["c d"]').reason == "x"
    assert read(body, reason_path="errors[1].message").reason == ""
    assert read(body, reason_path="errors[9].message").reason == ""


@patient
@given(
    text=st.text(st.characters(exclude_categories=["C"]), max_size=20), code=st.text("ab<&\"'", max_size=5)
)
def test_text_and_attribute_of_an_xml_answer(text: str, code: str) -> None:
    quoted = escape(code, {'"': "&quot;"})
    body = f'<s:r xmlns:s="urn:x"><s:error code="{quoted}">{escape(text)}</s:error></s:r>'
    for path in ("//error", "s:error", "/s:r/s:error", "/r/error", "r/error/text()"):
        assert read(body, XML, reason_path=path, answer_format="xml").reason == clean_reason(text)
    assert read(body, XML, reason_path="error/@code").reason == clean_reason(code)


@pytest.mark.parametrize(
    ("field", "path", "answer_format", "message"),
    [
        ("accept_path", "a..b", "", "'a..b' is no path of JSON: write names with dots"),
        ("reason_path", "a[x]", "", "'a[x]' is no path of JSON"),
        ("price_path", "$", "json", "'$' is no path of JSON"),
        ("price_path", "a b", "", "for a regular expression set the answer format to text"),
        ("accept_path", "/a/b", "json", "'/a/b' is no path of JSON"),
        ("accept_path", "/a//b", "", "'/a//b': // is possible only at the start"),
        ("accept_path", "/a[", "xml", "'/a[' is no path of XML: write elements with slashes"),
        ("reason_path", "(a", "text", "'(a' is no regular expression of RE2"),
        ("reason_path", r"(a)\1", "text", "is no regular expression of RE2"),
    ],
)
def test_wrong_path_is_explained(field: str, path: str, answer_format: str, message: str) -> None:
    [problem] = find_rule_problems(AnswerRules(**{field: path, "answer_format": answer_format}))  # type: ignore[arg-type]
    assert problem.field == field
    assert message in problem.message


@pytest.mark.parametrize(
    ("path", "answer_format"),
    [
        ("a.b[0].c", ""),
        ("status", ""),
        ("/r/s/text()", ""),
        ("//s/@code", "xml"),
        (r"OK\|(\d+)", "text"),
        ("a.b", "xml"),
        ("/r/s[2]/t[@a='x y']/u[v]", "xml"),
    ],
)
def test_right_path_has_no_problem(path: str, answer_format: str) -> None:
    rules = AnswerRules(accept_path=path, answer_format=answer_format)  # type: ignore[arg-type]
    assert list(find_rule_problems(rules)) == []


@pytest.mark.parametrize("value", [True, 1, "yes", "ok", [1], {"a": 1}, 0.5])
def test_value_without_a_term_accepts(value: object) -> None:
    assert read(json.dumps({"ok": value}), accept_path="ok").verdict is ACCEPTED


@pytest.mark.parametrize("value", [False, 0, None, "", " ", "False", "no", "NULL", [], {}])
def test_negative_value_without_a_term_rejects(value: object) -> None:
    assert read(json.dumps({"ok": value}), accept_path="ok").verdict is REJECTED


# --- reasons and prices ---


@patient
@given(st.text(st.characters(), max_size=400))
def test_reason_is_one_short_visible_line(text: str) -> None:
    reason = clean_reason(text)
    assert len(reason) <= 200
    assert reason == reason.strip()
    assert not any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in reason)
    reason.encode()
    plain = [each for each in text.split() if each.isalnum() and each.isascii()]
    assert all(word in " ".join(text.split()) for word in reason.split() if word in plain)


@patient
@given(
    st.lists(st.text("abcXYZ019.,", min_size=1, max_size=8), max_size=20),
    st.sampled_from([" ", "\n", "\t \r\n", "\x1f "]),
)
def test_visible_words_of_a_reason_stay(words: list[str], separator: str) -> None:
    assert clean_reason(separator.join(words)) == " ".join(words)[:200].strip()


def test_reason_without_hidden_characters() -> None:
    assert clean_reason("bad\x00 zip\u202e\u200b\r\n\x1b[31mred") == "bad zip [31mred"


def test_reason_of_an_answer_with_another_charset() -> None:
    body = '{"reason": "déjà"}'.encode("latin-1")
    rules = AnswerRules(reason_path="reason")
    assert read_reason(Answer("application/json; charset=ISO-8859-1", body), rules=rules) == "déjà"
    assert read_reason(Answer("application/json; charset=rot13", b'{"reason":"abc"}'), rules=rules) == "abc"


@patient
@given(cents=st.integers(0, 10**9), style=st.sampled_from(["{}", "${}", " {} ", "USD {}", "{} USD", "$ {}"]))
def test_price_is_read_in_cents(cents: int, style: str) -> None:
    dollars = Decimal(cents) / 100
    for text in (f"{dollars:.2f}", f"{dollars:,.2f}", f"{dollars:.4f}"):
        assert read_cents(style.format(text)) == cents


@patient
@given(st.decimals(0, 1000, places=4))
def test_parts_of_cents_are_rounded(dollars: Decimal) -> None:
    assert read_cents(str(dollars)) == int((dollars * 100).to_integral_value(ROUND_HALF_UP))
    body = json.dumps({"price": "@"}).replace('"@"', str(dollars))
    assert read(body, price_path="price").price_cents == read_cents(str(dollars))


@pytest.mark.parametrize(
    "text", ["", "-1", "12,50", "1,2345", "1e5", "NaN", "free", "10000000.01", "9" * 30, "1.2.3", "٣"]
)
def test_other_text_is_no_price(text: str) -> None:
    assert read_cents(text) is None


@patient
@given(
    body=st.binary(max_size=60)
    | st.text(st.characters(), max_size=30).map(lambda text: text.encode(errors="replace")),
    content_type=st.sampled_from([JSON, XML, HTML, "", "a/b; charset=utf-16", "text/plain; charset='x"]),
    answer_format=st.sampled_from(["", "json", "xml", "text"]),
    path=st.sampled_from(["", "a", "a.b", "/a/b", "a[0]", "a/@b"]),
    is_cut=st.booleans(),
)
def test_no_answer_raises(
    *, body: bytes, content_type: str, answer_format: Any, path: str, is_cut: bool
) -> None:
    rules = AnswerRules(
        accept_term="ok", accept_path=path, reason_path=path, price_path=path, answer_format=answer_format
    )
    reading = read_answer(Answer(content_type, body, is_cut), rules=rules)
    assert re.fullmatch(r"accepted|rejected|unreadable", reading.verdict)
