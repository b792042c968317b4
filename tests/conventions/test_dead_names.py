"""Every name of the product is used by the product. A name that only tests use is removed."""

import ast
import importlib
import re
from collections import Counter
from collections.abc import Iterator
from enum import Enum
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Final, NamedTuple

from django.db.models import Model
from django.forms import BaseForm

REPOSITORY: Final = Path(__file__).resolve().parents[2]
APPS: Final = ("leadswitch", "distribution", "routing", "tracing")
USERS: Final = (*APPS, "templates", "ops")

# At most six, each with its reason.
ALLOWED: Final = {
    "leadswitch.embedded.lifecycle.ensure_named_redis": "starts a Redis for each process of the tests, as any other",
    "leadswitch.embedded.lifecycle.stop_named_redis": "stops those again",
}

# A server or Django reads these modules by their names.
READ_BY_NAME: Final = {
    "leadswitch/settings.py",
    "leadswitch/urls.py",
    "leadswitch/web/config.py",
    "leadswitch/spans/middleware.py",
    "leadswitch/formats/en/formats.py",
    "routing/api/urls.py",
    "distribution/api/urls.py",
    "distribution/api/callurls.py",
    "distribution/portal/urls.py",
}
READ_IN_A_CLASS: Final = {"Meta", "Media"}
# Subclasses of these are found through them.
FOUND_BY_BASE: Final = {"BaseCommand", "OpenApiAuthenticationExtension"}
# Any other decorator may register what it decorates.
PLAIN_DECORATORS: Final = {
    "cache",
    "cached_property",
    "classmethod",
    "contextmanager",
    "dataclass",
    "final",
    "lru_cache",
    "override",
    "property",
    "staticmethod",
    "transaction",
}

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign


class Named(NamedTuple):
    """A name that a module or class defines."""

    file: str
    owner: str
    name: str
    node: Definition

    @property
    def dotted(self) -> str:
        module = self.file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        return ".".join(part for part in (module, self.owner, self.name) if part)


def product_files() -> list[str]:
    return sorted(
        path.relative_to(REPOSITORY).as_posix()
        for app in APPS
        for path in (REPOSITORY / app).rglob("*.py")
        if "migrations" not in path.parts
    )


def definitions(file: str, body: list[ast.stmt], owner: str = "") -> Iterator[Named]:
    for node in body:
        match node:
            case ast.ClassDef():
                yield Named(file, owner, node.name, node)
                yield from definitions(file, node.body, f"{owner}.{node.name}" if owner else node.name)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield Named(file, owner, node.name, node)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                yield Named(file, owner, name, node)
            case ast.If() | ast.Try():
                yield from definitions(file, node.body, owner)


def words_used(tree: ast.AST) -> Counter[str]:
    """Names that code reads, calls or has as one word. Imports, `__all__`, docstrings and sentences do not count."""
    ignored: set[int] = set()
    used: Counter[str] = Counter()
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant() as alone):
                ignored.add(id(alone))
            case ast.Assign(targets=[ast.Name(id="__all__")], value=exported):
                ignored.update(id(each) for each in ast.walk(exported))
            case ast.Name(id=name, ctx=ast.Load()) | ast.Attribute(attr=name, ctx=ast.Load()):
                used[name] += 1
            case ast.keyword(arg=str(name)):
                used[name] += 1
            case ast.MatchClass(kwd_attrs=names):
                used.update(names)
            case ast.Constant(value=str(text)) if id(node) not in ignored and not re.search(r"\s", text):
                used.update(set(re.findall(r"\w+", text)))
    return used


def count_uses() -> Counter[str]:
    used: Counter[str] = Counter()
    for folder in USERS:
        for path in (REPOSITORY / folder).rglob("*"):
            if path.suffix == ".py" and "migrations" not in path.parts:
                used += words_used(ast.parse(path.read_text()))
            elif path.suffix in {".html", ".js", ".template"}:
                used.update(set(re.findall(r"\w+", path.read_text())))
    for name in ("pyproject.toml", "Makefile", "docker-compose.yml", "Dockerfile", "manage.py"):
        used.update(set(re.findall(r"\w+", (REPOSITORY / name).read_text())))
    return used


def may_be_registered(node: Definition) -> bool:
    if isinstance(node, ast.ClassDef) and {ast.unparse(base) for base in node.bases} & FOUND_BY_BASE:
        return True
    if isinstance(node, ast.ClassDef) and {ast.unparse(base) for base in node.bases} & {"models.Model"}:
        return True  # a table, which SQL may read
    if isinstance(node, ast.ClassDef) and has_triggers(node):
        return True  # the database runs them
    decorators = getattr(node, "decorator_list", [])
    return any(re.split(r"[.(]", ast.unparse(each))[0] not in PLAIN_DECORATORS for each in decorators)


def has_triggers(model: ast.ClassDef) -> bool:
    [meta] = [each for each in model.body if isinstance(each, ast.ClassDef) and each.name == "Meta"] or [None]
    return meta is not None and any(
        isinstance(each, ast.AnnAssign) and ast.unparse(each.target) == "triggers" for each in meta.body
    )


def is_read_by_its_base(named: Named) -> bool:
    """An override of what a framework defines, a column, a choice, a form's check of one field, or an HTTP method."""
    owner = importlib.import_module(
        named.file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    )
    for part in named.owner.split("."):
        owner = getattr(owner, part)
    assert isinstance(owner, type)
    if issubclass(owner, Enum) or (issubclass(owner, Model) and isinstance(named.node, ast.Assign)):
        return True
    if issubclass(owner, BaseForm) and named.name.startswith("clean_"):
        return True
    if issubclass(owner, BaseHTTPRequestHandler) and named.name.startswith("do_"):
        return True
    foreign = [base for base in owner.__mro__[1:] if base.__module__.split(".")[0] not in APPS]
    return any(named.name in vars(base) for base in foreign)


def unused_names() -> set[str]:
    used = count_uses()
    unused = set()
    for file in product_files():
        if file in READ_BY_NAME:
            continue
        for named in definitions(file, ast.parse((REPOSITORY / file).read_text()).body):
            if named.name.startswith("__") or READ_IN_A_CLASS & {named.name, *named.owner.split(".")}:
                continue
            within = words_used(named.node)[named.name]
            if used[named.name] > within or may_be_registered(named.node):
                continue
            if not (named.owner and is_read_by_its_base(named)):
                unused.add(named.dotted)
    return unused


def test_every_name_of_the_product_is_used_by_the_product() -> None:
    assert len(ALLOWED) <= 6
    assert unused_names() == ALLOWED.keys()
