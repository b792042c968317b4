"""The upper edges of the bins into which times are counted. The histograms of the metrics have the same."""

from typing import Final

# An objective's limit must be an edge: 0.5, 2, 5 and 60 s.
EDGES_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300)
BINS: Final = len(EDGES_SECONDS) + 1
