"""The gauges of payments by card on many payments: those that have ended are not read."""

from typing import Final

import pytest
from django.db import connection

from leadswitch.levels.exporter.collectors import payments
from tests.support.factories import CardPaymentFactory
from tests.support.plans import read_by_table
from tests.support.planting import plant

ROWS: Final = 20_000
FILL: Final = """
INSERT INTO distribution_cardpayment (
    public_id, workspace_id, wallet_id, card_id, origin, actor, amount_cents, state, failure_code, tries, ended_at,
    refunded_cents
)
SELECT gen_random_uuid(), workspace_id, wallet_id, card_id, origin, actor, amount_cents, state, failure_code, 1, now(),
    0
FROM distribution_cardpayment CROSS JOIN generate_series(1, %(rows)s) n
"""
# One was taken a second time and is not paid back, and one was paid back.
SURPLUS: Final = """
INSERT INTO distribution_cardpayment (
    public_id, workspace_id, wallet_id, card_id, origin, actor, amount_cents, state, failure_code, tries, ended_at,
    refunded_cents, surplus_of_id, provider_id
)
SELECT gen_random_uuid(), workspace_id, wallet_id, card_id, 'surplus', 'x', 5000, 'surplus', '', 0, now(), refunded, id,
    'pi_' || refunded
FROM (SELECT * FROM distribution_cardpayment ORDER BY id LIMIT 1) first CROSS JOIN (VALUES (0), (5000)) AS v (refunded)
"""


@pytest.fixture(autouse=True)
def filled(committed_db: None) -> None:  # noqa: ARG001
    CardPaymentFactory()
    plant(FILL, {"rows": ROWS})
    plant(SURPLUS)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE distribution_cardpayment, distribution_cardrefund")


def test_gauges_read_what_waits() -> None:
    indexes, rows = read_by_table(payments.READ, None)["distribution_cardpayment"]
    assert "payment_surplus_unpaid" in indexes
    assert ("none" in indexes, rows) == (False, 1)
