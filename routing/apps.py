"""The app's name for Django."""

from importlib import import_module

from django.apps import AppConfig


class RoutingConfig(AppConfig):
    name = "routing"
    verbose_name = "Leads and where they come from"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Extensions of the OpenAPI generator register themselves on import.
        import_module("routing.api.schema")
