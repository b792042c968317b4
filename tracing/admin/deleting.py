"""Deletes rows with a reason and audit entries. Names what prevents a deletion before it loads any rows."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Final

from django import forms
from django.apps import apps
from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected as delete_rows
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import CASCADE, PROTECT, RESTRICT, ManyToManyRel, Model, QuerySet
from django.db.models.deletion import ProtectedError, RestrictedError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.utils.text import capfirst

from tracing import audit
from tracing.admin.fresh import REASON, REASON_HELP, FreshAdmin, SeenForm
from tracing.admin.page_version import describe_last_change, digest_rows
from tracing.locks import lock_rows
from tracing.parsing import parse_text

HELD: Final = (ProtectedError, RestrictedError, IntegrityError)
MAX_LAST_CHANGES: Final = 5
BUSY: Final = "Nothing was deleted: another person is changing this right now. Try again."
STILL_HELD: Final = "Nothing was deleted: another row now refers to it. Open the page again."


class DeletionForm(SeenForm):
    change_reason = forms.CharField(
        label="Why",
        max_length=audit.MAX_REASON,
        strip=True,
        widget=forms.TextInput(attrs={"size": 60, "autofocus": True}),
        help_text=f"Required. {REASON_HELP}",
    )


def find_holders(rows: QuerySet[Any]) -> Iterator[type[Model]]:
    """Yield the models whose rows prevent deleting these. Checks each table for one row and loads none."""
    for rule, held in _referring(rows):
        if rule is CASCADE:
            yield from find_holders(held)
        elif rule in (PROTECT, RESTRICT) and held.exists():
            yield held.model


def find_dependents(rows: QuerySet[Any]) -> Iterator[QuerySet[Any]]:
    """Yield the rows that are deleted with these, table by table."""
    for rule, held in _referring(rows):
        if rule is CASCADE:
            yield held
            yield from find_dependents(held)


def _going_along(model: type[Model], rows: Sequence[Model]) -> list[tuple[str, list[Any]]]:
    """Return the ids of the rows that are deleted with these. Empty if these cannot be deleted."""
    chosen = model._default_manager.filter(pk__in=[row.pk for row in rows])
    if next(find_holders(chosen), None) is not None:
        return []
    return [
        (found.model._meta.label_lower, list(found.values_list("pk", flat=True)))
        for found in find_dependents(chosen)
    ]


def _referring(rows: QuerySet[Any]) -> Iterator[tuple[Any, QuerySet[Any]]]:
    """Yield the `on_delete` rule and the rows of each table that refers to these."""
    for relation in rows.model._meta.get_fields(include_hidden=True):
        if relation.auto_created and not relation.concrete and not isinstance(relation, ManyToManyRel):
            others = relation.related_model._base_manager
            yield relation.on_delete, others.filter(**{f"{relation.field.name}__in": rows})


@admin.action(description="Delete selected %(verbose_name_plural)s", permissions=["delete"])
def delete_selected(page: "DeletingAdmin", request: HttpRequest, queryset: QuerySet[Any]) -> Any:
    """Replaces Django's action of this name, and calls it once there is a reason."""
    try:
        with transaction.atomic():
            form = page.ask(request, queryset, is_sent="post" in request.POST)
            if form.is_bound and not form.is_valid():
                kept = request.POST.copy()
                del kept["post"]
                request.POST = kept  # type: ignore[assignment]  # or Django would delete
            answer = delete_rows(page, request, queryset)
    except HELD:
        page.message_user(request, STILL_HELD, messages.ERROR)
        return None
    return None if answer is None else page.ask_again(answer, form)


def _drop_lines(rows: list[Any], kinds: tuple[str, ...]) -> list[Any]:
    """Return nested lists of lines without the lines that begin with a kind."""
    return [
        _drop_lines(each, kinds) if isinstance(each, list) else each
        for each in rows
        if isinstance(each, list) or not str(each).startswith(kinds)
    ]


