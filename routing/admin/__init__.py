"""Plain admin pages of routing. The page of leads is registered by distribution, which can tell their story."""

from django.contrib import admin
from rest_framework_api_key.admin import APIKeyModelAdmin
from rest_framework_api_key.models import APIKey

from routing.admin.idempotency import IdempotencyRecordAdmin
from routing.admin.people import MembershipAdmin, PeopleAdmin, RolesAdmin
from routing.admin.rule import RoutingRuleAdmin
from routing.admin.source import SourceAdmin, SourceKeyAdmin
from routing.admin.wakeup import WakeupAdmin
from routing.admin.workspace import WorkspaceAdmin

__all__ = [
    "APIKeyModelAdmin",
    "IdempotencyRecordAdmin",
    "MembershipAdmin",
    "PeopleAdmin",
    "RolesAdmin",
    "RoutingRuleAdmin",
    "SourceAdmin",
    "SourceKeyAdmin",
    "WakeupAdmin",
    "WorkspaceAdmin",
]

# The library's own table of keys: nothing reads it, and a key made there would open nothing.
admin.site.unregister(APIKey)
