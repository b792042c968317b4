"""How the routes of buyers are called, and what of another buyer they could name."""

from tests.functional.api.tenant_world import (
    NEW_ENDPOINT,
    Entry,
    loser_key,
    of_foreign_assignment,
    of_foreign_change,
    of_foreign_endpoint,
    of_foreign_lead,
    of_foreign_offer,
    of_foreign_payment,
    of_foreign_place,
    of_foreign_return,
    of_foreign_statement,
    of_foreign_subscription,
    stranger_key,
    winner_key,
)

SUBSCRIPTION = {"name": "CRM", "url": "https://93.184.216.34/events", "events": ["lead.sold"]}
SENT = {"zip": "30312", "email": "grace@example.com"}
BUYERS: dict[str, Entry] = {
    "api/v1/buyer/me/": Entry(("get", "patch"), body={"timezone": "America/Chicago"}, key=winner_key),
    "api/v1/buyer/area/": Entry(("get", "patch"), body={"service_area": {"states": ["AL"]}}, key=winner_key),
    "api/v1/buyer/hours/": Entry(("get", "patch"), body={"hours": None}, key=winner_key),
    "api/v1/buyer/answers/": Entry(("get", "patch"), body={"answers": None}, key=winner_key),
    "api/v1/buyer/pause/": Entry(("get", "patch"), body={"paused": True}, key=winner_key),
    "api/v1/buyer/enrollments/": Entry(("get",), key=winner_key),
    "api/v1/buyer/enrollments/<uuid:public_id>/": Entry(
        ("get", "patch"), of_foreign_place, body={"caps": {"day": 5}}, key=winner_key, sibling=stranger_key
    ),
    "api/v1/buyer/changes/": Entry(("get",), key=winner_key),
    "api/v1/buyer/changes/<uuid:public_id>/": Entry(
        ("get",), of_foreign_change, key=winner_key, sibling=loser_key
    ),
    "api/v1/buyer/changes/<uuid:public_id>/withdraw/": Entry(
        ("post",), of_foreign_change, key=winner_key, sibling=loser_key
    ),
    "api/v1/buyer/whatif/": Entry(("post",), body={"hours": None}, key=winner_key),
    "api/v1/buyer/endpoints/": Entry(("get", "post"), body=NEW_ENDPOINT, key=winner_key),
    "api/v1/buyer/endpoints/<uuid:public_id>/": Entry(
        ("get", "patch", "delete"),
        of_foreign_endpoint,
        body={"timeout_seconds": 9},
        key=winner_key,
        sibling=loser_key,
        owner_gets=(200, 204, 409),  # 409: it has deliveries
    ),
    "api/v1/buyer/endpoints/<uuid:public_id>/secrets/": Entry(
        ("post",), of_foreign_endpoint, key=winner_key, sibling=loser_key
    ),
    "api/v1/buyer/endpoints/<uuid:public_id>/test/": Entry(
        ("post",),
        of_foreign_endpoint,
        body={},
        key=winner_key,
        sibling=loser_key,
        owner_gets=(409,),  # it has no test URL, and nothing was confirmed
    ),
    "api/v1/buyer/wallet/": Entry(("get", "patch"), body={"notice_below_cents": 500}, key=winner_key),
    "api/v1/buyer/ledger/": Entry(("get",), key=winner_key),
    "api/v1/buyer/card/": Entry(("get", "delete"), key=winner_key, owner_gets=(200, 204)),
    "api/v1/buyer/card/setup/": Entry(("post",), key=winner_key),
    "api/v1/buyer/card/setup/finish/": Entry(("post",), body={"setup_id": "seti_1"}, key=winner_key),
    # Without an Idempotency-Key nothing is bought.
    "api/v1/buyer/topups/": Entry(
        ("get", "post"), body={"amount_cents": 5_000}, key=winner_key, owner_gets=(200, 400)
    ),
    "api/v1/buyer/topups/<uuid:public_id>/": Entry(
        ("get",), of_foreign_payment, key=winner_key, sibling=loser_key
    ),
    "api/v1/buyer/topups/<uuid:public_id>/confirm/": Entry(
        ("post",), of_foreign_payment, key=winner_key, sibling=loser_key
    ),
    "api/v1/buyer/recharge/": Entry(("get", "patch"), body={}, key=winner_key, owner_gets=(200, 400)),
    "api/v1/buyer/offers/": Entry(("get",), key=winner_key),
    # Streams are a process of their own.
    "api/v1/buyer/offers/stream/": Entry(("get",), key=winner_key, owner_gets=(503,)),
    "api/v1/buyer/offers/<uuid:public_id>/": Entry(
        ("get",), of_foreign_offer, key=winner_key, sibling=loser_key
    ),
    "api/v1/buyer/offers/<uuid:public_id>/claim/": Entry(
        ("post",), of_foreign_offer, key=winner_key, sibling=loser_key, owner_gets=(409,)
    ),
    "api/v1/buyer/statements/": Entry(("get",), key=winner_key),
    "api/v1/buyer/statements/<int:number>/": Entry(
        ("get",), of_foreign_statement, key=winner_key, sibling=loser_key
    ),
    "api/v1/buyer/statements/<int:number>.pdf": Entry(
        ("get",),
        of_foreign_statement,
        key=winner_key,
        sibling=loser_key,
        owner_gets=(200, 503),  # PDFs may be off
    ),
    "api/v1/buyer/assignments/": Entry(("get",), key=winner_key),
    "api/v1/buyer/assignments/<uuid:public_id>/": Entry(
        ("get",), of_foreign_assignment, key=winner_key, sibling=loser_key
    ),
    "api/v1/buyer/assignments/<uuid:public_id>/returns/": Entry(
        ("post",), of_foreign_assignment, body={"reason": "fake"}, key=winner_key, sibling=loser_key
    ),
    "api/v1/buyer/return-policy/": Entry(("get",), key=winner_key),
    "api/v1/buyer/returns/": Entry(("get",), key=winner_key),
    "api/v1/buyer/returns/<uuid:public_id>/": Entry(
        ("get",), of_foreign_return, key=winner_key, sibling=loser_key
    ),
    "api/v1/buyer/returns/<uuid:public_id>/evidence/": Entry(
        ("post",),
        of_foreign_return,
        body={"file": "none"},
        key=winner_key,
        sibling=loser_key,
        owner_gets=(415,),  # JSON has no file
    ),
    "api/v1/buyer/returns/<uuid:public_id>/withdraw/": Entry(
        ("post",), of_foreign_return, key=winner_key, sibling=loser_key
    ),
    "api/v1/buyer/missed/": Entry(("get",), key=winner_key),
    "api/v1/buyer/missed/<uuid:public_id>/": Entry(
        ("get",), of_foreign_lead, key=loser_key, sibling=winner_key
    ),
    "api/v1/buyer/subscriptions/": Entry(("get", "post"), body=SUBSCRIPTION, key=winner_key),
    "api/v1/buyer/subscriptions/<uuid:public_id>/": Entry(
        ("get", "delete"),
        of_foreign_subscription("buyer"),
        key=winner_key,
        sibling=loser_key,
        owner_gets=(200, 204),
    ),
}
