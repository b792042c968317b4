"""How far collectors count, and which leads wait without being tried."""

from typing import Final

from routing.locks.attempts import RESUMED_AT

# A count stops here, so that a pile costs no more than its first part.
COUNTED_TO: Final = 100_000

# When a lead became due or, if later, when its latest pause ended: time in a pause is not a delay.
WAITS_SINCE: Final = f"GREATEST(l.next_attempt_at, {RESUMED_AT})"
NOT_PAUSED: Final = "Leads that are paused, in a paused workspace or in a paused product do not count."
AT_MOST: Final = f"Counted up to {COUNTED_TO:,}."
