"""An .xlsx workbook is imported as its sheet displays it. One that would fill the memory is refused."""

import io
import json
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from openpyxl import Workbook

from routing.intake.csv import excel
from routing.models import Lead
from tests.support.factories import SourceFactory

pytestmark = pytest.mark.django_db

MORNING = datetime.fromisoformat("2026-02-01T09:30")
MAPS = [
    "Name=full_name",
    "E-Mail=email",
    "Phone=phone",
    "Zip=zip",
    "Age=attributes.age:number",
    "On=received_at",
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    SourceFactory.create(name="city")
    book = Workbook()
    book.active.title = "Notes"
    book.active.sheet_state = "hidden"
    sheet = book.create_sheet("Leads")
    sheet.append(["Our leads of 2026"])
    sheet.append([])
    sheet.append(["Name", "E-Mail", "Phone", "Zip", "Age", "On", None])
    sheet.append(["Ada Lovelace", "ada@example.com", 4048812345, 2139, 12.5, MORNING])
    sheet.append(["Bob", "b@example.com", "'404-881-2346", "30312", 7, date(2026, 2, 1)])
    sheet.append(["Eve", "e@example.com", None, 2139, True, None])
    sheet["D6"].number_format = "00000"
    sheet.append([])
    sheet.append(["Mal", None, 4048812347, 30312.0, None, None])
    path = tmp_path / "leads.xlsx"
    book.save(path)
    return path


def run(file: Path, **options: Any) -> dict[str, Any]:
    out = io.StringIO()
    call_command("import_leads", str(file), stdout=out, source="city", json=True, **{"maps": MAPS, **options})
    outcome: dict[str, Any] = json.loads(out.getvalue())
    return outcome


def test_workbook_is_read_as_displayed(file: Path) -> None:
    outcome = run(file)
    assert (outcome["read"], outcome["accepted"], outcome["rejected"]) == (4, 4, 0)
    stored = Lead.objects.order_by("id").values_list("first_name", "phone", "zip", "attributes")
    assert list(stored) == [
        ("Ada", "+14048812345", "02139", {"age": 12.5}),
        ("Bob", "+14048812346", "30312", {"age": 7}),
        ("Eve", "", "02139", {"age": "true"}),
        ("Mal", "+14048812347", "30312", {}),
    ]
    received = Lead.objects.order_by("id").values_list("received_at", flat=True)
    assert [each.isoformat() for each in received[:2]] == [
        "2026-02-01T14:30:00+00:00",
        "2026-02-01T05:00:00+00:00",
    ]
    assert run(file)["already_there"] == 4


def test_refused_rows_have_the_row_number_of_the_sheet(file: Path) -> None:
    outcome = run(file, maps=[text for text in MAPS if not text.startswith("Phone")])
    report = Path(outcome["rejects_file"]).read_text(encoding="utf-8-sig")
    assert "Mal,,4048812347,30312,,,8,E-Mail,email,required" in report


def test_sheet_is_chosen_by_name(file: Path) -> None:
    assert run(file, sheet="leads")["accepted"] == 4
    with pytest.raises(CommandError, match="there is no such sheet; the sheets are 'Notes', 'Leads'"):
        run(file, sheet="March")


def refuse(file: Path, says: str) -> None:
    with pytest.raises(CommandError, match=says) as caught:
        run(file)
    assert caught.value.returncode == 2
    assert Lead.objects.count() == 0


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"PK\x03\x04 nothing", "is damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old .xls file or has a password"),
        (b"%PDF-1.7", "is a PDF"),
        (b"\x1f\x8b\x08\x00damaged", "is damaged"),
    ],
)
def test_non_workbook_is_reported(file: Path, content: bytes, says: str) -> None:
    file.write_bytes(content)
    refuse(file, says)


@pytest.mark.parametrize(
    ("name", "says"),
    [("mimetype", "an OpenDocument file"), ("leads.csv", "a ZIP archive, not an .xlsx workbook")],
)
def test_other_archive_is_reported(file: Path, name: str, says: str) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, "x")
    refuse(file, says)


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/worksheets/sheet1.xml"])
@pytest.mark.parametrize("damage", ["content", "encrypted"])
def test_damaged_part_is_reported(file: Path, part: str, damage: str) -> None:
    data = bytearray(file.read_bytes())
    with zipfile.ZipFile(file) as archive:
        info = archive.getinfo(part)
        directory = archive.start_dir
    if damage == "content":
        start = info.header_offset + 30 + len(info.filename)
        data[start : start + 20] = b"\xff" * 20
    else:  # bit 0 of the flags, in the directory and before the part itself
        entry = data.index(part.encode(), directory) - 46
        data[entry + 8] |= 1
        data[info.header_offset + 6] |= 1
    file.write_bytes(data)
    refuse(file, "is damaged")


@pytest.mark.parametrize("limit", ["MAX_UNPACKED_BYTES", "MAX_TEXT_BYTES", "MAX_PARTS"])
def test_workbook_that_unpacks_to_too_much_is_not_opened(
    file: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(excel.TEXTS, "<sst/>")
    monkeypatch.setattr(excel, limit, 5)
    monkeypatch.setattr(excel, "load_workbook", None)
    refuse(file, "workbook is too large")


def test_sheet_with_a_row_far_down_is_refused(file: Path, tmp_path: Path) -> None:
    """A few bytes can name a row far beyond any sheet, and all rows before it would be generated."""
    hostile = tmp_path / "hostile.xlsx"
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(hostile, "w") as target:
        for part in source.namelist():
            text = source.read(part)
            if part.endswith("sheet2.xml"):
                text = text.replace(b'<row r="8"', b'<row r="99999999"').replace(b'r="A8"', b'r="A99999999"')
            target.writestr(part, text)
    with pytest.raises(CommandError, match="has too many rows"):
        run(hostile)
