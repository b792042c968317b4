"""The daily CSV: columns, times, guarded cells."""

import csv
import io
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from distribution.deliveries.payloads.daily_csv import write_csv
from distribution.deliveries.payloads.fields import FIELDS, Facts
from distribution.deliveries.payloads.lead import DeliveredLead, make_plain
from distribution.deliveries.payloads.template import compile_template
from routing.values.spreadsheet import FORMULA_STARTS
from tests.unit.deliveries.payload_leads import leads, make_facts, patient, texts

ZONE = ZoneInfo("America/New_York")


def read(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_usual_columns_are_all_fields_and_the_attributes_of_the_day() -> None:
    facts = [
        make_facts(attributes={"roof_age": 12}),
        make_facts(attributes={"a": {"b": [1, "x"]}}, first_name="Ann"),
    ]
    header, first, second = read(write_csv(facts, zone=ZONE))
    named = [name for name in FIELDS if name not in ("attributes", "message_id")]
    assert header == [*named, "attributes.a.b", "attributes.roof_age"]
    rows = [dict(zip(header, row, strict=True)) for row in (first, second)]
    assert [row["first_name"] for row in rows] == ["Test", "Ann"]
    assert rows[0]["received_at"] == "2026-01-31 18:05:09"
    assert rows[0]["phone"] == "'+15005550006"
    assert [(row["attributes.a.b"], row["attributes.roof_age"]) for row in rows] == [("", "12"), ("1, x", "")]


def test_template_chooses_the_columns() -> None:
    template = compile_template(
        {"Name": "full_name", "=Zip": "zip", "Services": {"field": "attributes.services", "join": "; "}},
        body_format="form",
    )
    rows = read(write_csv([make_facts(zip="-1+2")], zone=ZONE, template=template))
    assert rows == [["Name", "'=Zip", "Services"], ["Test Person", "'-1+2", "roof; gutter"]]


def test_test_lead_is_marked_whatever_the_template_has() -> None:
    template = compile_template({"Name": "full_name"}, body_format="form")
    usual, test = make_facts(), make_facts(is_test=True)

    assert read(write_csv([usual], zone=ZONE, template=template)) == [["Name"], ["Test Person"]]
    rows = read(write_csv([usual, test], zone=ZONE, template=template))
    assert rows == [["Name", "is_test"], ["Test Person", "false"], ["Test Person", "true"]]
    header, row = read(write_csv([test], zone=ZONE))
    assert row[header.index("is_test")] == "true"


def test_day_without_leads_has_only_the_header() -> None:
    assert len(read(write_csv([], zone=ZONE))) == 1


def test_file_begins_with_a_byte_order_mark() -> None:
    assert write_csv([], zone=ZONE).startswith(b"\xef\xbb\xbfid,received_at,")


@patient
@given(rows=st.lists(leads, max_size=3), column=texts.filter(str.strip))
def test_no_cell_runs_as_a_formula(rows: list[DeliveredLead], column: str) -> None:
    facts = [Facts(lead=lead, message_id="m") for lead in rows]
    template = compile_template({column: "first_name", "b": "attributes", "c": "address"}, body_format="form")
    for each in (None, template):
        read_rows = read(write_csv(facts, zone=ZONE, template=each))
        assert len(read_rows) == len(rows) + 1
        assert len({len(row) for row in read_rows}) == 1
        assert not any(cell.startswith(FORMULA_STARTS) for row in read_rows for cell in row)


@patient
@given(name=texts)
def test_values_come_back(name: str) -> None:
    header, row = read(write_csv([make_facts(last_name=name)], zone=ZONE))
    kept = make_plain(name).replace("\x00", "") if name.strip() else ""
    guard = "'" if kept.startswith(FORMULA_STARTS) else ""
    assert dict(zip(header, row, strict=True))["last_name"] == guard + kept
