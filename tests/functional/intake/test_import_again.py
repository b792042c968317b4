"""A file is imported again: after a correction, by two people at once, saved again by a spreadsheet."""

import fcntl
import gzip
import io
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from routing.intake.csv.rejects import RejectsFile
from routing.models import Lead, Source
from tests.support.factories import LeadFactory, SourceFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def source() -> Source:
    return SourceFactory.create(name="city")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "leads.csv"
    path.write_text("Email,Zip,Note\na@example.com,30312,\nb@example.com,3031,x\nc@example.com,30314,\n")
    return path


def run(file: Path, **options: Any) -> dict[str, Any]:
    out = io.StringIO()
    chosen = {"source": "city", "maps": ["Email=email", "Zip=zip"], "json": True, **options}
    call_command("import_leads", str(file), stdout=out, **chosen)
    outcome: dict[str, Any] = json.loads(out.getvalue())
    return outcome


def counts(outcome: dict[str, Any]) -> tuple[int, int, int, int]:
    return outcome["read"], outcome["accepted"], outcome["already_there"], outcome["rejected"]


@pytest.mark.usefixtures("source")
def test_corrected_file_adds_only_the_corrected_row(file: Path) -> None:
    assert counts(run(file)) == (3, 2, 0, 1)
    file.write_text(file.read_text().replace(",3031,", ",30311,"))
    assert counts(run(file)) == (3, 1, 2, 0)
    assert sorted(Lead.objects.values_list("email", "zip")) == [
        ("a@example.com", "30312"),
        ("b@example.com", "30311"),
        ("c@example.com", "30314"),
    ]


@pytest.mark.usefixtures("source")
def test_row_rewritten_by_a_spreadsheet_is_not_new(file: Path) -> None:
    run(file)
    file.write_bytes(
        "sep=;\r\nZip;Note;Email;\r\n30314.0;;c@example.com;\r\n'30312;; a@example.com ;\r\n".encode("utf-16")
    )
    assert counts(run(file)) == (2, 0, 2, 0)


@pytest.mark.usefixtures("source")
def test_equal_rows_become_one_lead_each(tmp_path: Path) -> None:
    """Requests without a person may be equal and still be two requests."""
    file = tmp_path / "requests.csv"
    options: dict[str, Any] = {"maps": ["Zip=zip"], "allow_no_contact": True}
    file.write_text("Zip\n30312\n30312\n")
    assert counts(run(file, **options)) == (2, 2, 0, 0)
    file.write_text("Zip\n30312\n30313\n30312\n30312\n")
    assert counts(run(file, **options)) == (4, 2, 2, 0)
    assert counts(run(file, **options)) == (4, 0, 4, 0)


def test_rows_imported_by_an_earlier_version_are_recognized(source: Source, file: Path) -> None:
    """That version identified them by the file's fingerprint and the line."""
    outcome = run(file, dry_run=True)
    assert counts(outcome) == (3, 2, 0, 1)
    LeadFactory.create(source=source, external_id=f"import:{sha256(file.read_bytes()).hexdigest()[:16]}:2")
    assert counts(run(file)) == (3, 1, 1, 1)
    assert Lead.objects.count() == 2


@pytest.mark.usefixtures("source")
def test_corrected_report_is_never_replaced(file: Path) -> None:
    report = Path(run(file)["rejects_file"])
    assert Path(run(file)["rejects_file"]) == report  # the same report needs no second file
    corrected = report.read_text(encoding="utf-8-sig").replace("3031,x", "30313,x")
    report.write_text(corrected)
    second = run(file)["rejects_file"]
    assert second == str(file.with_name("leads.csv.rejects-2.csv"))
    assert report.read_text() == corrected
    assert counts(run(report)) == (1, 1, 0, 0)
    assert sorted(path.name for path in file.parent.iterdir()) == [
        "leads.csv",
        "leads.csv.rejects-2.csv",
        "leads.csv.rejects.csv",
    ]


