"""House rules that no linter checks."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
APPS = ("leadswitch", "distribution", "routing", "tracing")
PROGRAMS = (*APPS, "tests/bench", "tests/load")
MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 60
USUAL_FUNCTION_LINES = 45
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc"}


def source_files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def lines_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_files_stay_small() -> None:
    sizes = {
        str(path.relative_to(REPOSITORY)): len(path.read_text().splitlines())
        for path in source_files(*PROGRAMS)
    }
    assert {name: size for name, size in sizes.items() if size > MAX_FILE_LINES} == {}


def test_functions_stay_small() -> None:
    sizes = {
        f"{path.relative_to(REPOSITORY)}:{node.name}": lines_of(node)
        for path in source_files(*PROGRAMS)
        for node in functions(path)
    }
    assert {name: size for name, size in sizes.items() if size > MAX_FUNCTION_LINES} == {}
    long = [size for size in sizes.values() if size > USUAL_FUNCTION_LINES]
    assert len(long) <= len(sizes) / 20


def test_modules_have_meaningful_names() -> None:
    assert [path for path in source_files(*PROGRAMS) if path.stem in VAGUE_NAMES] == []


def test_every_module_has_a_docstring() -> None:
    silent = [
        str(path.relative_to(REPOSITORY))
        for path in source_files(*PROGRAMS)
        if ast.get_docstring(ast.parse(path.read_text())) is None and not is_empty_by_design(path)
    ]
    assert silent == []


def is_empty_by_design(path: Path) -> bool:
    """Django finds commands, template tags and formats by these folders. Every other folder is a room."""
    return path.name == "__init__.py" and path.parent.name in {
        "management",
        "commands",
        "templatetags",
        "formats",
        "en",
    }


@pytest.mark.parametrize("app", APPS)
def test_on_commit_is_in_one_module_of_an_app(app: str) -> None:
    users = [path.name for path in source_files(app) if re.search(r"\bon_commit\(", path.read_text())]
    assert len(users) <= 1


@pytest.mark.parametrize("app", APPS)
def test_faces_touch_no_locks(app: str) -> None:
    faces = [
        path
        for path in source_files(app)
        if {"api", "admin", "commands"} & set(path.relative_to(REPOSITORY).parts)
    ]
    locking = [
        path.name for path in faces if re.search(r"select_for_update|FOR (NO KEY )?UPDATE", path.read_text())
    ]
    assert locking == []


def metric_files(*apps: str) -> list[Path]:
    """A module metrics.py, or the modules of a package of this name."""
    return [
        path
        for app in apps or APPS
        for path in (*(REPOSITORY / app).glob("metrics.py"), *(REPOSITORY / app).glob("metrics/*.py"))
    ]


def read_metrics(app: str) -> str:
    return "\n".join(path.read_text() for path in metric_files(app))


@pytest.mark.parametrize("app", ["distribution", "routing", "tracing"])
def test_every_metric_is_set_somewhere(app: str) -> None:
    names = re.findall(
        r"^([A-Z_]+) = (?:Counter|Histogram|Gauge|with_series|_leader_gauge)\(", read_metrics(app), re.M
    )
    assert names
    sources = "\n".join(path.read_text() for path in source_files(*APPS) if path not in metric_files())
    unset = [
        name
        for name in names
        if not re.search(
            rf"\b{name}\.(labels\(.{{0,80}}?\)\.)?(inc|observe|set)\(", sources.replace("\n", " ")
        )
    ]
    assert unset == []


def test_no_metric_label_names_a_tenant_or_lead() -> None:
    """Labels with tenant or lead ids would make a time series for each."""
    for app in ("distribution", "routing", "tracing"):
        text = read_metrics(app)
        labels = {
            label
            for found in re.findall(r"\[([^\]]*)\]", text)
            for label in re.findall(r'"([a-z_]+)"', found)
        }
        assert not labels & {
            "workspace",
            "lead",
            "lead_id",
            "buyer",
            "buyer_id",
            "source",
            "email",
            "phone",
            "worker",
        }


def test_make_help_names_every_target_of_the_readme() -> None:
    makefile, readme = (REPOSITORY / "Makefile").read_text(), (REPOSITORY / "README.md").read_text()
    targets = set(re.findall(r"^([a-z-]+(?: [a-z-]+)*):", makefile, re.M))
    known = {target for line in targets for target in line.split()}
    named = set(re.findall(r"\bmake ([a-z][a-z-]+)", readme))
    assert named <= known
    assert {"demo", "test", "up", "bench", "help"} <= known
