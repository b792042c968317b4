"""Loads the Celery app in every Django process, so that publishing a task finds the right broker."""

from importlib import import_module

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class LeadswitchConfig(AppConfig):
    name = "leadswitch"
    verbose_name = "LeadSwitch"

    def ready(self) -> None:
        import_module("leadswitch.celery")


class OperatorAdminConfig(AdminConfig):
    default_site = "leadswitch.login.site.OperatorSite"
