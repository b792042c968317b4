"""How each route of the API is called: an entry for each, by room. Those of buyers are beside this file."""

from tests.functional.api import tenant_routes_buyers
from tests.functional.api.tenant_world import (
    Entry,
    of_foreign_assignment,
    of_foreign_delivery,
    of_foreign_file,
    of_foreign_lead,
    of_foreign_return,
    of_foreign_subscription,
    partner_key,
    workspace_key,
)

SUBSCRIPTION = {"name": "CRM", "url": "https://93.184.216.34/events", "events": ["lead.sold"]}
SENT = {"zip": "30312", "email": "grace@example.com"}
WORKSPACES: dict[str, Entry] = {
    "api/v1/workspace/returns/": Entry(("get",), key=workspace_key),
    "api/v1/workspace/returns/<uuid:public_id>/": Entry(
        ("get",), of_foreign_return, key=workspace_key, sibling=partner_key
    ),
    "api/v1/workspace/returns/<uuid:public_id>/evidence/<uuid:file_id>/": Entry(
        ("get",), of_foreign_file, key=workspace_key, sibling=partner_key
    ),
    "api/v1/workspace/returns/<uuid:public_id>/approve/": Entry(
        ("post",), of_foreign_return, body={}, key=workspace_key, sibling=partner_key
    ),
    "api/v1/workspace/returns/<uuid:public_id>/decline/": Entry(
        ("post",), of_foreign_return, body={"reason": "it rings"}, key=workspace_key, sibling=partner_key
    ),
    "api/v1/workspace/deliveries/": Entry(("get",), key=workspace_key),
    "api/v1/workspace/deliveries/<uuid:public_id>/": Entry(
        ("get",), of_foreign_delivery, key=workspace_key, sibling=partner_key
    ),
    "api/v1/workspace/deliveries/<uuid:public_id>/resolve/": Entry(
        ("post",),
        of_foreign_delivery,
        body={"state": "accepted", "reason": "asked"},
        key=workspace_key,
        sibling=partner_key,
    ),
    "api/v1/workspace/deliveries/<uuid:public_id>/resend/": Entry(
        ("post",),
        of_foreign_delivery,
        body={"reason": "asked"},
        key=workspace_key,
        sibling=partner_key,
        owner_gets=(202,),
    ),
    "api/v1/workspace/assignments/<uuid:public_id>/returns/": Entry(
        ("post",), of_foreign_assignment, body={"reason": "agreed"}, key=workspace_key, sibling=partner_key
    ),
}
SOURCES: dict[str, Entry] = {
    "api/v1/leads/": Entry(("post",), body=SENT),
    "api/v1/leads/batch/": Entry(("post",), body={"leads": [SENT]}),
    "api/v1/leads/<uuid:public_id>/": Entry(("get", "delete"), of_foreign_lead),
    "api/v1/leads/<uuid:public_id>/explanation/": Entry(("get",), of_foreign_lead),
    "api/v1/leads/<uuid:public_id>/dispatch-now/": Entry(
        ("post",),
        of_foreign_lead,
        owner_gets=(400,),  # the lead is sold
    ),
    "api/v1/leads/<uuid:public_id>/calls/": Entry(("get",), of_foreign_lead),
    "api/v1/leads/<uuid:public_id>/trace/": Entry(("get",), of_foreign_lead),
    "api/v1/payables/": Entry(("get",)),
    "api/v1/pings/": Entry(("post",), body={"zip": "30312"}),
    "api/v1/subscriptions/": Entry(("get", "post"), body=SUBSCRIPTION),
    "api/v1/subscriptions/<uuid:public_id>/": Entry(
        ("get", "delete"), of_foreign_subscription("source"), owner_gets=(200, 204)
    ),
}
API = {**SOURCES, **tenant_routes_buyers.BUYERS, **WORKSPACES}
