"""Due retries: leads of the retry queue that could run now. A paused lead is not due, whatever its time is.

The page Health, the exporter, `manage.py retries` and the filter of the retry queue all use this one meaning.
"""

from typing import Any, Final

from django.db.models import Exists, QuerySet
from django.utils import timezone

from routing.locks.attempts import IS_PRODUCT_PAUSED
from routing.models import DispatchControl, Workspace

# Of a lead `l` and its workspace `w`. `w.paused_at IS NULL` would make PostgreSQL read the whole queue while it has no
# statistics of the workspaces: it expects then that nearly all of them are paused.
IS_DUE_RETRY: Final = f"""(
    l.status = 'pending' AND l.attempts > 0 AND l.next_attempt_at <= statement_timestamp()
    AND l.paused_at IS NULL AND coalesce(w.paused_at, 'infinity') >= 'infinity' AND NOT {IS_PRODUCT_PAUSED}
)"""


def only_due(retries: QuerySet[Any]) -> QuerySet[Any]:
    """Of a queryset of the retry queue, the leads that IS_DUE_RETRY matches."""
    product_paused = DispatchControl.objects.filter(pk=1, paused_at__isnull=False)
    paused = Workspace.objects.filter(paused_at__isnull=False).values("pk")
    due = retries.filter(~Exists(product_paused), next_attempt_at__lte=timezone.now(), paused_at__isnull=True)
    return due.exclude(workspace_id__in=paused)
