"""The targets on the big history: every page, API response, command and reconciler, each with its budget.

Pages are found, not listed: every list in the admin, with each of its filters, its next page and its first row.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db.models import F
from django.test import Client
from django.urls import URLPattern, reverse
from django.utils import timezone

from distribution.api.urls import urlpatterns as distribution_urls
from distribution.explain.missed_rows import MISSED_REASONS
from distribution.models import Assignment, AssignmentState, Buyer, BuyerKey, BuyerScope, LedgerKind
from leadswitch.levels.health_page.window import WINDOWS
from routing.models import Lead, SourceKey, SourceScope, Workspace
from routing.reconcile import list_reconcilers, run_reconciler
from tests.bench.scale.world import PREFIX
from tracing.models import Attempt

PAGES, API, COMMANDS, RECONCILERS, VERIFY = "pages", "api", "commands", "reconcilers", "verify"
# Of the year of history.
YEAR_PARTS: Final = (PAGES, API, COMMANDS, RECONCILERS, VERIFY)
# Of a month, in a database of its own (tests.bench.scale.health).
HEALTH: Final = "health"
PARTS: Final = (*YEAR_PARTS, HEALTH)
BUDGET_MS: Final = {PAGES: 100, API: 100, COMMANDS: 2_000, RECONCILERS: 2_000, VERIFY: 120_000, HEALTH: 100}
OURS: Final = {"routing", "distribution", "tracing", "auth"}
# Of a filter with a choice for each of many rows: the first, the middle and the last choice.
MAX_CHOICES: Final = 60
OLD_DAYS: Final = (3, 60, 300)
ABSENT: Final = ("unknown@example.org", "00000000-0000-7000-8000-000000000000", "999999999", "no such thing")


class WrongAnswer(Exception):
    """A page or API gave an unexpected response. The message names the page and the response."""


@dataclass(frozen=True, slots=True)
class Target:
    part: str
    name: str
    ask: Callable[[], None]

    @property
    def budget_ms(self) -> int:
        return BUDGET_MS[self.part]

    @property
    def is_request(self) -> bool:
        return self.part in (PAGES, API, HEALTH)

    @property
    def has_processes(self) -> bool:
        """Whether separate processes and sessions do the work. Their CPU time is not part of this process's."""
        return self.part == VERIFY


def list_targets(parts: Sequence[str], *, host: str) -> Iterator[Target]:
    makers: dict[str, Callable[[], Iterator[Target]]] = {
        PAGES: lambda: list_pages(host),
        API: lambda: list_api(host),
        COMMANDS: list_commands,
        RECONCILERS: list_runs,
        VERIFY: list_verify,
    }
    for part in parts:
        yield from makers[part]()


def list_pages(host: str) -> Iterator[Target]:
    user, _ = User.objects.get_or_create(username="bench", is_staff=True, is_superuser=True)
    client = Client(SERVER_NAME=host)
    client.force_login(user)
    for path in [
        *(reverse("admin:index"), "/healthz", "/readyz", *_health_paths()),
        *(*_list_paths(), *_lead_paths()),
    ]:
        yield _page(client, path)
        for more in _paths_of_list(client, path):
            yield _page(client, more)


def _page(client: Client, path: str) -> Target:
    return Target(PAGES, path, lambda: get_page(client, path))


def get_page(client: Client, path: str, query: Any = None, **headers: str) -> Any:
    """Raises WrongAnswer unless it is there."""
    answer = client.get(path, query, headers=headers)
    if answer.status_code != 200:
        raise WrongAnswer(f"{path}: {answer.status_code}")
    return answer


def _health_paths() -> Iterator[str]:
    """Yield the page for each window, of all workspaces and of the busiest."""
    workspace = Workspace.objects.filter(slug__startswith=PREFIX).earliest("pk")
    for query in ("", f"&workspace={workspace.pk}"):
        yield from (f"{reverse('admin:health')}?window={window}{query}" for window in WINDOWS)


def _list_paths() -> Iterator[str]:
    for model in admin.site._registry:
        if model._meta.app_label in OURS:
            yield reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def _lead_paths() -> Iterator[str]:
    """Yield the pages of leads with each outcome, and their drawers."""
    statuses = Lead.objects.order_by().values_list("status", flat=True).distinct()
    for lead in [Lead.objects.filter(status=status).latest("pk") for status in statuses]:
        yield reverse("admin:routing_lead_change", args=[lead.pk])
        yield reverse("admin:routing_lead_trace", args=[lead.public_id])
        attempt = Attempt.objects.filter(lead_id=lead.pk).first()
        buyer = Buyer.objects.filter(workspace_id=lead.workspace_id).latest("pk")
        if attempt is not None:
            arguments = [lead.public_id, attempt.number, buyer.public_id]
            yield reverse("admin:routing_lead_trace_buyer", args=arguments)


def _paths_of_list(client: Client, path: str) -> Iterator[str]:
    """Yield the links of a list: each filter, alone and in the smallest workspace; searches; a page and a row."""
    found = getattr(get_page(client, path), "context_data", None) or {}
    listed = found.get("cl")
    if listed is None:
        return
    chosen = list(dict.fromkeys(_choices(listed)))
    silent = _silent_workspace(listed)
    for query in chosen:
        yield f"{path}{query}"
        if silent and "workspace" not in query:
            yield f"{path}{query}&{silent}"
    for text in _searches(listed):
        yield f"{path}?{urlencode({'q': text})}"
    rows: Sequence[Any] = list(listed.result_list)
    further: str = getattr(listed, "older_url", "")
    if further:
        yield f"{path}{further}"
    if rows:
        yield from _row_paths(listed, rows)


