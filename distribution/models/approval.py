"""Changes of buyers that their agency must approve: which fields, and the changes that wait or were decided."""

from typing import ClassVar, Final

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from uuid6 import uuid7

from distribution.models.buyer import Buyer
from distribution.models.emitting import change_event
from distribution.models.encrypted import EncryptedJSONField
from distribution.models.enrollment import Enrollment
from routing.models import Workspace
from routing.models.ownership import owner_trigger


class ApprovedField(models.TextChoices):
    """What a workspace may decide about. The name of a buyer always needs approval. Codes are permanent."""

    TIMEZONE = "timezone", "time zone"
    CONTACT = "contact", "contact"
    SERVICE_AREA = "service_area", "service area"
    HOURS = "hours", "hours"
    ANSWERS = "answers", "answers"
    NOTICE = "notice_below_cents", "notice below"
    BID = "bid_cents", "bid"
    LEAD_FILTER = "lead_filter", "lead filter"
    CAPS = "caps", "lead caps"
    BUDGETS = "budgets_cents", "budgets"


ALWAYS_APPROVED: Final = "name"


class ApprovalPolicy(models.Model):
    """Without a row, only a new name needs approval."""

    workspace = models.OneToOneField(
        Workspace,
        on_delete=models.PROTECT,
        related_name="approval_policy",
        help_text="The workspace whose buyers these rules are for.",
    )
    fields = ArrayField(
        models.CharField(max_length=20, choices=ApprovedField.choices),
        default=list,
        blank=True,
        help_text="A change of one of these waits until an operator approves it. A new name always waits, and so does "
        "a bid that lowers what the buyer pays outside auctions. Pauses never wait.",
    )

    class Meta:
        db_table = "distribution_approvalpolicy"
        verbose_name = "approval policy"
        verbose_name_plural = "approval policies"
        triggers: ClassVar = [
            owner_trigger("workspace_id", name="policy", instead="Add one to the other workspace.")
        ]

    def __str__(self) -> str:
        return f"Approvals in {self.workspace}"


class ProposalState(models.TextChoices):
    WAITING = "waiting", "waiting"
    APPROVED = "approved", "approved"
    DECLINED = "declined", "declined"
    WITHDRAWN = "withdrawn", "withdrawn by the buyer"


class ChangeProposal(models.Model):
    """A change of a buyer that waits for its agency, or was decided. Nothing is changed until it is approved."""

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    buyer = models.ForeignKey(Buyer, on_delete=models.PROTECT, related_name="proposals")
    enrollment = models.ForeignKey(
        Enrollment, on_delete=models.CASCADE, null=True, blank=True, related_name="proposals"
    )
    part = models.CharField(max_length=20)
    fields = ArrayField(models.CharField(max_length=40), help_text="What it changes.")
    # As the buyer sent it. It may have a person's contact.
    patch = EncryptedJSONField()
    base_version = models.CharField(max_length=64, help_text="The version that the buyer changed.")
    state = models.CharField(max_length=10, choices=ProposalState.choices, default=ProposalState.WAITING)
    asked_by = models.CharField(max_length=150)
    asked_at = models.DateTimeField(db_default=Now())
    decided_by = models.CharField(max_length=150, blank=True, default="")
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_reason = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        db_table = "distribution_changeproposal"
        verbose_name = "change of a buyer"
        verbose_name_plural = "changes of buyers"
        constraints = [
            models.CheckConstraint(
                condition=Q(state="waiting", decided_at__isnull=True)
                | ~Q(state="waiting") & Q(decided_at__isnull=False),
                name="changeproposal_decided_iff_not_waiting",
            ),
            models.UniqueConstraint(
                fields=["buyer", "part", "enrollment"],
                condition=Q(state="waiting"),
                nulls_distinct=False,
                name="changeproposal_one_waits",
            ),
        ]
        indexes = [
            models.Index(fields=["buyer", "-id"], name="changeproposal_buyer"),
            models.Index(fields=["id"], condition=Q(state="waiting"), name="changeproposal_waiting"),
        ]
        triggers: ClassVar = [
            owner_trigger(
                *("buyer_id", "enrollment_id"),
                name="change",
                instead="The other buyer asks for its own change.",
            ),
            change_event(),
        ]

    def __str__(self) -> str:
        return f"Change of {self.buyer.name}: {', '.join(self.fields)}"
