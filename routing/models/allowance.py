"""How often one lead was run on request."""

from django.db import models

from routing.models.lead import Lead


class AskedBy(models.TextChoices):
    SENDER = "sender", "its sender, with dispatch-now"
    OPERATOR = "operator", "an operator, with a re-run"


class LeadAllowance(models.Model):
    """One row for each lead and side that requested a run. It has its own table, because the leads' table has the most
    writes.

    `full_at` is when the allowance is full again: the whole state of a bucket that refills evenly.
    """

    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="+")
    asked_by = models.CharField(max_length=8, choices=AskedBy.choices)
    full_at = models.DateTimeField()

    class Meta:
        db_table = "routing_leadallowance"
        constraints = [
            models.UniqueConstraint(fields=["lead", "asked_by"], name="leadallowance_lead_asked_by")
        ]

    def __str__(self) -> str:
        return f"{self.asked_by} of lead {self.lead_id}"
