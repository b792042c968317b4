"""Stores a setup file in one transaction, completely or not at all. It removes nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, Final, TypeVar

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import transaction
from django.db.models import Model

from distribution.locks import lock_buyers, lock_setup, wait_for_wallet
from distribution.models import Buyer, CallPolicy, Campaign, Enrollment, LedgerEntry, ReturnPolicy, Tier
from distribution.money.movement import MoneyKeyReused, MoneyRefused
from distribution.money.wallet import set_credit_limit, top_up
from distribution.payables.contracts import ContractRefused
from distribution.setup.contracts import put_contract
from distribution.setup.document import EVERY_BUYER, Entry, SetupRefused, field_name
from routing.intake.sources import SourceNotCreated, create_source
from routing.models import Source, Workspace
from tracing import audit
from tracing.wording import moment, money

Row = TypeVar("Row", bound=Model)
ADDED: Final = "added"
CHANGED: Final = "changed"
UNCHANGED: Final = "unchanged"
BALANCE: Final = "opening_balance_cents"
LIMIT: Final = "credit_limit_cents"
REASON: Final = "setup file"


@dataclass(frozen=True, slots=True)
class ReportLine:
    """The outcome of one entry. `note`: what else was done."""

    kind: str
    name: str
    outcome: str
    note: str = ""


@dataclass(slots=True)
class SetupReport:
    """`keys`: the intake keys of new sources, by source. They are shown only here."""

    lines: list[ReportLine] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)


def apply_setup(document: Entry, *, actor: str, is_dry_run: bool = False) -> SetupReport:
    """Add what is new and change what differs. Idempotent. A dry run stores nothing. Raises SetupRefused."""
    with transaction.atomic():
        lock_setup()
        report = _Setup(document, actor=actor).run()
        if is_dry_run:
            transaction.set_rollback(True)
    return report


class _Setup:
    """One run over a document. Collects all problems, so that a person can correct the file in one pass."""

    def __init__(self, document: Entry, *, actor: str) -> None:
        self._document = document
        self._actor = actor
        self._report = SetupReport()
        self._problems: list[str] = []
        self._added: set[Model] = set()

    def run(self) -> SetupReport:
        workspace = self._put(Workspace, self._document, find={"slug": self._document.key})
        self._stop_on_problems()
        lock_buyers(self._list_buyers(), workspace_id=workspace.pk)
        sources = {entry.key: self._put_source(entry, workspace) for entry in self._document.lists["sources"]}
        buyers = {entry.key: self._put_buyer(entry, workspace) for entry in self._document.lists["buyers"]}
        self._stop_on_problems()
        for entry in self._document.lists["return_policies"]:
            self._put_policy(entry, workspace, buyers=buyers)
        for entry in self._document.lists["campaigns"]:
            self._put_campaign(entry, workspace, sources=sources, buyers=buyers)
        for entry in self._document.lists["call_policies"]:
            self._put_call_policy(entry, workspace)
        self._stop_on_problems()
        return self._report

    def _list_buyers(self) -> list[str]:
        """The names of all buyers that are changed or enrolled."""
        lists = self._document.lists
        enrolled = [each for campaign in lists["campaigns"] for each in campaign.lists["enrollments"]]
        return [str(entry.key) for entry in (*lists["buyers"], *enrolled)]

    def _stop_on_problems(self) -> None:
        """Call it before rows that refer to earlier rows, which may have been refused."""
        if self._problems:
            raise SetupRefused(self._problems)

    def _put_source(self, entry: Entry, workspace: Workspace) -> Source:
        if not Source.objects.filter(workspace=workspace, name=entry.key).exists():
            try:
                made = create_source(workspace_slug=workspace.slug, name=str(entry.key), actor=self._actor)
            except SourceNotCreated as error:
                raise SetupRefused([*self._problems, f"{entry.path}: {error}"]) from None
            self._report.keys[made.source.name] = made.key
        source = self._put(
            Source,
            entry,
            find={"workspace": workspace, "name": entry.key},
            is_made=entry.key in self._report.keys,
        )
        for contract in entry.lists["contracts"]:
            self._put_contract(contract, source)
        return source

    def _put_contract(self, entry: Entry, source: Source) -> None:
        try:
            contract, is_new = put_contract(source, entry, actor=self._actor, reason=REASON)
        except ContractRefused as refusal:
            self._problems.append(f"{entry.path}: {refusal}")
            return
        note = f"for leads sold from {moment(contract.starts_at.astimezone(UTC))}" if is_new else ""
        line = ReportLine("contract", str(contract), ADDED if is_new else UNCHANGED, note)
        self._report.lines.append(line)

    def _put_buyer(self, entry: Entry, workspace: Workspace) -> Buyer:
        wallet = {name: entry.fields[name] for name in (BALANCE, LIMIT) if entry.fields.get(name) is not None}
        columns = {name: value for name, value in entry.fields.items() if name not in (BALANCE, LIMIT)}
        plain = Entry(entry.path, entry.key, columns, {})
        buyer = self._put(Buyer, plain, find={"workspace": workspace, "name": entry.key})
        if not buyer._state.adding:
            self._put_wallet(entry.path, buyer, wallet)
        return buyer

    def _put_wallet(self, path: str, buyer: Buyer, wanted: Mapping[str, int]) -> None:
        wallet = buyer.wallet
        before = audit.read_state(wallet, fields=["balance_cents", LIMIT])
        if _is_moved(buyer, wanted, before=before):
            # The audit entry must not include movements before the lock. A file that changes nothing locks nothing.
            wait_for_wallet(buyer.pk)
            before = audit.read_state(wallet, fields=["balance_cents", LIMIT])
        name = LIMIT
        try:
            if LIMIT in wanted and wanted[LIMIT] != before[LIMIT]:
                set_credit_limit(buyer.pk, limit_cents=wanted[LIMIT])
            name = BALANCE
            if wanted.get(BALANCE):
                key = _opening_key(buyer)
                top_up(buyer.pk, amount_cents=wanted[BALANCE], key=key, actor=self._actor, reason=REASON)
        except MoneyRefused as error:
            self._problems.append(f"{path}.{field_name(name)}: {_explain_refusal(error)}")
            return
        after = audit.read_state(wallet, fields=["balance_cents", LIMIT])
        if before != after:
            self._audit(wallet, "changed", workspace_id=buyer.workspace_id, before=before, after=after)
            note = f"balance {money(after['balance_cents'])}, credit limit {money(after[LIMIT])}"
            outcome = ADDED if buyer in self._added else CHANGED
            self._report.lines.append(ReportLine("wallet", buyer.name, outcome, note))

    def _put_policy(self, entry: Entry, workspace: Workspace, *, buyers: Mapping[Any, Buyer]) -> None:
        fields = {name: value for name, value in entry.fields.items() if name != "buyer"}
        buyer = None
        if entry.key != EVERY_BUYER:
            buyer = self._find(entry.key, buyers, Buyer, workspace, path=f"{entry.path}.buyer")
            if buyer is None:
                return
        plain = Entry(entry.path, entry.key, fields, {})
        self._put(ReturnPolicy, plain, find={"workspace": workspace, "buyer": buyer})

    def _put_call_policy(self, entry: Entry, workspace: Workspace) -> None:
        campaign = self._find(entry.key, {}, Campaign, workspace, path=f"{entry.path}.campaign")
        if campaign is None:
            return
        fields = {name: value for name, value in entry.fields.items() if name != "campaign"}
        plain = Entry(entry.path, entry.key, fields, {})
        self._put(CallPolicy, plain, find={"campaign": campaign})

    def _put_campaign(
        self,
        entry: Entry,
        workspace: Workspace,
        *,
        sources: Mapping[Any, Source],
        buyers: Mapping[Any, Buyer],
    ) -> None:
        fields = dict(entry.fields)
        if fields.get("source") is not None:
            fields["source"] = self._find(
                fields["source"], sources, Source, workspace, path=f"{entry.path}.source"
            )
        plain = Entry(entry.path, entry.key, fields, {})
        campaign = self._put(Campaign, plain, find={"workspace": workspace, "name": entry.key})
        if campaign._state.adding:
            return
        tiers = {}
        for tier in entry.lists["tiers"]:
            tiers[tier.key] = self._put(Tier, tier, find={"campaign": campaign, "position": tier.key})
        for enrollment in entry.lists["enrollments"]:
            self._put_enrollment(enrollment, campaign, tiers=tiers, buyers=buyers)

    def _put_enrollment(
        self, entry: Entry, campaign: Campaign, *, tiers: Mapping[Any, Tier], buyers: Mapping[Any, Buyer]
    ) -> None:
        fields = {name: value for name, value in entry.fields.items() if name not in ("buyer", "tier")}
        buyer = self._find(entry.key, buyers, Buyer, campaign.workspace, path=f"{entry.path}.buyer")
        position = entry.fields.get("tier") or _stored_position(campaign, buyer) or 1
        tier = tiers.get(position) or campaign.tiers.filter(position=position).first()
        if tier is None:
            self._problems.append(
                f"{entry.path}.tier: the campaign has no tier {position!r}; add it to `tiers`"
            )
        if buyer is None or tier is None or tier._state.adding:
            return
        plain = Entry(entry.path, entry.key, {**fields, "tier": tier}, {})
        self._put(Enrollment, plain, find={"campaign": campaign, "buyer": buyer})

    def _find(
        self, name: Any, given: Mapping[Any, Row], model: type[Row], workspace: Workspace, *, path: str
    ) -> Row | None:
        """Return the row with this name, from the file or stored earlier."""
        row = given.get(name) or model._default_manager.filter(workspace=workspace, name=name).first()
        if row is None:
            kind = model._meta.verbose_name
            self._problems.append(f"{path}: there is no {kind} {name!r} in the file or in {workspace.slug}")
        return row

    def _put(self, model: type[Row], entry: Entry, *, find: dict[str, Any], is_made: bool = False) -> Row:
        """Add or change one row, with the checks of a form. A refused row is not stored."""
        row = model._default_manager.filter(**find).first()
        is_new = row is None
        row = row or model(**find)
        before = {} if is_new else _columns(row, entry.fields)
        for name, value in entry.fields.items():
            setattr(row, name, value)
        try:
            row.full_clean()
        except ValidationError as error:
            self._problems += _describe_problems(error, path=entry.path, model=model)
            return row
        after = {} if is_new else _columns(row, entry.fields)
        changed = [name for name in after if before[name] != after[name]]
        if is_new:
            row.save(force_insert=True)
            self._added.add(row)
            after = audit.read_state(row)
        elif changed:
            row.save(update_fields=changed)
        outcome = ADDED if is_new or is_made else CHANGED if changed else UNCHANGED
        if outcome != UNCHANGED:
            self._audit(row, outcome, workspace_id=_workspace_id(row, find), before=before, after=after)
        self._report.lines.append(ReportLine(str(model._meta.verbose_name), str(row), outcome))
        return row

    def _audit(
        self, row: Model, action: str, *, workspace_id: int, before: audit.State, after: audit.State
    ) -> None:
        audit.record(
            actor=self._actor,
            action=action,
            target=row,
            workspace_id=workspace_id,
            reason=REASON,
            before=before,
            after=after,
        )


def _opening_key(buyer: Buyer) -> str:
    return f"setup:{buyer.public_id}"


def _is_moved(buyer: Buyer, wanted: Mapping[str, int], *, before: audit.State) -> bool:
    """Whether the file moves the wallet's balance or limit."""
    if wanted.get(LIMIT, before[LIMIT]) != before[LIMIT]:
        return True
    key = f"topup:{_opening_key(buyer)}"
    return bool(wanted.get(BALANCE)) and not LedgerEntry.objects.filter(idempotency_key=key).exists()