@pytest.mark.usefixtures("source")
def test_dry_run_counts_rows_of_one_id_as_the_import_does(tmp_path: Path) -> None:
    file = tmp_path / "leads.csv"
    file.write_text("Id,Email,Zip\n7,a@example.com,30312\n7,b@example.com,30313\n8,c@example.com,30314\n")
    options: dict[str, Any] = {"maps": ["Id=external_id", "Email=email", "Zip=zip"]}
    assert counts(run(file, dry_run=True, **options)) == (3, 2, 1, 0)
    assert counts(run(file, **options)) == (3, 2, 1, 0)


@pytest.fixture
def other_import(file: Path) -> Any:
    """Another process is importing the same file, and has just refused a row."""
    rejects = RejectsFile(file.with_name("leads.csv.rejects.csv"), columns=("Email",))
    rejects.open()
    rejects.add(["x"], line=2, problems=[])
    return rejects


@pytest.mark.usefixtures("source")
def test_second_import_of_one_file_is_refused(file: Path, other_import: RejectsFile) -> None:
    with pytest.raises(CommandError, match=r"another import of .* is running: wait") as caught:
        run(file)
    assert caught.value.returncode == 1
    assert Lead.objects.count() == 0
    with other_import:
        pass
    report = file.with_name("leads.csv.rejects.csv").read_text(encoding="utf-8-sig")
    assert report.splitlines()[1].startswith("x,2")
    assert counts(run(file)) == (3, 2, 0, 1)
    assert file.with_name("leads.csv.rejects.csv").read_text(encoding="utf-8-sig") == report


@pytest.mark.usefixtures("source")
def test_control_without_the_lock_one_import_loses_its_report(
    file: Path, other_import: RejectsFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)
    run(file)
    with pytest.raises(FileNotFoundError), other_import:
        pass


@pytest.mark.usefixtures("source")
def test_person_with_two_rows_in_one_file_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "leads.csv"
    file.write_text(
        "Email,Phone,Zip\na@example.com,404-881-2345,30312\nb@example.com,404-881-2346,30312\n"
        "A@EXAMPLE.com,,30313\n,(404) 881 2346,30312\n"
    )
    outcome = run(file, maps=["Email=email", "Phone=phone", "Zip=zip"])
    assert counts(outcome) == (4, 4, 0, 0)
    assert outcome["repeated_in_file"] == 2
    assert outcome["repeats"] == [{"line": 4, "first_line": 2}, {"line": 5, "first_line": 3}]


@pytest.mark.usefixtures("source")
@pytest.mark.parametrize("column", ["Zip=zip", "zip code=zip"])
def test_file_without_a_header_prints_no_personal_data(tmp_path: Path, column: str) -> None:
    file = tmp_path / "leads.csv"
    file.write_text("Ada Lovelace,ada@example.com,404-881-2345,30312\nBob Byte,bob@example.com,,30313\n")
    with pytest.raises(CommandError, match="looks like data") as caught:
        run(file, maps=[column])
    assert not [text for text in ("Ada", "ada@", "881-2345", "30312") if text in str(caught.value)]


@pytest.mark.usefixtures("source")
def test_wrong_column_for_the_vertical_prints_no_personal_data(file: Path) -> None:
    with pytest.raises(CommandError, match="no row could be imported"):
        run(file, maps=["Zip=zip", "Email=vertical"], vertical_maps=["x=y"], allow_no_contact=True)
    out = io.StringIO()
    maps = ["Zip=zip", "Email=vertical", "Email=email"]
    with pytest.raises(CommandError):
        call_command("import_leads", str(file), source="city", maps=maps, vertical_maps=["x=y"], stdout=out)
    assert "@example.com" not in out.getvalue()
    assert "not shown" in out.getvalue()


@pytest.mark.usefixtures("source")
def test_compressed_file_is_read(file: Path) -> None:
    packed = file.with_name("leads.csv.gz")
    packed.write_bytes(gzip.compress(file.read_bytes()))
    assert counts(run(packed)) == (3, 2, 0, 1)
    assert counts(run(file)) == (3, 0, 2, 1)


