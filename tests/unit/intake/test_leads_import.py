"""Reading any CSV file: encodings, delimiters, mappings, and cells that look like formulas."""

import codecs
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.intake.csv.mapping_options import MappingError, read_mapping
from routing.intake.csv.rejects import RejectsFile
from routing.intake.csv.table import TableError, open_table
from routing.values.spreadsheet import FORMULA_STARTS, guard_cell, take_off_guard

COLUMNS = ("Name", "Zip", "Type", "E-Mail", "Age")


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "leads.csv"


TEXT = "Näme,Zip\r\nÅsa,30312\r\n"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (TEXT.encode(), "utf-8"),
        (codecs.BOM_UTF8 + TEXT.encode(), "utf-8-sig"),
        (TEXT.encode("utf-16"), "utf-16"),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), "utf-16"),
        (TEXT.encode("utf-32"), "utf-32"),
        (TEXT.encode("utf-16-le"), "utf-16-le"),
        (TEXT.encode("utf-16-be"), "utf-16-be"),
        (TEXT.encode("cp1252"), "cp1252"),
    ],
    ids=[
        "plain",
        "utf-8",
        "utf-16",
        "utf-16-be",
        "utf-32",
        "utf-16-le, no mark",
        "utf-16-be, no mark",
        "cp1252",
    ],
)
def test_encodings_are_detected(file: Path, content: bytes, encoding: str) -> None:
    table = open_table(write(file, content))
    assert (table.encoding, table.columns) == (encoding, ("Näme", "Zip"))
    assert [row.cells for row in table.read_rows()] == [["Åsa", "30312"]]
    assert (table.sha256, table.size_bytes) == (sha256(content).hexdigest(), len(content))


def test_file_that_is_utf8_only_at_its_beginning_is_detected(file: Path) -> None:
    table = open_table(write(file, b"name,zip\n" + b"ada,30312\n" * 150_000 + b"J\xf6rg,30312\n"))
    assert table.encoding == "cp1252"
    *_, last = table.read_rows()
    assert (last.line, last.cells) == (150_002, ["Jörg", "30312"])


def test_character_across_two_chunks_is_no_error(file: Path) -> None:
    assert open_table(write(file, b"a,b\n" + b"x" * (1024 * 1024 - 5) + "é,1\n".encode())).encoding == "utf-8"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_detected(file: Path, delimiter: str) -> None:
    rows = [["name", "note", "zip"], ["Ada", '"a, b; c | d"', "30312"], ["Bob", "", "10001"]]
    table = open_table(write(file, "\n".join(delimiter.join(row) for row in rows)))
    assert (table.delimiter, table.columns) == (delimiter, ("name", "note", "zip"))
    assert [row.cells[1] for row in table.read_rows()] == ["a, b; c | d", ""]


def test_single_column_is_a_table_too(file: Path) -> None:
    assert open_table(write(file, "zip\n30312\n")).columns == ("zip",)


def test_line_numbers_include_quoted_breaks_and_blank_lines_are_skipped(file: Path) -> None:
    table = open_table(write(file, 'name,zip\n"Ada\nLovelace",30312\n\n , \nBob,10001\n'))
    assert [(row.line, row.cells) for row in table.read_rows()] == [
        (2, ["Ada\nLovelace", "30312"]),
        (6, ["Bob", "10001"]),
    ]


def test_unclosed_quote_spoils_only_its_row(file: Path) -> None:
    table = open_table(write(file, 'name,zip\nAda,30312\n"' + "x" * 200_000 + "\nBob,10001\n"))
    rows = list(table.read_rows())
    assert [row.cells for row in rows if not row.problem] == [["Ada", "30312"], ["Bob", "10001"]]
    assert [row.line for row in rows if row.problem] == [3]


def test_progress_reaches_the_size(file: Path) -> None:
    table = open_table(write(file, "a,b\n" + "1,2\n" * 10_000))
    positions: list[int] = []
    list(table.read_rows(positions.append))
    assert positions == sorted(positions)
    assert positions[-1] == table.size_bytes


@pytest.mark.parametrize(
    ("content", "options", "says"),
    [
        (b"", {}, "first line"),
        (b"\n\n", {}, "first line"),
        (b",,\n1,2,3\n", {}, "first line"),
        (b"a,b\n\xff\n", {"encoding": "utf-8"}, "is not utf-8"),
        (b"a,b\n", {"encoding": "klingon"}, "unknown text encoding"),
        (b"a,b\n", {"encoding": "base64"}, "unknown text encoding"),
        (b"a,b\n", {"delimiter": ",,"}, "one character"),
        (b"a,b\n", {"delimiter": '"'}, "one character"),
    ],
)
def test_non_table_is_reported(file: Path, content: bytes, options: dict[str, str], says: str) -> None:
    with pytest.raises(TableError, match=says):
        open_table(write(file, content), **options)


