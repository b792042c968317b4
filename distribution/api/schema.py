"""Extensions of the OpenAPI generator. Loaded by distribution.apps."""

from typing import Any, Final

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

_HEADER: Final = {"type": "apiKey", "in": "header", "name": "Authorization"}


class BuyerKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "distribution.api.authentication.BuyerKeyAuthentication"
    name = "BuyerKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:  # noqa: ARG002
        return {
            **_HEADER,
            "description": "The key of a buyer: `Api-Key <prefix>.<secret>`. Shown once, when it is created.",
        }


class WorkspaceKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "distribution.api.authentication.WorkspaceKeyAuthentication"
    name = "WorkspaceKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:  # noqa: ARG002
        return {
            **_HEADER,
            "description": "The key of a workspace: `Api-Key <prefix>.<secret>`. Shown once, when it is created.",
        }
