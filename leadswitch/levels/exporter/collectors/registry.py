"""Every collector of the exporter."""

from typing import Final

from leadswitch.levels.exporter.collectors.calls import CALLS_ROW
from leadswitch.levels.exporter.collectors.deliveries import DELIVERIES
from leadswitch.levels.exporter.collectors.dispatch import DISPATCH
from leadswitch.levels.exporter.collectors.events import EVENTS
from leadswitch.levels.exporter.collectors.hour import HOUR
from leadswitch.levels.exporter.collectors.leads import LEADS
from leadswitch.levels.exporter.collectors.money import MONEY
from leadswitch.levels.exporter.collectors.offers import OFFERS
from leadswitch.levels.exporter.collectors.payments import PAYMENTS
from leadswitch.levels.exporter.collectors.postgres import POSTGRES
from leadswitch.levels.exporter.collectors.redis import REDIS
from leadswitch.levels.exporter.collectors.retries import RETRIES
from leadswitch.levels.exporter.collectors.tables import TABLES
from leadswitch.levels.exporter.series import CollectorRow

COLLECTORS: Final[tuple[CollectorRow, ...]] = (
    *(RETRIES, LEADS, HOUR, MONEY, DELIVERIES, EVENTS, OFFERS, PAYMENTS, CALLS_ROW),
    *(POSTGRES, TABLES, REDIS, DISPATCH),
)
