"""Finds demands on a lead that exclude each other, so no lead can meet them all. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any, Final

from distribution.configuration.coverage import compile_area, list_covered, list_variants
from routing.conditions.compilation import compile_leaf
from routing.conditions.contradiction import exclude_each_other, leave_no_value, list_allowed
from routing.conditions.tree import Leaf, Node
from routing.places.zips import load_rows

# A lead has at most one value of each, whatever is in its attributes.
SINGLE: Final = frozenset({"zip", "state", "country", "county", "city", "vertical", "source", "consent"})
PLACE: Final = ("zip", "state", "county")


@dataclass(frozen=True, slots=True)
class Demand:
    """What a lead must pass: conditions, or a service area.

    `name` and `words` describe it: "the tier's filter", "state is GA".
    """

    name: str
    words: str
    nodes: Sequence[Node] = ()
    area: Mapping[str, Any] | None = None


def find_contradictions(demands: Sequence[Demand]) -> list[Sequence[Demand]]:
    """Return single demands and pairs that no lead passes. If there are none, return all if no lead passes all."""
    found: list[Sequence[Demand]] = [(each,) for each in demands if exclude_all_leads([each])]
    possible = [each for each in demands if (each,) not in found]
    found += [pair for pair in combinations(possible, 2) if exclude_all_leads(pair)]
    if not found and exclude_all_leads(demands):
        found.append(demands)
    return found


def exclude_all_leads(demands: Sequence[Demand]) -> bool:
    """True: no lead passes all of these. False proves nothing. Raises DefinitionError for an area."""
    areas = [_ServiceArea(each.area) for each in demands if each.area is not None]
    nodes = [node for each in demands for node in each.nodes]
    return exclude_each_other(nodes, conflict=partial(_conflict, areas=areas))


def _conflict(leaves: Sequence[Leaf], *, areas: Sequence["_ServiceArea"]) -> bool:
    return leave_no_value(leaves, single=SINGLE) or any(area.takes_none(leaves) for area in areas)


class _ServiceArea:
    """A service area, tested against conditions on a lead's place."""

    def __init__(self, definition: Mapping[str, Any]) -> None:
        area = compile_area(definition)
        named = [key.partition(":") for key in area.include.keys]
        self.covered = list_covered(definition)
        self.takes_countries = area.everywhere or any(kind == "countries" for kind, _, _ in named)
        self.states = {name for kind, _, name in named if kind == "states"}
        self.prefixes = tuple(name for kind, _, name in named if kind == "zip_prefixes")
        self.foreign_codes = {name for kind, _, name in named if kind == "zips"} - load_rows().keys()

    def takes_none(self, leaves: Sequence[Leaf]) -> bool:
        """True: no lead that passes these is in the area."""
        asked = {name: [leaf for leaf in leaves if leaf.field == name] for name in PLACE}
        if not any(asked.values()) or self._may_take_unlisted(asked):
            return False
        places = (place for covered in self.covered for place in list_variants(covered))
        tests = [compile_leaf(leaf) for each in asked.values() for leaf in each]
        return not any(all(test(place) for test in tests) for place in places)

    def _may_take_unlisted(self, asked: Mapping[str, Sequence[Leaf]]) -> bool:
        """A lead from abroad, or with an unlisted ZIP code, can match by its country, state or code."""
        if any(leaf.shown_op != "missing" for leaf in asked["county"]):
            return False
        codes = list_allowed(asked["zip"], is_single=True)
        if codes is not None:
            codes = [code for code in codes if isinstance(code, str) and code not in load_rows()]
            if not codes:
                return False
        return self.takes_countries or self._takes_state(asked["state"]) or self._takes_code(codes)

    def _takes_state(self, leaves: Sequence[Leaf]) -> bool:
        tests = [compile_leaf(leaf) for leaf in leaves]
        return any(all(test({"state": state}) for test in tests) for state in self.states)

    def _takes_code(self, codes: Sequence[str] | None) -> bool:
        """Whether the area takes an unlisted code among these. None: any code."""
        if codes is None:
            return bool(self.prefixes or self.foreign_codes)
        return any(code in self.foreign_codes or code.startswith(self.prefixes) for code in codes)
