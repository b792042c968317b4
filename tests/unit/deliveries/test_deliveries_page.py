"""docs/deliveries.md says what the code does: examples, fields, formats, waits and the meaning of answers."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from distribution.deliveries.payloads.answers import AnswerRules, find_rule_problems
from distribution.deliveries.payloads.ends import Exchange, Outcome, judge
from distribution.deliveries.payloads.expression_reading import OPTIONS, SOURCES, read_expression
from distribution.deliveries.payloads.expressions import write_text
from distribution.deliveries.payloads.fields import FIELDS
from distribution.deliveries.payloads.formats import DIRECTIVES, PHONES, TEXTS, TIMES, apply_format
from distribution.deliveries.payloads.headers import PLAIN_FIELDS, read_headers
from distribution.deliveries.payloads.retries import Retries
from distribution.deliveries.payloads.template import compile_template
from distribution.deliveries.payloads.webhook import write_lead
from leadswitch.env import REPOSITORY
from tests.unit.deliveries.payload_leads import RECEIVED_AT, make_facts, make_lead

PAGE: Final = (REPOSITORY / "docs" / "deliveries.md").read_text()
MESSAGE, TEMPLATE, SENT = (
    json.loads(each) for each in re.findall(r"^```json\n(.*?)^```$", PAGE, re.M | re.S)
)
UNITS: Final = {"s": 1, "min": 60, "h": 3600}


def read_table(header: str) -> list[list[str]]:
    lines = PAGE.split(f"| {header} |")[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_message_is_the_one_that_is_sent() -> None:
    assert json.loads(write_lead(make_lead(), at=RECEIVED_AT + timedelta(seconds=2))) == MESSAGE


def test_template_sends_what_the_page_shows() -> None:
    assert json.loads(compile_template(TEMPLATE, body_format="json").render(make_facts())) == SENT


def test_every_field_is_listed_with_what_it_holds() -> None:
    listed = {name.strip("`"): about for name, about in read_table("field | holds")}
    assert listed == {name: row.about for name, row in FIELDS.items()}


def test_every_option_is_listed() -> None:
    listed = [name.strip("`") for name, _ in read_table("option | meaning")]
    assert sorted(listed) == sorted([*SOURCES, "format", "zone", *OPTIONS])


def test_formats_give_the_examples_of_the_page() -> None:
    fields = {"times": "received_at", "phones": "phone", "texts": "city", "states": "state"}
    rows = read_table("format | for | example")
    for name, kind, example in rows:
        field = "zip" if name == "`only_digits`" else fields[kind]
        value = read_expression(field).evaluate(make_facts())
        assert write_text(apply_format(value, name.strip("`"))) == example
    named = {name.strip("`") for name, _, _ in rows}
    assert {name for name in named if "%" not in name} == {*TIMES, *PHONES, *TEXTS}


def test_every_directive_is_listed() -> None:
    [line] = re.findall(r"directives of `strftime`: (.*?) without", PAGE)
    assert set(re.findall(r"%(-?\w)", line)) == DIRECTIVES.keys() - {"%"}


def read_waits(text: str) -> list[float]:
    times = re.findall(r"(\d+) (s|min|h)(?: (\d+) times)?", text)
    return [int(number) * UNITS[unit] for number, unit, count in times for _ in range(int(count or 1))]


def test_waits_are_those_of_the_schedules() -> None:
    waits = {name: read_waits(text) for name, text in read_table("message | waits after each try")}
    assert waits == {"lead": list(Retries.LEAD.value), "event": list(Retries.EVENT.value)}


@pytest.mark.parametrize(
    ("status", "row"),
    [
        *((200, "2xx"), (204, "2xx"), (404, "4xx"), (422, "4xx"), (410, "410")),
        *((302, "3xx"), (408, "3xx"), (429, "3xx"), (503, "3xx")),
    ],
)
def test_meaning_of_a_status(status: int, row: str) -> None:
    [meaning] = [meaning for answer, meaning in read_table("answer | means") if answer.startswith(row)]
    at = datetime(2026, 1, 31, tzinfo=UTC)
    judgment = judge(Exchange(is_sent=True, status_code=status), rules=AnswerRules(), at=at)
    assert meaning.startswith(judgment.outcome)
    assert ("disabled" in meaning) is judgment.disables_endpoint
    assert ("sent again" in meaning) is (judgment.outcome is Outcome.UNKNOWN)


def test_paths_of_the_page_are_valid() -> None:
    rows = {name: re.findall(r"`([^`]+)`", paths) for name, paths in read_table("format | paths")}
    for path in rows["JSON"] + rows["XML"]:
        assert list(find_rule_problems(AnswerRules(accept_path=path))) == []


def test_headers_of_the_page_are_valid() -> None:
    [example, names] = re.findall(r"entered as `(.*?)`. A value may contain\n(.*?)\. Lead", PAGE)[0]
    assert [header.is_secret for header in read_headers(json.loads(example))] == [False, True]
    assert set(re.findall(r"\{([\w.]+)\}", names)) == PLAIN_FIELDS
