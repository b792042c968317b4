"""Percentiles of binned times."""

from collections.abc import Sequence

from tracing.rollups.edges import BINS, EDGES_SECONDS


def find_percentile(bins: Sequence[int], share: float) -> float | None:
    """Return the time in seconds that `share` of the counted did not exceed: interpolated in its bin.

    None if nothing is counted. In the last bin, which has no upper edge, it is the last edge.
    """
    total = sum(bins)
    if not total:
        return None
    rank, below = share * total, 0
    for number, lower, upper in zip(bins, (0.0, *EDGES_SECONDS), EDGES_SECONDS, strict=False):
        if number and below + number >= rank:
            return lower + (upper - lower) * (rank - below) / number
        below += number
    return float(EDGES_SECONDS[-1])


def add_bins(rows: Sequence[Sequence[int]]) -> Sequence[int]:
    """Without rows, every bin is 0."""
    return [sum(column) for column in zip(*rows, strict=True)] or [0] * BINS