@pytest.mark.usefixtures("source")
def test_progress_is_printed_in_lines_without_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("routing.management.commands.import_leads.ROWS_PER_LINE", 500)
    file = tmp_path / "leads.csv"
    file.write_text("Email,Zip\n" + "".join(f"a{number}@example.com,30312\n" for number in range(1_200)))
    errors = io.StringIO()
    run(file, stderr=errors)
    assert [line.partition(" (")[0] for line in errors.getvalue().splitlines()] == [
        "500 rows read",
        "1,000 rows read",
    ]


@pytest.mark.usefixtures("source")
def test_lenient_source_accepts_a_row_with_an_unreadable_field(tmp_path: Path) -> None:
    file = tmp_path / "leads.csv"
    file.write_text(
        "Name,Email,Phone,Zip,State,Age,Date\n"
        '"Lovelace, Ada",n/a,4.048812345E+09,2139,Massachusetts,"1,200",2/1/2026\n'
        "Bob,b@example.com,none,30312,Georgia,old,soon\n"
    )
    maps = ["Name=full_name", "Email=email", "Phone=phone", "Zip=zip", "State=state", "Date=received_at"]
    outcome = run(file, maps=[*maps, "Age=attributes.age:number"])
    assert counts(outcome) == (2, 2, 0, 0)
    assert outcome["corrected"] == 2
    assert outcome["corrections"] == {
        "state:corrected": 2,
        "zip:corrected": 1,
        "email:dropped": 1,
        "phone:corrected": 1,
        "attributes:corrected": 1,
        "received_at:dropped": 1,
        "phone:dropped": 1,
    }
    ada, bob = Lead.objects.order_by("id")
    assert (ada.first_name, ada.last_name, ada.zip, ada.state) == ("Ada", "Lovelace", "02139", "MA")
    assert (ada.phone, ada.attributes, bob.attributes) == ("+14048812345", {"age": 1200}, {"age": "old"})


@pytest.mark.parametrize(
    ("date", "options", "received_at"),
    [
        ("2/1/2026", {}, "2026-02-01T05:00:00+00:00"),
        ("2/1/2026", {"day_first": True}, "2026-01-02T05:00:00+00:00"),
        ("2/1/2026", {"zone": "America/Los_Angeles"}, "2026-02-01T08:00:00+00:00"),
        ("2026-02-01 23:30", {}, "2026-02-02T04:30:00+00:00"),
        ("2026-02-01T23:30:00Z", {}, "2026-02-01T23:30:00+00:00"),
    ],
)
@pytest.mark.usefixtures("source")
def test_date_is_read_in_the_zone_and_the_lead_is_due_now(
    tmp_path: Path, date: str, options: dict[str, Any], received_at: str
) -> None:
    file = tmp_path / "leads.csv"
    file.write_text(f"Email,Zip,Date\na@example.com,30312,{date}\n")
    run(file, maps=["Email=email", "Zip=zip", "Date=received_at"], **options)
    lead = Lead.objects.get()
    assert lead.received_at.isoformat() == received_at
    assert lead.next_attempt_at is not None
    assert lead.next_attempt_at > lead.received_at
    assert (lead.expires_at - lead.received_at).days == 90


@pytest.mark.usefixtures("source")
def test_unknown_zone_is_reported(file: Path) -> None:
    with pytest.raises(CommandError, match="--zone Mars: unknown time zone") as caught:
        run(file, zone="Mars")
    assert caught.value.returncode == 2


@pytest.mark.usefixtures("source")
@pytest.mark.parametrize(("options", "zips"), [({}, ["02139"]), ({"pad_zips": True}, ["02139", "07001"])])
def test_zip_without_its_leading_zero_is_read_if_unambiguous(
    tmp_path: Path, options: dict[str, Any], zips: list[str]
) -> None:
    file = tmp_path / "leads.csv"
    file.write_text("Email,Zip\na@example.com,2139\nb@example.com,7001\n")
    run(file, **options)
    assert sorted(Lead.objects.values_list("zip", flat=True)) == zips
