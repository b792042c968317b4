"""All boards."""

from typing import Final

from leadswitch.levels.dashboards.board import Board
from leadswitch.levels.dashboards.boards.calls import CALLS
from leadswitch.levels.dashboards.boards.database import DATABASE
from leadswitch.levels.dashboards.boards.deliveries import DELIVERIES
from leadswitch.levels.dashboards.boards.dispatch import DISPATCH
from leadswitch.levels.dashboards.boards.offers import OFFERS
from leadswitch.levels.dashboards.boards.performance import PERFORMANCE
from leadswitch.levels.dashboards.boards.retries import RETRIES
from leadswitch.levels.dashboards.boards.routing import ROUTING

BOARDS: Final[tuple[Board, ...]] = (
    ROUTING,
    PERFORMANCE,
    RETRIES,
    DISPATCH,
    DELIVERIES,
    OFFERS,
    CALLS,
    DATABASE,
)
