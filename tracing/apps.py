"""The app's name for Django."""

from django.apps import AppConfig


class TracingConfig(AppConfig):
    name = "tracing"
    verbose_name = "Traces and audit log"
    default_auto_field = "django.db.models.BigAutoField"
