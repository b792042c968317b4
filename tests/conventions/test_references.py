"""Every file, module, command, setting, metric, decision and test that prose names must exist.

Prose is the Markdown pages, the comments of configuration files, and the docstrings and comments of Python. Texts of
the product are read for commands, pages and settings only: their other words with dots are log events and task names.
"""

import ast
import io
import os
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import pytest

REPOSITORY: Final = Path(__file__).resolve().parents[2]
APPS: Final = ("leadswitch", "distribution", "routing", "tracing")
CONFIGURATION: Final = (
    ".env.example",
    ".ci/run",
    "Makefile",
    "Dockerfile",
    "docker-compose.yml",
    "pyproject.toml",
)
MADE: Final = ("var", "__pycache__", "staticfiles")
PROSE, TEXT, HISTORY = "prose", "text", "history"

# Named although they do not exist here, each for the reason given.
NOT_HERE: Final = {
    "first.yaml": "the README has its reader create it",
    "leadswitch.dump": "a backup",
    "leadswitch.log": "where an operator collects the log",
}
NOT_METRICS: Final = {
    "leadswitch_web": "a role of the database",
    "leadswitch_worker": "a role of the database",
    "leadswitch_metrics_token": "a file of Prometheus",
    "leadswitch_exporter": "a database role",
}
NOT_OURS: Final = {
    "archive_mode": "a setting of PostgreSQL",
    "autovacuum_naptime": "a setting of PostgreSQL",
    "idle_transaction_timeout": "a setting of PgBouncer",
    "axes_accessattempt": "a table of django-axes",
    "otp_totp_totpdevice": "a table of django-otp",
    "task_always_eager": "a setting of Celery",
    "tracing_attempt_pkey": "the index behind a primary key, which PostgreSQL names",
    "parentbased_traceidratio": "a sampler of OpenTelemetry",
    "transactional_db": "a fixture of pytest-django",
}
DJANGO_COMMANDS: Final = {
    "changepassword",
    "check",
    "createsuperuser",
    "help",
    "makemigrations",
    "migrate",
    "shell",
    "showmigrations",
}


class Passage(NamedTuple):
    """One docstring, comment, page or text, and where it is."""

    place: str
    kind: str
    text: str


@cache
def tracked() -> frozenset[str]:
    """The repository's files, without those that a checkout generates."""
    names = []
    for folder, below, files in os.walk(REPOSITORY):
        below[:] = [
            each for each in below if each not in MADE and (each[0] != "." or each in (".ci", ".github"))
        ]
        names += [Path(folder, each).relative_to(REPOSITORY).as_posix() for each in files]
    return frozenset(names)


@cache
def folders() -> frozenset[str]:
    return frozenset(str(parent) for name in tracked() for parent in Path(name).parents if str(parent) != ".")


@cache
def source(name: str) -> str:
    return (REPOSITORY / name).read_text()


def python_files(*roots: str) -> list[str]:
    return sorted(
        name for name in tracked() if name.endswith(".py") and (not roots or name.split("/")[0] in roots)
    )


def docstrings(tree: ast.AST) -> Iterator[ast.Constant]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                yield first.value


