"""People of the desk, and a workspace with a row in every table."""

from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from distribution.distribute import distribute_lead
from routing.models import IdempotencyRecord, Membership, Workspace
from tests.factories import CampaignFactory, EnrollmentFactory, LeadFactory, SourceFactory, issue_key
from tracing import audit

OURS = {"routing", "distribution", "tracing"}
MODELS = [model for model in admin.site._registry if model._meta.app_label in OURS]
SCOPED_ROLES = ("viewer", "operator", "finance")


def person(role: str, *workspaces: Workspace, name: str = "") -> User:
    user = User.objects.create_user(name or f"{role}-{User.objects.count()}", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    for workspace in workspaces:
        Membership.objects.create(user=user, workspace=workspace)
    return user


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(model: type[Model], name: str, *arguments: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=arguments)


def build_workspace() -> Workspace:
    """A row in every table: a lead that is sold, and one that a paused buyer misses."""
    campaign = CampaignFactory()
    EnrollmentFactory(campaign=campaign, buyer__credits_cents=10_000)
    EnrollmentFactory(campaign=campaign, active=False)
    source = SourceFactory(workspace=campaign.workspace)
    issue_key(source)
    distribute_lead(LeadFactory(source=source).pk)
    IdempotencyRecord.objects.create(
        workspace=campaign.workspace, route="leads", key="k", fingerprint="f", status_code=201, response={}
    )
    Membership.objects.create(
        user=User.objects.create_user(f"clerk-{campaign.pk}"), workspace=campaign.workspace
    )
    audit.record(actor="x", action="changed", target=campaign, workspace_id=campaign.workspace_id)
    return campaign.workspace
