"""Reports stored definitions that no lead can match, or that have no effect. Reads only."""

from collections.abc import Iterator
from typing import Any, Final

from distribution.configuration.contradictions import Demand, exclude_all_leads
from distribution.configuration.coverage import list_covered
from distribution.engine import DefinitionError
from distribution.models import Buyer, Enrollment, Tier
from distribution.review.stored import Finding
from routing.conditions import ConditionError, compile_condition
from routing.models import RoutingRule, Source
from routing.places.zips import load_rows

COVERAGE: Final = ("countries", "states", "counties", "zip_prefixes", "zips", "radius")


def find_without_effect() -> Iterator[Finding]:
    for buyer in Buyer.objects.order_by("pk").iterator():
        for message in _judge_area(buyer.service_area):
            yield Finding(f"buyer {buyer.pk} service_area", message, is_corrected=False)
    names = set(Source.objects.values_list("name", flat=True))
    for model, field in ((RoutingRule, "conditions"), (Tier, "content_filter"), (Enrollment, "lead_filter")):
        rows: Any = model
        for pk, condition in rows.objects.order_by("pk").values_list("pk", field).iterator():
            for message in _judge_condition(condition, sources=names):
                yield Finding(f"{model._meta.model_name} {pk} {field}", message, is_corrected=False)


def _judge_area(area: Any) -> Iterator[str]:
    if not isinstance(area, dict) or not area:
        return
    exclude = area.get("exclude") or {}
    try:
        if not _names_abroad(area) and not list_covered(area):
            yield "covers no ZIP codes: this buyer gets no leads"
        if exclude and not _names_abroad(exclude) and not list_covered(exclude):
            yield "excludes nothing: its exclusions contain no ZIP codes"
    except DefinitionError:
        return  # its own check reports this
    for kind, coverage in (("zips", area), ("exclude.zips", exclude)):
        unknown = [each for each in coverage.get("zips") or () if "-" not in each and each not in load_rows()]
        if unknown:
            yield f"{kind}: {', '.join(unknown[:10])} not in the ZIP code table: new, or mistyped"


def _names_abroad(coverage: Any) -> bool:
    named = [each for kind in COVERAGE[:-1] for each in coverage.get(kind) or () if isinstance(each, str)]
    return (
        bool(coverage.get("everywhere"))
        or any("-" in each and ":" not in each for each in named)
        or any(each != "US" for each in coverage.get("countries") or ())
    )


def _judge_condition(condition: Any, *, sources: set[str]) -> Iterator[str]:
    try:
        compiled = compile_condition(condition)
    except ConditionError:
        return  # its own check reports this
    if exclude_all_leads([Demand("", compiled.describe(), [compiled.root.node])]):
        yield f"no lead can match it: {compiled.describe()}"
    for name in sorted(_named_sources(condition) - sources):
        yield f"names the source {name!r}, which does not exist"


def _named_sources(node: Any) -> set[str]:
    if isinstance(node, list):
        return {name for each in node for name in _named_sources(each)}
    if not isinstance(node, dict):
        return set()
    if node.get("field") == "source" and node.get("op") in ("eq", "ne", "in", "not_in"):
        value = node.get("value")
        return {each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)}
    return {name for each in node.values() for name in _named_sources(each)}