class DeletingAdmin(FreshAdmin):
    """`instead_of_deleting`: what to do with rows that something refers to.

    `after_deleting`: what follows, where it is not plain. The confirmation says it.

    `never_deleted`: why these rows are never deleted. The page says so and deletes nothing.
    """

    instead_of_deleting: ClassVar[str] = "Delete those first, or point them to another one."
    after_deleting: ClassVar[str] = ""
    never_deleted: ClassVar[str] = ""
    actions: Any = (delete_selected,)
    delete_confirmation_template = "admin/leadswitch/delete.html"
    delete_selected_confirmation_template = "admin/leadswitch/delete_selected.html"

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return not self.never_deleted and super().has_delete_permission(request, obj)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if self.never_deleted:
            raise PermissionDenied(self.never_deleted)
        rows = self.get_queryset(request).filter(pk__in=self._typed_ids(object_id))
        try:
            with transaction.atomic():
                form = self.ask(request, rows, is_sent=request.method == "POST")
                if form.is_bound and not form.is_valid():
                    request.POST = QueryDict()  # or Django would delete
                answer = super().delete_view(request, object_id, extra_context)
        except HELD:
            self.message_user(request, STILL_HELD, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
        return self.ask_again(answer, form)

    def _typed_ids(self, object_id: str) -> list[Any]:
        """Return an empty list if the id cannot be read. The page then returns 404."""
        text = parse_text(unquote(object_id))
        try:
            return [] if text is None else [self.opts.pk.to_python(text)]
        except ValidationError:
            return []

    def ask(self, request: HttpRequest, rows: QuerySet[Any], *, is_sent: bool) -> DeletionForm:
        """Return the confirmation for these rows as they are now. Locks them first if the form was submitted."""
        if not self.has_delete_permission(request):
            return DeletionForm(request.POST if is_sent else None)
        is_locked = not is_sent or self._lock_all(rows)
        chosen = list(rows.order_by("pk"))
        form = DeletionForm(
            request.POST if is_sent else None,
            state=digest_rows(chosen, going_along=_going_along(self.model, chosen)),
            last_change=" ".join(filter(None, map(describe_last_change, chosen[:MAX_LAST_CHANGES]))),
        )
        if not is_locked:
            form.add_error(None, BUSY)
        return form

    def _lock_all(self, rows: QuerySet[Any]) -> bool:
        """Lock dependent rows first, because a trigger on them locks their parent row last."""
        chosen = self.model._default_manager.filter(pk__in=[row.pk for row in rows])
        is_held = next(find_holders(chosen), None) is not None  # then nothing is deleted
        along = [] if is_held else list(find_dependents(chosen))
        return all(lock_rows(each) for each in reversed(along)) and self.lock(rows)

    def ask_again(self, answer: HttpResponse, form: DeletionForm) -> HttpResponse:
        """Add the form to Django's page, which is not rendered yet. A redirect is left unchanged."""
        context = getattr(answer, "context_data", None)
        if context is not None:
            said = {"instead_of_deleting": self.instead_of_deleting, "after_deleting": self.after_deleting}
            context.update({"reason_form": form, **said})
            if not context["protected"] and not context["perms_lacking"]:
                context["title"] = f"Delete {context.get('object_name') or context['objects_name']}"
            answer.status_code = 400 if form.errors else answer.status_code
        return answer

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Name the models that refer to these rows. Django would load all of them, e.g. a million leads.

        Rows that only connect two tables are not listed: they have no name that an operator knows.
        """
        rows = self.model._default_manager.filter(pk__in=[each.pk for each in objs])
        holders = {str(model._meta.verbose_name_plural) for model in find_holders(rows)}
        if holders:
            return [], {}, set(), sorted(holders)
        deleted, counts, refused, protected = super().get_deleted_objects(objs, request)
        links = [each._meta for each in apps.get_models(include_auto_created=True) if each._meta.auto_created]
        shown = _drop_lines(deleted, tuple(f"{capfirst(each.verbose_name)}: " for each in links))
        plurals = {each.verbose_name_plural for each in links}
        return (
            shown,
            {name: count for name, count in counts.items() if name not in plurals},
            refused,
            protected,
        )

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        """Write an audit entry for each deleted row, including its dependents."""
        with transaction.atomic():
            self._record(request, [obj])
            for rows in find_dependents(type(obj)._default_manager.filter(pk=obj.pk)):
                page = self.admin_site._registry.get(rows.model)
                if isinstance(page, DeletingAdmin):
                    page._record(request, rows)
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Delete row by row, each with its audit entry. Django's action runs outside any transaction."""
        with transaction.atomic():
            for row in queryset:
                self.delete_model(request, row)

    def _record(self, request: HttpRequest, rows: Sequence[Model] | QuerySet[Any]) -> None:
        audit.record_deletions(
            rows,
            actor=request.user.get_username(),
            workspace_id_of=self.workspace_id_of,
            reason=str(request.POST.get(REASON, "")),
        )
