"""Pages on which people change rows. Every save, deletion and action writes an audit entry in its transaction."""

from collections.abc import Collection, Iterable
from typing import Any, ClassVar, Final

from django import forms
from django.db.models import Model
from django.http import HttpRequest

from tracing import audit
from tracing.admin.deleting import DeletingAdmin
from tracing.admin.fresh import REASON as REASON
from tracing.admin.fresh import REASON_HELP, FreshForm

OWNER_IS_FIXED: Final = "Chosen when it was added; it cannot be changed."
OWNER_LINKS: Final = ("can_add_related", "can_change_related", "can_delete_related")


class ReasonedForm(FreshForm):
    """A form that asks for a reason. Only the audit log stores it."""

    change_reason = forms.CharField(
        label="Why",
        required=False,
        max_length=audit.MAX_REASON,
        strip=True,
        widget=forms.TextInput(attrs={"size": 80}),
        help_text=f"Optional. {REASON_HELP}",
    )


def _without(fields: Iterable[Any], names: Collection[str]) -> list[Any]:
    """Leave out these fields. Fields that share a line are a tuple and stay."""
    return [field for field in fields if field not in names]


class AuditedAdmin(DeletingAdmin):
    """Writes an audit entry with the workspace, the actor, the action, the reason and the changed fields."""

    form: Any = ReasonedForm
    # The fields that say who owns the row. They are set when it is added and then read-only, also in the database.
    owner_fields: ClassVar[tuple[str, ...]] = ()
    # A use case saves a change of these fields (call_use_case).
    use_case_fields: ClassVar[frozenset[str]] = frozenset()

    def get_form(
        self,
        request: HttpRequest,
        obj: Any = None,
        change: bool = False,  # noqa: FBT001, FBT002 - the signature is Django's
        **kwargs: Any,
    ) -> Any:
        """Disable the owner fields instead of leaving them out, so constraints that include them are still checked."""
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        for name in self.owner_fields if obj is not None else ():
            if name in form.base_fields:
                field = form.base_fields[name]
                field.disabled = True
                field.help_text = f"{field.help_text} {OWNER_IS_FIXED}".strip()
                for link in OWNER_LINKS:
                    setattr(field.widget, link, False)
        return form

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Put the reason last."""
        return sorted(super().get_fields(request, obj), key=lambda field: field == REASON)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave out read-only fields while the row does not exist yet."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is not None:
            return fieldsets
        shown = set(self.get_readonly_fields(request, obj))
        asked = [(name, options, _without(options["fields"], shown)) for name, options in fieldsets]
        return [(name, {**options, "fields": fields}) for name, options, fields in asked if fields]

    def audit(
        self,
        request: HttpRequest,
        row: Model,
        *,
        action: str,
        reason: str = "",
        before: audit.State | None = None,
        after: audit.State | None = None,
    ) -> None:
        audit.record(
            actor=request.user.get_username(),
            action=action,
            target=row,
            workspace_id=self.workspace_id_of(row),
            reason=reason,
            before=before,
            after=after,
        )

    def write_model(self, request: HttpRequest, obj: Model, *, form: Any, change: bool) -> None:
        """Write only the changed columns of an existing row, so others' changes and counters stay.

        Override it in a page that saves in another way.
        """
        if not change:
            super().save_model(request, obj, form, change)
            return
        names = {field.name for field in obj._meta.concrete_fields}
        typed = [name for name in self.list_plain_changes(form) if name in names]
        if typed:
            obj.save(update_fields=typed)

    def list_plain_changes(self, form: Any) -> list[str]:
        """The changed fields that no use case saves."""
        return [name for name in form.changed_data if name not in self.use_case_fields]

    def call_use_case(self, request: HttpRequest, obj: Any, *, form: Any) -> None:
        """Save the changed `use_case_fields`. The use case writes its own audit entry."""

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:  # noqa: FBT001
        """Needs the transaction of the page, which Django opens."""
        before = audit.read_state(obj, fields=self.list_plain_changes(form)) if change else None
        self.write_model(request, obj, form=form, change=change)
        audit.record_save(
            obj,
            actor=request.user.get_username(),
            workspace_id=self.workspace_id_of(obj),
            reason=form.cleaned_data.get(REASON, ""),
            before=before,
        )
        if change:
            if self.use_case_fields.intersection(form.changed_data):
                self.call_use_case(request, obj, form=form)
            self.show_left_alone(request, form)
