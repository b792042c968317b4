"""What a campaign's page says about its verification: the warning that nobody can be called, and the policy."""

from typing import Final

from django.http import HttpRequest
from django.urls import reverse

from distribution.explain.call_reasons import explain_channels
from distribution.models import CallPolicy, Campaign, Channel, VerificationNeed

NO_CHANNEL: Final = (
    "This campaign sells nothing that must be verified: {workspace} has no channel that can call. Its leads wait until "
    "there is one, or until an operator verifies each by hand. {why} What would have to change: {change}."
)


def warn_of_calls(campaign: Campaign) -> str:
    """Blank if the campaign asks for no verification, or somebody can be called."""
    if campaign.verification == VerificationNeed.NONE or not campaign.active:
        return ""
    usable = Channel.objects.filter(
        workspace_id=campaign.workspace_id,
        is_enabled=True,
        flagged_at=None,
        account__is_enabled=True,
        account__stopped_at=None,
    )
    if usable.exists():
        return ""
    why = explain_channels(campaign.workspace_id)
    return NO_CHANNEL.format(workspace=campaign.workspace, why=why.sentence, change=why.change)


def list_policy_links(campaign: Campaign, *, request: HttpRequest) -> list[dict[str, str]]:
    if campaign.verification == VerificationNeed.NONE:
        return []
    policy = CallPolicy.objects.filter(campaign=campaign).values_list("pk", flat=True).first()
    if policy is not None and request.user.has_perm("distribution.view_callpolicy"):
        return [
            {"title": "Call policy", "url": reverse("admin:distribution_callpolicy_change", args=[policy])}
        ]
    if policy is None and request.user.has_perm("distribution.add_callpolicy"):
        url = f"{reverse('admin:distribution_callpolicy_add')}?campaign={campaign.pk}"
        return [{"title": "Add a call policy", "url": url}]
    return []
