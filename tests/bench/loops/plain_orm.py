"""The usual way: the product's rows written with Django's ORM, select_for_update() and one create() for each event.

Like the loop by hand it decides nothing. It runs on the product's connection, with its prepared statements.
"""

from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from uuid6 import uuid7

from distribution.models import Assignment, Enrollment, LedgerEntry, Wallet
from routing.calendar.windows import WINDOW_KINDS
from routing.models import Lead, LeadStatus
from tests.bench.dataset import PRICE_CENTS
from tests.bench.template import Template
from tracing.models import Attempt, LeadDistributionEvent


class PlainOrm:
    def __init__(self, template: Template, *, worker: int) -> None:
        self._template = template
        self._worker = worker
        self._facts = template.facts
        self._data = [row.data for row in template.events]

    @transaction.atomic
    def sell(self, lead_id: int) -> bool:
        lead = Lead.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=lead_id).first()
        if lead is None or lead.status != LeadStatus.PENDING:
            return False
        attempt_id = UUID(int=uuid7().int)
        self._charge(lead, self._choose(), attempt_id=attempt_id)
        self._trace(lead, attempt_id=attempt_id)
        lead.status, lead.attempts, lead.next_attempt_at = LeadStatus.DISTRIBUTED, lead.attempts + 1, None
        lead.finished_at = timezone.now()
        lead.save(update_fields=["status", "attempts", "next_attempt_at", "finished_at"])
        return True

    def _choose(self) -> Enrollment:
        """The buyer that waited longest. The second worker uses the next one, so that they do not block each other."""
        enrollments = Enrollment.objects.filter(campaign_id=self._template.campaign_id)
        in_order = enrollments.select_related("buyer__wallet").order_by(
            F("last_assigned_at").asc(nulls_first=True)
        )
        eligible = [each for each in in_order if each.buyer_id in self._template.eligible_buyer_ids]
        return eligible[self._worker % len(eligible)]

    def _charge(self, lead: Lead, enrollment: Enrollment, *, attempt_id: UUID) -> None:
        wallet = Wallet.objects.select_for_update(no_key=True).get(buyer_id=enrollment.buyer_id)
        wallet.balance_cents -= PRICE_CENTS
        wallet.version += 1
        wallet.save(update_fields=["balance_cents", "version"])
        assignment = Assignment.objects.create(
            lead=lead,
            buyer_id=enrollment.buyer_id,
            campaign_id=self._template.campaign_id,
            enrollment=enrollment,
            attempt_id=attempt_id,
            price_cents=PRICE_CENTS,
        )
        LedgerEntry.objects.create(
            wallet=wallet,
            kind="charge",
            amount_cents=-PRICE_CENTS,
            balance_after_cents=wallet.balance_cents,
            idempotency_key=f"charge:{assignment.public_id}",
            assignment=assignment,
            actor="engine",
        )
        changed = ["last_assigned_at"]
        enrollment.last_assigned_at = timezone.now()
        for window in WINDOW_KINDS:
            for name, amount in ((f"{window}_leads", 1), (f"{window}_spent_cents", PRICE_CENTS)):
                setattr(enrollment, name, getattr(enrollment, name) + amount)
                changed.append(name)
        enrollment.save(update_fields=changed)

    def _trace(self, lead: Lead, *, attempt_id: UUID) -> None:
        now = timezone.now()
        Attempt.objects.create(
            id=attempt_id,
            lead_id=lead.pk,
            number=lead.attempts + 1,
            trigger="ingest",
            source_workspace_id=lead.source_workspace_id,
            destination_workspace_id=lead.workspace_id,
            campaign_id=self._template.campaign_id,
            config_version=self._template.config_version,
            result="success",
            started_at=now,
            finished_at=now,
            duration_ms=1.5,
            worker=self._template.worker,
            facts=self._facts,
        )
        for row, data in zip(self._template.events, self._data, strict=True):
            LeadDistributionEvent.objects.create(
                lead_id=lead.pk,
                attempt_id=attempt_id,
                seq=row.seq,
                event=row.event,
                buyer_id=row.buyer_id,
                cost_cents=row.cost_cents,
                outcome=row.outcome,
                skip_reason=row.skip_reason,
                duration_ms=row.duration_ms,
                data=data,
            )