def _choices(listed: Any) -> Iterator[str]:
    for spec in listed.filter_specs:
        queries = [choice["query_string"] for choice in spec.choices(listed) if choice.get("query_string")]
        queries = [query for query in queries if query != "?"]
        few = len(queries) <= MAX_CHOICES
        yield from queries if few else (queries[0], queries[len(queries) // 2], queries[-1])
        if getattr(spec, "parameter_name", "") == "day":
            for days in OLD_DAYS:
                yield f"?day={(timezone.now() - timedelta(days=days)).date()}"


def _silent_workspace(listed: Any) -> str:
    workspace = Workspace.objects.filter(slug__startswith=PREFIX).latest("pk")
    names = {
        getattr(spec, "parameter_name", None) or getattr(spec, "lookup_kwarg", "")
        for spec in listed.filter_specs
    }
    name = next((name for name in names if name and name.startswith("workspace")), None)
    return f"{name}={workspace.pk}" if name else ""


def _searches(listed: Any) -> Sequence[str]:
    """Yield values that people type, and values that no row has."""
    if not listed.search_fields:
        return []
    sale = Assignment.objects.select_related("lead", "buyer").order_by("pk").first()
    if sale is None:
        return ABSENT
    lead = sale.lead
    return [
        *(lead.email, lead.phone, lead.external_id, str(lead.public_id), str(lead.pk)),
        *(sale.buyer.name, str(sale.buyer.public_id), str(sale.public_id), str(sale.attempt_id)),
        *(f"charge:{sale.public_id}", "clerk-7"),
        *ABSENT,
    ]


def _row_paths(listed: Any, rows: Sequence[Any]) -> Iterator[str]:
    page = listed.model_admin
    names = {each.name for each in page.get_urls()}
    name = f"{page.opts.app_label}_{page.opts.model_name}"
    if f"{name}_change" in names:
        yield reverse(f"admin:{name}_change", args=[rows[-1].pk])
    if f"{name}_history" in names:
        yield reverse(f"admin:{name}_history", args=[rows[-1].pk])


def list_api(host: str) -> Iterator[Target]:
    client = Client(SERVER_NAME=host)
    busy = Buyer.objects.filter(name="Roofer 0").earliest("pk")
    silent = Buyer.objects.filter(name="Broke").latest("pk")
    for buyer in (busy, silent):
        _, key = BuyerKey.objects.create_key(name="bench", buyer=buyer, scopes=list(BuyerScope))
        for path in _buyer_paths(buyer):
            yield _call(client, path, str(key), whose=buyer.name)
    for status in ("distributed", "failed"):
        # A source cannot read the trace of a lead that was routed to another workspace.
        at_home = Lead.objects.filter(status=status, workspace_id=F("source_workspace_id"))
        lead = at_home.earliest("pk")
        _, key = SourceKey.objects.create_key(name="bench", source=lead.source, scopes=list(SourceScope))
        for name in ("lead", "lead-explanation", "lead-trace"):
            yield _call(client, reverse(name, args=[lead.public_id]), str(key), whose=status)


def _call(client: Client, path: str, key: str, *, whose: str) -> Target:
    def ask() -> None:
        get_page(client, path, Authorization=f"Api-Key {key}")

    return Target(API, f"{path} ({whose})", ask)


def _buyer_paths(buyer: Buyer) -> Iterator[str]:
    for each in distribution_urls:
        if (
            isinstance(each, URLPattern)
            and str(each.name).startswith("buyer-")
            and "<" not in str(each.pattern)
        ):
            yield reverse(str(each.name))
    days = [(timezone.now() - timedelta(days=days)).date().isoformat() for days in (0, *OLD_DAYS)]
    for name, parameter, values in (
        ("buyer-ledger", "kind", LedgerKind.values),
        ("buyer-ledger", "to", [f"{day}T00:00:00Z" for day in days]),
        ("buyer-assignments", "state", AssignmentState.values),
        ("buyer-assignments", "day", days),
        ("buyer-missed", "reason", MISSED_REASONS),
    ):
        for value in values:
            yield f"{reverse(name)}?{urlencode({parameter: value})}"
    sale = Assignment.objects.filter(buyer=buyer).first()
    if sale is not None:
        yield reverse("buyer-assignment", args=[sale.public_id])


def list_commands() -> Iterator[Target]:
    lead = Lead.objects.filter(status="distributed").earliest("pk")
    for words in (
        ("explain", str(lead.public_id)),
        ("explain", lead.external_id),
        ("explain", str(lead.pk), "--buyer", "Roofer 1"),
        ("keys", "list"),
        ("check_definitions",),
    ):
        yield Target(COMMANDS, " ".join(words), lambda words=words: _command(*words))  # type: ignore[misc] # a default binds the loop's value


def _command(*words: str) -> None:
    try:
        call_command(*words, stdout=StringIO(), stderr=StringIO())
    except SystemExit as end:
        raise WrongAnswer(f"{' '.join(words)}: exit code {end.code}") from end


def list_verify() -> Iterator[Target]:
    yield Target(VERIFY, "verify", lambda: _command("verify"))


def list_runs() -> Iterator[Target]:
    """The first run of each may have work to do. The second run is what beat does regularly."""
    for each in list_reconcilers():
        yield Target(
            RECONCILERS,
            f"reconcile {each.name}",
            lambda each=each: _run_reconciler(each),  # type: ignore[misc] # a default binds the loop's value
        )


def _run_reconciler(reconciler: Any) -> None:
    run_reconciler(reconciler, fix=True)
