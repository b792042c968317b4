"""The app's name for Django."""

from importlib import import_module

from django.apps import AppConfig


class DistributionConfig(AppConfig):
    name = "distribution"
    verbose_name = "Campaigns, buyers and money"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Extensions of the OpenAPI generator register themselves on import.
        import_module("distribution.api.schema")
