"""Who listens to the offers of a buyer. A key and a session of the portal are found elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reader:
    """`name`: what counts toward the limit of streams of one reader. `still_may`: asked again while it listens."""

    buyer_id: int
    name: str
    still_may: Callable[[], bool]
