"""An operator checks a file, imports it, corrects the refused rows, and imports those."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from routing.intake import store
from routing.models import Lead, Source
from tests.support.factories import SourceFactory

pytestmark = pytest.mark.django_db

HEADER = "Id,Name,E-Mail,Phone,Zip,Type,Roof Age\n"
ROWS = (
    "1,Ada,ada@example.com,,30312,HEATING,12\n"
    "2,Bob,,+14048812345,1,HEATING,\n"
    "3,=cmd(),,+14048812345,30312,Snow,old\n"
    '4,"Eve, Ms",eve@example.com,,10001,Roofing,\n'
)
MAPS = [
    "Id=external_id",
    "Name=first_name",
    "E-Mail=email",
    "Phone=phone",
    "Zip=zip",
    "Type=vertical",
    "Roof Age=attributes.roof_age:number",
]
VERTICALS = ["heating=hvac", "roofing=roofing"]


@pytest.fixture
def source() -> Source:
    return SourceFactory.create(name="city", intake_mode="strict")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "leads.csv"
    path.write_text(HEADER + ROWS)
    return path


def run(file: Path, **options: Any) -> dict[str, Any]:
    out = io.StringIO()
    chosen = {"source": "city", "maps": MAPS, "vertical_maps": VERTICALS, "json": True, **options}
    call_command("import_leads", str(file), stdout=out, **chosen)
    outcome: dict[str, Any] = json.loads(out.getvalue())
    return outcome


def refuse(file: Path, *, code: int, says: str, **options: Any) -> None:
    with pytest.raises(CommandError, match=re.escape(says)) as caught:
        run(file, **options)
    assert caught.value.returncode == code


def counts(outcome: dict[str, Any]) -> tuple[int, int, int, int]:
    return outcome["read"], outcome["accepted"], outcome["already_there"], outcome["rejected"]


def test_good_rows_become_leads_and_the_others_are_reported(source: Source, file: Path) -> None:
    outcome = run(file)
    assert counts(outcome) == (4, 2, 0, 2)
    assert {(reason["field"], reason["code"], reason["rows"]) for reason in outcome["reasons"]} == {
        ("zip", "invalid", 1),
        ("vertical", "unmapped", 1),
        ("attributes.roof_age", "invalid", 1),
    }
    assert outcome["unmapped_values"] == {"Snow": 1}
    ada, eve = Lead.objects.order_by("id")
    assert (ada.external_id, ada.vertical, ada.attributes) == ("1", "hvac", {"roof_age": 12})
    assert (ada.status, ada.due_reason, ada.source_id) == ("pending", "ingest", source.pk)
    assert (eve.first_name, eve.zip) == ("Eve, Ms", "10001")


def test_refused_rows_can_be_corrected_and_imported(source: Source, file: Path) -> None:  # noqa: ARG001
    """No cell in the file is a formula for a spreadsheet, and the import removes the guard again."""
    rejects = Path(run(file)["rejects_file"])
    assert rejects == file.with_name("leads.csv.rejects.csv")
    assert rejects.stat().st_mode & 0o777 == 0o600
    text = rejects.read_text(encoding="utf-8-sig")
    bob, cmd = csv.DictReader(io.StringIO(text))
    assert (bob["import_line"], bob["import_columns"], bob["import_fields"], bob["import_codes"]) == (
        "3",
        "Zip",
        "zip",
        "invalid",
    )
    assert bob["Phone"] == "'+14048812345"
    assert cmd["Name"] == "'=cmd()"
    assert cmd["import_columns"] == "Type; Roof Age"
    for name in ("import_messages", "import_codes"):
        assert "Snow" not in cmd[name]

    rejects.write_text(text.replace(",1,HEATING", ",30313,HEATING").replace("Snow,old", "Roofing,7"))
    outcome = run(rejects)
    assert counts(outcome) == (2, 2, 0, 0)
    assert outcome["rejects_file"] is None
    bob_lead, cmd_lead = Lead.objects.filter(external_id__in=["2", "3"]).order_by("external_id")
    assert (bob_lead.phone, bob_lead.zip) == ("+14048812345", "30313")
    assert (cmd_lead.first_name, cmd_lead.attributes) == ("=cmd()", {"roof_age": 7})


def test_second_run_stores_nothing(source: Source, file: Path) -> None:  # noqa: ARG001
    run(file)
    assert counts(run(file)) == (4, 0, 2, 2)
    assert Lead.objects.count() == 2


def test_without_ids_rows_are_recognized_by_content(source: Source, file: Path) -> None:  # noqa: ARG001
    maps = [text for text in MAPS if not text.startswith("Id=")]
    assert counts(run(file, maps=maps)) == (4, 2, 0, 2)
    assert counts(run(file, maps=maps)) == (4, 0, 2, 2)
    ids = Lead.objects.order_by("id").values_list("external_id", flat=True)
    assert [re.sub("[0-9a-f]{24}", "KEY", text) for text in ids] == ["import:KEY:1", "import:KEY:1"]


def test_dry_run_prints_the_same_and_stores_nothing(source: Source, file: Path) -> None:  # noqa: ARG001
    assert counts(run(file, dry_run=True)) == (4, 2, 0, 2)
    assert Lead.objects.count() == 0
    run(file)
    assert counts(run(file, dry_run=True)) == (4, 0, 2, 2)


def test_rows_without_contact_need_permission(source: Source, tmp_path: Path) -> None:  # noqa: ARG001
    """Such leads have no identity: both hashes are NULL."""
    file = tmp_path / "requests.csv"
    file.write_text("Zip\n30312\n")
    options: dict[str, Any] = {"maps": ["Zip=zip"], "vertical_maps": [], "defaults": ["vertical=hvac"]}
    refuse(file, code=2, says="--allow-no-contact", **options)
    assert counts(run(file, allow_no_contact=True, **options)) == (1, 1, 0, 0)
    assert Lead.objects.values_list("email_hash", "phone_hash").get() == (None, None)


def test_row_with_too_many_values_is_refused(source: Source, file: Path) -> None:  # noqa: ARG001
    file.write_text(HEADER + "1,Ada,ada@example.com,,30312,HEATING,12,more\n")
    refuse(file, code=1, says="no row could be imported")
    (row,) = csv.reader(
        io.StringIO(file.with_name("leads.csv.rejects.csv").read_text("utf-8-sig").split("\n")[1])
    )
    assert (row[0], row[8:11], row[-1]) == ("1", ["", "", "columns"], "more")


def test_row_that_the_database_refuses_affects_no_other(
    source: Source,  # noqa: ARG001
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    insert = store._insert

    def refuse_eve(rows: Any, **options: Any) -> Any:
        if any(row["first_name"].startswith("Eve") for row in rows):
            raise store.LeadNotStored
        return insert(rows, **options)

    monkeypatch.setattr(store, "_insert", refuse_eve)
    outcome = run(file)
    assert counts(outcome) == (4, 1, 0, 3)
    assert {"field": "", "code": "not_stored", "rows": 1} in outcome["reasons"]


def test_output_is_a_table_on_a_terminal(source: Source, file: Path) -> None:  # noqa: ARG001
    out = io.StringIO()
    call_command("import_leads", str(file), source="city", maps=MAPS, vertical_maps=VERTICALS, stdout=out)
    text = re.sub(r"[^\S\n]+|[┃│]", " ", out.getvalue())
    for said in ("accepted 2", "already stored 0", "rejected 2", "zip: invalid 1", "Snow (1)", "rejects.csv"):
        assert said in re.sub(" +", " ", text)


@pytest.mark.usefixtures("source")
def test_wrong_column_below_titles_names_the_columns(file: Path) -> None:
    file.write_text("Leads of March\nId,Zip,Kind\n1,30312,x\n")
    maps = ["Id=external_id", "Zipcode=zip"]
    with pytest.raises(CommandError, match="no column 'Zipcode'; the file has 'Id', 'Zip', 'Kind'"):
        call_command("import_leads", str(file), source="city", maps=maps, vertical_maps=[])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"source": "nope"}, "no source 'nope'; choose one of 'city'"),
        ({"workspace": "nope"}, "there is no source 'city'; none exists yet"),
        ({"maps": ["Color=zip"]}, "no column 'Color'; the file has 'Id'"),
        ({"maps": ["Zip=color"]}, "no field 'color'; use one of first_name"),
        ({"maps": ["E-Mail=email"], "vertical_maps": []}, "no column is mapped to zip"),
        ({"encoding": "klingon"}, "unknown text encoding"),
        ({"delimiter": "ab"}, "must be one character"),
        ({"rejects": Path("/nonexistent/r.csv")}, "No such file or directory"),
        ({"rejects": Path("/tmp")}, "choose another file"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_stored(
    source: Source,  # noqa: ARG001
    file: Path,
    options: dict[str, Any],
    says: str,
) -> None:
    refuse(file, code=2, says=says, **options)
    assert Lead.objects.count() == 0
    assert [path.name for path in file.parent.iterdir()] == ["leads.csv"]


def test_rejects_never_overwrite_the_input(source: Source, file: Path) -> None:  # noqa: ARG001
    refuse(file, code=2, says="choose another file", rejects=file)
    assert file.read_text() == HEADER + ROWS


def test_ambiguous_name_needs_the_workspace(source: Source, file: Path) -> None:
    SourceFactory.create(name="city")
    refuse(file, code=2, says="choose one with --workspace")
    assert counts(run(file, workspace=source.workspace.slug))[1] == 2


def test_inactive_source_imports_nothing(source: Source, file: Path) -> None:
    source.active = False
    source.save()
    refuse(file, code=2, says="is not active")
