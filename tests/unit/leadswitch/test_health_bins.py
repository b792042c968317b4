"""Percentiles of binned times."""

import pytest

from leadswitch.levels.health_page.bins import find_percentile
from tracing.rollups.edges import BINS, EDGES_SECONDS


def bins(**places: int) -> list[int]:
    """`le_2=1`: one at most 2 s, `above=1`: one above the last edge."""
    counts = [0] * BINS
    for name, number in places.items():
        edge = name.removeprefix("le_").replace("_", ".")
        counts[-1 if name == "above" else EDGES_SECONDS.index(float(edge))] = number
    return counts


@pytest.mark.parametrize(
    ("places", "share", "seconds"),
    [
        ({}, 0.5, None),
        ({"le_2": 4}, 0.5, 1.5),
        ({"le_2": 1, "le_5": 1}, 1.0, 5.0),
        ({"le_1": 95, "above": 5}, 0.95, 1.0),
        ({"above": 1}, 0.5, 300.0),
    ],
)
def test_percentile_is_interpolated_in_its_bin(
    places: dict[str, int], share: float, seconds: float | None
) -> None:
    assert find_percentile(bins(**places), share) == seconds
