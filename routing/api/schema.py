"""Declares for the OpenAPI generator what it cannot detect. routing.apps loads this module."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema


class ScopedAutoSchema(AutoSchema):
    """Documents the scope that each operation needs: in its description, and for programs as `x-required-scope`."""

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        operation = super().get_operation(*args, **kwargs)
        scope = getattr(self.view, "scopes", {}).get(self.method.lower())
        if operation and scope is not None:
            operation["x-required-scope"] = str(scope)
            before = operation.get("description", "")
            operation["description"] = f"{before}\n\nThe key needs the scope `{scope}`.".strip()
        return operation


class SourceKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "routing.api.authentication.SourceKeyAuthentication"
    name = "SourceKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:  # noqa: ARG002
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "The key of a source: `Api-Key <prefix>.<secret>`. Shown once, when it is created.",
        }
