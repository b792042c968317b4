"""The retry queue with what an operator may do. Registered here, beside the page of leads, whose actions it uses."""

from typing import Any

from django.contrib import admin

from distribution.admin.lead_actions import OperatorAdmin, list_lead_action
from routing.admin.retryqueue import RetryQueueAdmin
from routing.models import RetryingLead


@admin.register(RetryingLead)
class RetryQueueActionsAdmin(OperatorAdmin, RetryQueueAdmin):
    actions: Any = (list_lead_action("rerun", title="Run now"), list_lead_action("give_up"))
