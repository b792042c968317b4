"""Addresses of the lists behind the figures. A list shows exactly the rows that its figure counts."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse

from routing.admin.filters import WORKSPACE_PARAMETER
from tracing.admin.attempt_filters import SEPARATOR, format_hours


@dataclass(frozen=True, slots=True)
class Links:
    """`workspace_id`: the chosen workspace; None: all that the user sees, which the lists show by themselves."""

    workspace_id: int | None = None

    def attempts(
        self,
        start: datetime,
        end: datetime,
        *,
        workspace_id: int | None = None,
        above: float | None = None,
        most: float | None = None,
        **filters: str,
    ) -> str:
        """Attempts that started from `start` to before `end`. `above`, `most`: seconds from due to decided."""
        query = {"hours": format_hours(start, end), "is_test__exact": "0", **filters}
        if above is not None:
            query["waited"] = f"{above:g}{SEPARATOR}{'' if most is None else f'{most:g}'}"
        return self._list("tracing_attempt", "workspace", workspace_id, query)

    def leads(self, **filters: str) -> str:
        return self._list("routing_lead", WORKSPACE_PARAMETER, None, filters)

    def lead(self, lead_id: int) -> str:
        return reverse("admin:routing_lead_change", args=[lead_id])

    def due_retries(self, workspace_id: int | None = None) -> str:
        return self._list("routing_retryinglead", WORKSPACE_PARAMETER, workspace_id, {"due": "now"})

    def _list(self, name: str, parameter: str, workspace_id: int | None, query: dict[str, str]) -> str:
        chosen = workspace_id or self.workspace_id
        if chosen is not None:
            query = {**query, parameter: str(chosen)}
        return f"{reverse(f'admin:{name}_changelist')}?{urlencode(query)}"