def _columns(row: Model, names: Iterable[str]) -> dict[str, Any]:
    """Return values as audit.read_state does: a reference is the other row's id."""
    return {name: row.serializable_value(name) for name in names}


def _stored_position(campaign: Campaign, buyer: Buyer | None) -> int | None:
    """The current tier of the buyer. A file that names no tier does not move the buyer."""
    enrolled = Enrollment.objects.filter(campaign=campaign, buyer=buyer)
    return enrolled.values_list("tier__position", flat=True).first()


def _workspace_id(row: Model, find: Mapping[str, Any]) -> int:
    """The id of the workspace that the row belongs to, or of the row if it is one."""
    if "campaign" in find:
        return int(find["campaign"].workspace_id)
    return int(find.get("workspace", row).pk)


def _describe_problems(error: ValidationError, *, path: str, model: type[Model]) -> list[str]:
    """Each message with the path of its field in the file."""
    problems = []
    for name, messages in error.message_dict.items():
        place = path if name == NON_FIELD_ERRORS else f"{path}.{field_name(name)}"
        choices = None if name == NON_FIELD_ERRORS else getattr(model._meta.get_field(name), "choices", None)
        hint = f" Use one of {', '.join(str(value) for value, _ in choices)}." if choices else ""
        problems += [f"{place}: {message}{hint}" for message in messages]
    return problems


def _explain_refusal(error: MoneyRefused) -> str:
    if isinstance(error, MoneyKeyReused):
        return f"was already credited with a different amount; top up the wallet in the admin ({error})"
    return str(error)
