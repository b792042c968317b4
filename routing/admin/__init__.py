"""Plain admin pages of routing. Distribution registers the page of leads, which shows their trace."""

from routing.admin.idempotency import IdempotencyRecordAdmin
from routing.admin.people import MembershipAdmin, PeopleAdmin, RolesAdmin
from routing.admin.ping import PingAdmin
from routing.admin.rule import RoutingRuleAdmin
from routing.admin.source import SourceAdmin, SourceKeyAdmin
from routing.admin.wakeup import WakeupAdmin
from routing.admin.workspace import WorkspaceAdmin

__all__ = [
    "IdempotencyRecordAdmin",
    "MembershipAdmin",
    "PeopleAdmin",
    "PingAdmin",
    "RolesAdmin",
    "RoutingRuleAdmin",
    "SourceAdmin",
    "SourceKeyAdmin",
    "WakeupAdmin",
    "WorkspaceAdmin",
]