def test_non_file_is_reported(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.csv"):
        with pytest.raises(TableError, match=str(path)):
            open_table(path)


def test_columns_go_into_fields() -> None:
    mapping = read_mapping(
        COLUMNS,
        maps=[
            "name=first_name",
            "Zip=zip",
            "Type=vertical",
            "Type=attributes.kind",
            "Age=attributes.roof.age:number",
        ],
        defaults=["country=US", "attributes.roof.age=9"],
        vertical_maps=["HEATING=hvac", "Roof  Repair=Roofing"],
    )
    payload, problems = mapping.build(["Ada", " 30312 ", "roof repair", "", "12"])
    assert problems == []
    assert payload == {
        "first_name": "Ada",
        "zip": "30312",
        "vertical": "roofing",
        "attributes": {"kind": "roof repair", "roof": {"age": 12}},
        "country": "US",
    }
    assert mapping.column_of("attributes.roof.age") == "Age"


def test_defaults_fill_blank_or_missing_values() -> None:
    mapping = read_mapping(COLUMNS, maps=["Zip=zip"], defaults=["zip=10001"], vertical_maps=[])
    assert mapping.build(["Ada"])[0] == {"zip": "10001"}


def test_unmapped_values_are_counted_and_refused_without_a_catch_all() -> None:
    def build(*vertical_maps: str) -> tuple[object, list[str], dict[str, int]]:
        mapping = read_mapping(COLUMNS, maps=["Type=vertical"], defaults=[], vertical_maps=vertical_maps)
        assert mapping.verticals is not None
        payload, problems = mapping.build(["", "", "Snow", "", ""])
        return (
            payload.get("vertical"),
            [problem.code for problem in problems],
            dict(mapping.verticals.unmapped),
        )

    assert build("HEATING=hvac") == (None, ["unmapped"], {"Snow": 1})
    assert build("HEATING=hvac", "*=other") == ("other", [], {})


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", 12),
        ("-3", -3),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("nan", None),
        ("1_000", None),
        ("12 years", None),
    ],
)
def test_numbers_are_read(text: str, number: float | None) -> None:
    mapping = read_mapping(COLUMNS, maps=["Age=attributes.age:number"], defaults=[], vertical_maps=[])
    payload, problems = mapping.build(["", "", "", "", text])
    assert payload.get("attributes", {}).get("age") == number
    assert [problem.code for problem in problems] == ([] if number is not None else ["invalid"])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"maps": ["Nope=zip"]}, "the file has 'Name', 'Zip'"),
        ({"maps": ["Zip=nope"]}, "use one of first_name"),
        ({"maps": ["Zip=attributes"]}, "no field 'attributes'"),
        ({"maps": ["Zip=attributes.a b"]}, "no field"),
        ({"maps": ["Zip=attributes.a:date"]}, "no field"),
        ({"maps": ["Zip=zip:number"]}, "no field"),
        ({"maps": ["Zip"]}, "column=field"),
        ({"maps": ["Zip=zip", "Name=zip"]}, "more than one column"),
        ({"maps": ["SAME=zip"]}, "2 columns"),
        ({"defaults": ["zip"]}, "field=value"),
        ({"defaults": ["attributes.a:number=x"]}, "not a number"),
        ({"vertical_maps": ["a=b"]}, "no column is mapped to vertical"),
        ({"maps": ["Zip=vertical"], "vertical_maps": ["a=!!"]}, "letters"),
        ({"maps": ["Zip=vertical"], "vertical_maps": ["@/nonexistent.csv"]}, "No such file"),
    ],
)
def test_invalid_mapping_lists_the_valid_names(options: dict[str, list[str]], says: str) -> None:
    given_options = {"maps": [], "defaults": [], "vertical_maps": [], **options}
    with pytest.raises(MappingError, match=says):
        read_mapping((*COLUMNS, "Same", "same "), **given_options)


def test_verticals_come_from_a_file(tmp_path: Path) -> None:
    path = write(tmp_path / "map.csv", '\ufeffvalue,vertical\nHEATING,hvac\n"Noise, loud",other\n')
    mapping = read_mapping(COLUMNS, maps=["Type=vertical"], defaults=[], vertical_maps=[f"@{path}"])
    assert mapping.verticals is not None
    assert dict(mapping.verticals.verticals) == {"heating": "hvac", "noise, loud": "other"}


@given(st.text())
def test_guarded_cell_is_no_formula_and_is_restored(text: str) -> None:
    """A cell that begins with = + - @ is a formula to a spreadsheet."""
    assert not guard_cell(text).startswith(FORMULA_STARTS)
    if not (text.startswith("'") and text[1:].startswith(FORMULA_STARTS)):
        assert take_off_guard(guard_cell(text)) == text


def test_no_rejects_file_without_rejects(tmp_path: Path) -> None:
    rejects = RejectsFile(tmp_path / "r.csv", columns=["a"])
    rejects.open()
    with rejects:
        pass
    assert list(tmp_path.iterdir()) == []
