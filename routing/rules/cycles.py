"""Finds the cycle that a routing rule would create, so that a form can show it. The database rejects it too."""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from django.db import connection

from routing.models.rule_triggers import MAX_HOPS

EDGES: Final = """
SELECT DISTINCT workspace_id, destination_id FROM routing_rule WHERE active AND id IS DISTINCT FROM %s::bigint
"""


def find_cycle(*, workspace_id: int, destination_id: int, rule_id: int | None = None) -> Sequence[int]:
    """Return the cycle of workspaces that an active rule would create; [] if none. The first and last are the same.

    `rule_id` is the stored rule to ignore. Reliable only after routing.locks.switches.lock_rules.
    """
    path = find_path(_read_edges(rule_id), start=destination_id, end=workspace_id)
    return [workspace_id, *path] if path else []


def is_path_too_long(*, workspace_id: int, destination_id: int, rule_id: int | None = None) -> bool:
    """True if an active rule would make a path of more than MAX_HOPS rules. There must be no cycle."""
    edges = list(_read_edges(rule_id))
    back = [(to, start) for start, to in edges]
    return _depth(edges, start=destination_id) + 1 + _depth(back, start=workspace_id) > MAX_HOPS


def find_path(edges: Iterable[tuple[int, int]], *, start: int, end: int) -> list[int]:
    """Return the shortest path from `start` to `end`, inclusive; [] if there is none. Pure."""
    following = _by_start(edges)
    came_from: dict[int, int | None] = {start: None}
    waiting = deque([start])
    while waiting and end not in came_from:
        here = waiting.popleft()
        for each in following.get(here, ()):
            if each not in came_from:
                came_from[each] = here
                waiting.append(each)
    path: list[int] = []
    place: int | None = end if end in came_from else None
    while place is not None:
        path.append(place)
        place = came_from[place]
    return path[::-1]


def _read_edges(rule_id: int | None) -> list[tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(EDGES, [rule_id])
        return list(cursor.fetchall())


def _by_start(edges: Iterable[tuple[int, int]]) -> Mapping[int, Sequence[int]]:
    following: dict[int, list[int]] = defaultdict(list)
    for start, end in edges:
        following[start].append(end)
    return following


def _depth(edges: Iterable[tuple[int, int]], *, start: int) -> int:
    """The length of the longest path from `start`, counted up to MAX_HOPS + 1."""
    following = _by_start(edges)
    front, depth = {start}, 0
    while depth <= MAX_HOPS:
        front = {each for here in front for each in following.get(here, ())}
        if not front:
            return depth
        depth += 1
    return depth
