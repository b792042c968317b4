"""The webhooks section of the OpenAPI document, from the catalog of events."""

from typing import Any, Final

from distribution.deliveries.payloads.catalog import CATALOG, describe_message, make_example

HEADERS: Final = {
    "webhook-id": "Id of the message, the same for every try.",
    "webhook-timestamp": "When this try was made, in Unix seconds.",
    "webhook-signature": "Signatures as Standard Webhooks says: `v1,` and the signature in base64.",
}


def add_webhooks(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A hook of the OpenAPI generator."""
    return {**result, "webhooks": {kind: {"post": _describe(kind)} for kind in CATALOG}}


def _describe(kind: str) -> dict[str, Any]:
    row = CATALOG[kind]
    return {
        "operationId": f"event_{kind.replace('.', '_')}",
        "summary": kind,
        "description": row.description,
        "tags": ["events"],
        "parameters": [
            {
                "name": name,
                "in": "header",
                "required": True,
                "description": about,
                "schema": {"type": "string"},
            }
            for name, about in HEADERS.items()
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"oneOf": [describe_message(kind, audience) for audience in row.data]},
                    "examples": {
                        f"for a {audience}": {"value": make_example(kind, audience)} for audience in row.data
                    },
                }
            },
        },
        "responses": {"2XX": {"description": "You have the event. Any other answer: it is sent again."}},
    }
