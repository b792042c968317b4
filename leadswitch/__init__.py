"""Wiring only: settings, environment, Celery, URLs, embedded services.

Every process imports this first. So it also says how often the garbage collector runs.
"""

import gc
from typing import Final

from leadswitch.spans.hidden import hide_opentelemetry

# At Python's default of 700 the collector scans the modules, models and forms repeatedly while they load. They all
# stay, so it finds nothing: a fifth of the time of a start. The same holds for a decision over 1,000 buyers. It makes
# some 20,000 small objects that all live until its commit.
OBJECTS_BETWEEN_COLLECTIONS: Final = 50_000

gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, 20, 50)
hide_opentelemetry()