def python_passages(name: str) -> Iterator[Passage]:
    tree = ast.parse(source(name))
    documenting = {id(each) for each in docstrings(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            kind = PROSE if id(node) in documenting else TEXT
            if kind == PROSE or name.split("/")[0] in APPS:
                yield Passage(f"{name}:{node.lineno}", kind, node.value)
    for token in tokenize.generate_tokens(io.StringIO(source(name)).readline):
        if token.type == tokenize.COMMENT:
            yield Passage(f"{name}:{token.start[0]}", PROSE, token.string)


@cache
def passages() -> tuple[Passage, ...]:
    found = []
    for name in sorted(tracked()):
        if name.endswith(".md") or name in CONFIGURATION:
            # The changelog also names removed things.
            kind = HISTORY if name == "CHANGELOG.md" else PROSE
            lines = enumerate(source(name).splitlines(), start=1)
            found += [Passage(f"{name}:{number}", kind, line) for number, line in lines]
        elif name.endswith(".py") and "/migrations/" not in name:
            found += python_passages(name)
    return tuple(found)


def mentions(pattern: str, *, kinds: tuple[str, ...] = (PROSE,)) -> list[tuple[str, str]]:
    return [
        (passage.place, match.group(1))
        for passage in passages()
        if passage.kind in kinds
        for match in re.finditer(pattern, passage.text)
    ]


# --- files ---

ENDINGS: Final = "py|md|html|js|css|toml|yml|yaml|conf|sh|txt|in|template|lua|csv|gz|sql"
PATH: Final = rf"(?<![\w/.{{*@-])((?:[\w.-]+/)+[\w.-]*\.(?:{ENDINGS})|[\w-]+\.(?:py|md))\b"
FOLDER: Final = (
    r"(?<![\w/.{*:-])((?:leadswitch|distribution|routing|tracing|tests|docs|ops)/(?:[\w-]+/)*)(?![\w.*{<])"
)


def is_file_named(name: str, *, place: str) -> bool:
    """From the repository's root, from the page's folder, or the end of a path (`intake/store.py`)."""
    name = name.removeprefix("./")
    beside = (Path(place.split(":")[0]).parent / name).as_posix()
    ends = f"/{name}"
    return name in tracked() or beside in tracked() or any(each.endswith(ends) for each in tracked())


def test_every_file_that_prose_names_exists() -> None:
    missing = {
        f"{place}: {name}"
        for place, name in mentions(PATH)
        if not is_file_named(name, place=place)
        and name.split("/")[-1] not in NOT_HERE
        and not name.startswith("var/")
    }
    assert missing == set()


def test_every_folder_that_prose_names_exists() -> None:
    missing = {f"{place}: {name}" for place, name in mentions(FOLDER) if name.rstrip("/") not in folders()}
    assert missing == set()


def test_every_page_that_a_text_or_the_changelog_names_exists() -> None:
    pages = mentions(r"\b(docs/[\w/.-]+\w)", kinds=(TEXT, HISTORY))
    assert pages
    assert {f"{place}: {name}" for place, name in pages if not is_page(name)} == set()


def is_page(name: str) -> bool:
    return name in tracked() or f"{name}.md" in tracked() or bool(decision_file(name))


@pytest.mark.parametrize("page", sorted(name for name in tracked() if name.endswith(".md")))
def test_every_link_of_a_page_has_a_target(page: str) -> None:
    targets = re.findall(r"\]\(([^)\s#]+)(?:#[^)]*)?\)", source(page))
    local = [target for target in targets if not target.startswith(("http://", "https://", "mailto:"))]
    assert [target for target in local if not (REPOSITORY / page).parent.joinpath(target).exists()] == []


# --- decisions ---


def decision_file(name: str) -> str | None:
    """The record that `decisions/0047` or `docs/decisions/0047-workspaces-take-turns.md` refers to."""
    found = re.search(r"decisions/(\d{4})([\w.-]*)$", name)
    if found is None:
        return None
    records = [each for each in tracked() if each.startswith(f"docs/decisions/{found[1]}-")]
    whole = f"docs/decisions/{found[1]}{found[2]}"
    return next((each for each in records if not found[2] or each == whole), None)


def test_every_decision_that_prose_names_exists() -> None:
    places = mentions(r"(decisions/\d{4}(?:-[\w-]+\.md)?)", kinds=(PROSE, TEXT, HISTORY))
    assert len(places) > 50
    assert {f"{place}: {name}" for place, name in places if decision_file(name) is None} == set()
    numbers = mentions(r"\b[Dd]ecisions? (\d+)\b", kinds=(PROSE, TEXT, HISTORY))
    assert {
        f"{place}: decision {number}"
        for place, number in numbers
        if decision_file(f"decisions/{int(number):04d}") is None
    } == set()


# --- modules and names ---

DOTTED: Final = rf"(?<![\w./*:\"'-])((?:{'|'.join(APPS)}|tests)(?:\.\w+)+)\b(?![/*]|\.\*)"


@cache
def modules() -> frozenset[str]:
    names = {name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in python_files()}
    return frozenset(names | {folder.replace("/", ".") for folder in folders()})


@cache
def defined(module: str) -> frozenset[str]:
    path = module.replace(".", "/")
    name = f"{path}.py" if f"{path}.py" in tracked() else f"{path}/__init__.py"
    if name not in tracked():
        return frozenset()
    names = set()
    for node in ast.walk(ast.parse(source(name))):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(node.id if isinstance(node, ast.Name) else node.attr)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name)
    return frozenset(names)


@cache
def texts_of_product() -> frozenset[str]:
    return frozenset(
        node.value
        for name in python_files(*APPS)
        for node in ast.walk(ast.parse(source(name)))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def is_known(dotted: str) -> bool:
    """A module, something that a module defines, or a text of the product: a log event, a task, a permission."""
    if dotted in modules() or dotted in texts_of_product():
        return True
    parts = dotted.split(".")
    owners = [".".join(parts[:end]) for end in range(len(parts) - 1, 0, -1)]
    owner = next((each for each in owners if each in modules()), None)
    if owner is None:
        return False
    rest = parts[owner.count(".") + 1 :]
    return "*" in rest or all(part in defined(owner) for part in rest)


def test_every_module_and_name_with_its_module_exists() -> None:
    missing = {
        f"{place}: {name}"
        for place, name in mentions(DOTTED)
        if not is_known(name) and name not in NOT_HERE and name.rsplit(".", 1)[-1] not in ENDINGS.split("|")
    }
    assert missing == set()


def test_every_test_that_prose_names_exists() -> None:
    names = {
        node.name
        for name in python_files("tests")
        for node in ast.walk(ast.parse(source(name)))
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    } | {Path(name).stem for name in python_files("tests")}
    named = mentions(r"(?<![\w/{*])(test_[a-z0-9_]+)\b(?![*{])")
    assert {f"{place}: {name}" for place, name in named if name not in names} == set()


# --- commands, settings, metrics ---


def test_every_make_target_that_prose_names_exists() -> None:
    targets = {
        target
        for line in re.findall(r"^([a-z-]+(?: [a-z-]+)*):", source("Makefile"), re.MULTILINE)
        for target in line.split()
    }
    named = [*mentions(r"`make (?:[A-Z]\S* )*([a-z][a-z-]*)"), *mentions(r"^make ([a-z][a-z-]*)")]
    assert len(named) > 20
    assert {f"{place}: make {name}" for place, name in named if name not in targets} == set()


def test_every_management_command_that_prose_or_a_text_names_exists() -> None:
    commands = {Path(name).stem for name in tracked() if "/management/commands/" in name}
    commands |= DJANGO_COMMANDS
    named = mentions(r"manage\.py ([a-z][a-z_]*)", kinds=(PROSE, TEXT))
    assert len(named) > 50
    assert {f"{place}: {name}" for place, name in named if name not in commands} == set()


def test_every_setting_that_prose_or_a_text_names_exists() -> None:
    known = set(re.findall(r"\bLEADSWITCH_[A-Z_]+", "\n".join(source(name) for name in python_files(*APPS))))
    documented = set(re.findall(r"\bLEADSWITCH_[A-Z_]+", source(".env.example")))
    named = mentions(r"\b(LEADSWITCH_[A-Z_]*[A-Z])\b(?![_*…])")
    assert {f"{place}: {name}" for place, name in named if name not in known | documented} == set()


def test_every_metric_that_prose_names_exists() -> None:
    named = mentions(r"\b(leadswitch_[a-z_]+[a-z])\b(?![.*_{])")
    metrics = set(
        re.findall(r"\bleadswitch_[a-z_]+", "\n".join(source(name) for name in python_files(*APPS)))
    )
    assert {f"{place}: {name}" for place, name in named if name not in metrics | NOT_METRICS.keys()} == set()


# --- names of code ---

CODE_NAME: Final = r"`(?:[A-Za-z_]+\.)?((?:[A-Za-z]+_\w+|[A-Z][a-z]+[A-Z]\w*|[A-Z_]{4,}))(?:\([^`]*\))?`"


@cache
def words_of_code() -> frozenset[str]:
    """Every word of code and of its texts, but not of prose: a name that occurs only in prose is dead."""
    words: set[str] = set()
    for name in tracked():
        if name.endswith(".py"):
            tokens = tokenize.generate_tokens(io.StringIO(source(name)).readline)
            words |= {token.string for token in tokens if token.type == tokenize.NAME}
            tree = ast.parse(source(name))
            documenting = {id(each) for each in docstrings(tree)}
            for node in ast.walk(tree):
                if (
                    isinstance(node, ast.Constant)
                    and isinstance(node.value, str)
                    and id(node) not in documenting
                ):
                    words |= set(re.findall(r"\w+", node.value))
        elif (
            name.endswith((".html", ".js", ".css", ".toml", ".yml", ".yaml", ".template", ".txt", ".sh"))
            or "." not in name
        ):
            words |= set(re.findall(r"\w+", source(name)))
    return frozenset(words | set(re.findall(r"\w+", source(".env.example"))))


def test_every_name_in_backticks_exists_in_code() -> None:
    # Fields of leads are looked up without their underscores.
    known = words_of_code() | {Path(name).stem for name in tracked()} | NOT_OURS.keys()
    named = mentions(CODE_NAME)
    assert len(named) > 200
    assert {f"{place}: {name}" for place, name in named if not {name, name.replace("_", "")} & known} == set()


# --- the checks themselves ---


@pytest.mark.parametrize(
    ("pattern", "text", "name"),
    [
        (PATH, "See `routing/handon.py` for it.", "routing/handon.py"),
        (PATH, "# Kept in step with handon.py by a test.", "handon.py"),
        (FOLDER, "modules of `distribution/old_room/`", "distribution/old_room/"),
        (DOTTED, "See routing.handon.settle for why.", "routing.handon.settle"),
        (CODE_NAME, "`never_made_later(lead)` is called", "never_made_later"),
        (CODE_NAME, "the class `NeverMadeAdmin`", "NeverMadeAdmin"),
    ],
)
def test_dangling_reference_is_found(pattern: str, text: str, name: str) -> None:
    assert re.findall(pattern, text) == [name]
    assert not is_file_named(name, place="docs/x.md:1")
    assert not is_known(name)
    assert name.rstrip("/") not in folders()
