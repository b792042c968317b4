"""Forms of rows that another person may have changed. A save writes only the fields that this person changed.

A form carries the values that it was rendered with (tracing.admin.page_version). When it is submitted, the row is
locked and read again. A field that was not typed keeps its present value. A field that both people changed is shown
with both values, and nothing is saved.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.db import OperationalError, transaction
from django.db.models import QuerySet
from django.forms.boundfield import BoundField
from django.http import HttpRequest, HttpResponse

from tracing.admin.history import HistoryAdmin
from tracing.admin.page_version import (
    NOTHING,
    PageVersionInvalid,
    describe_author,
    describe_form_value,
    find_changes,
    has_column,
    initial_of,
    plain,
    seal,
    unseal,
)
from tracing.locks import for_change, is_lock_conflict, lock_rows
from tracing.wording import one_of

if TYPE_CHECKING:
    PlainTabularInline = admin.TabularInline[Any, Any]
else:  # Django's class cannot be subscripted when it runs
    PlainTabularInline = admin.TabularInline

PAGE_VERSION: Final = "page_version"
SEEN: Final = "seen"
REASON: Final = "change_reason"
REASON_HELP: Final = "Saved in the audit log with your name. Do not enter names or contact details of people."
BUSY: Final = "Nothing was saved: another person is saving this right now. Save again."
NOT_OURS: Final = "Nothing was saved: this form belongs to another page. Open the page again."
CLOSED: Final = "Nothing was saved. These fields became read-only after you opened this page: {names}."
GONE: Final = (
    "Nothing was saved. You changed a row that was deleted after you opened this page. Open it again."
)
CHANGED: Final = (
    "Nothing was done. The data changed after you opened this page. The page now shows the current state."
)
_IS_BUSY: Final = "leadswitch_row_is_busy"


class FreshBoundField(BoundField):
    """Shows the current value of a field that the person did not change, even after an error."""

    form: Any

    def value(self) -> Any:
        if self.form.shows_fresh(self.name):
            return self.field.prepare_value(self.initial)
        return super().value()


class FreshForm(forms.ModelForm):  # type: ignore[type-arg]  # cannot be subscripted when it runs
    """`is_busy`: the row could not be locked. It is set on the class that Django makes for each request."""

    bound_field_class = FreshBoundField
    is_busy: ClassVar[bool] = False
    page_version = forms.CharField(required=False, widget=forms.HiddenInput, help_text="Written by the page.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.show_hidden_initial = (
                False  # with a callable default, Django would trust the value that the page sends
            )
        self.present: Mapping[str, Any] = self._read_present()
        self.began: Mapping[str, Any] = {}
        if self.present:
            self.initial[PAGE_VERSION] = seal(self.instance, self.present)
        self.is_foreign = self.is_gone = False  # is_gone: the row of an inline was deleted since
        if self.is_bound:
            self._read_began()

    def _read_present(self) -> Mapping[str, Any]:
        """Return the values of the row as this request read it. Empty for a new row."""
        if self.instance._state.adding:
            return {}
        return {
            name: plain(self.initial[name])
            for name, field in self.fields.items()
            if name in self.initial and not field.disabled and has_column(self.instance, name)
        }

    def _read_began(self) -> None:
        """A request without sealed values does not come from a page. All of its fields count as changed."""
        sealed = self[PAGE_VERSION].data
        if not sealed:
            return
        row = self.instance
        self.is_gone = row._state.adding
        if self.is_gone:
            row = type(row)(pk=self.data.get(self.add_prefix(row._meta.pk.name)))
        try:
            self.began = unseal(sealed, row)
        except PageVersionInvalid:
            self.is_foreign = True

    @cached_property
    def moved(self) -> tuple[str, ...]:
        """The fields that others changed since the form was rendered."""
        return tuple(
            name for name in self.began if name in self.present and self.began[name] != self.present[name]
        )

    @cached_property
    def changed_data(self) -> list[str]:
        """The fields that the person changed and that differ from the stored values. Only these are saved."""
        aside = {PAGE_VERSION, REASON, *([self.instance._meta.pk.name] if self.is_gone else [])}
        return [name for name in super().changed_data if name not in aside and self._is_typed(name)]

    @property
    def left_alone(self) -> list[str]:
        """The labels of the fields that others changed and this person did not."""
        return [self._label(name) for name in self.moved if name not in self.changed_data]

    def _label(self, name: str) -> str:
        return str(self[name].label)

    def _is_typed(self, name: str) -> bool:
        if name not in self.began:
            return True
        bound = self[name]
        before = initial_of(self.instance, name, self.began[name], widget=bound.field.widget)
        return bound.field.has_changed(before, bound.data)

    def shows_fresh(self, name: str) -> bool:
        return self.is_bound and (
            name == PAGE_VERSION or (name in self.moved and name not in self.changed_data)
        )

    def _clean_fields(self) -> None:
        """Runs before `clean`, so a `clean` of several fields sees the values that would be saved."""
        super()._clean_fields()  # type: ignore[misc]  # not in the stubs
        for name in self.moved:
            if name in self.changed_data:
                self._add_conflict(name)
            else:
                self.errors.pop(name, None)
                self.cleaned_data[name] = self._read_stored(name)
        closed = [name for name in self.began if name not in self.fields]
        for is_wrong, text in ((self.is_busy, BUSY), (self.is_foreign, NOT_OURS), (closed, CLOSED)):
            if is_wrong:
                self.add_error(None, text.format(names=one_of(closed)))

    def _read_stored(self, name: str) -> Any:
        value = getattr(self.instance, name)
        return value.all() if self.instance._meta.get_field(name).many_to_many else value

    def save(self, commit: bool = True) -> Any:  # noqa: FBT001, FBT002
        """Save only the changed columns. Rows of an inline are saved here, without the admin's `save_model`."""
        if not commit or self.instance._state.adding or self.errors:
            return super().save(commit=commit)
        names = {field.name for field in self.instance._meta.concrete_fields}
        typed = [name for name in self.changed_data if name in names]
        if typed:
            self.instance.save(update_fields=typed)
        self._save_m2m()  # type: ignore[attr-defined]  # not in the stubs
        return self.instance

    def _add_conflict(self, name: str) -> None:
        field = self.fields[name]
        entry = find_changes(self.instance, self.present).get(name)
        theirs = describe_form_value(field, self.initial[name])
        yours = describe_form_value(field, self.cleaned_data.get(name, self[name].data))
        who = "but the audit log does not say by whom" if entry is None else f"by {describe_author(entry)}"
        before = describe_form_value(
            field, initial_of(self.instance, name, self.began[name], widget=field.widget)
        )
        self.add_error(
            name,
            f"Nothing was saved. After you opened this page it was changed from {before} to {theirs}, {who}."
            f" You typed {yours}. Save again to set yours, or type {theirs} to keep theirs."
            if theirs != NOTHING
            else f"Nothing was saved. After you opened this page it was cleared, {who}; before it was {before}."
            f" You typed {yours}. Save again to set yours, or clear it to keep theirs.",
        )


class FreshAdmin(HistoryAdmin):
    """Locks the row before Django reads it, when its form is submitted.

    A trigger may wait for other rows that another transaction has locked. Then nothing is saved, and the page says so.
    """

    form: Any = FreshForm

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if request.method != "POST":
            return super().changeform_view(request, object_id, form_url, extra_context)
        try:
            with transaction.atomic():
                if object_id is not None and self.has_change_permission(request):
                    setattr(request, _IS_BUSY, not self.lock_posted_row(request, unquote(object_id)))
                return super().changeform_view(request, object_id, form_url, extra_context)
        except OperationalError as error:
            if not is_lock_conflict(error):
                raise
        setattr(request, _IS_BUSY, True)
        with transaction.atomic():
            return super().changeform_view(request, object_id, form_url, extra_context)

    def lock_posted_row(self, request: HttpRequest, object_id: str) -> bool:
        """Lock the row until the request's transaction ends. False if another transaction has it."""
        try:
            return self.lock(self.get_queryset(request).filter(pk=self.opts.pk.to_python(object_id)))
        except (ValidationError, ValueError):
            return True  # not an id, so the page returns 404

    def lock(self, rows: QuerySet[Any]) -> bool:
        """Overridden by pages whose rows need another lock first."""
        return lock_rows(rows)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.is_busy = getattr(request, _IS_BUSY, False)
        return form

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave out the sealed values. The page's template writes them before all fields."""
        return [field for field in super().get_fields(request, obj) if field != PAGE_VERSION]

    def show_left_alone(self, request: HttpRequest, form: FreshForm) -> None:
        if form.left_alone:
            text = (
                f"Others changed {one_of(form.left_alone)} after you opened the page. Their values were kept."
            )
            self.message_user(request, text, messages.INFO)


class FreshFormSet(forms.BaseInlineFormSet):  # type: ignore[type-arg]  # cannot be subscripted when it runs
    """A row that another person deleted stays deleted. If the form has input for it, nothing is saved."""

    def _should_delete_form(self, form: Any) -> bool:
        is_left_alone = isinstance(form, FreshForm) and form.is_gone and not form.changed_data
        return is_left_alone or bool(super()._should_delete_form(form))  # type: ignore[misc]  # not in the stubs

    def clean(self) -> None:
        super().clean()
        rows: list[Any] = self.initial_forms
        if any(form.is_gone and not self._should_delete_form(form) for form in rows):
            raise ValidationError(GONE)


class FreshInline(PlainTabularInline):
    """Locks the rows of an inline with their parent row, and saves them the same way."""

    form: Any = FreshForm
    formset: Any = FreshFormSet

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return for_change(rows) if request.method == "POST" else rows


class SeenForm(forms.Form):
    """A confirmation about rows. `state`: a digest of them now. `last_change`: a sentence about who changed them last.

    The form carries the state that it was rendered with. If the rows changed since, nothing is done and the page asks
    again. `asks_again` is False where a use case compares the states itself, under its locks.
    """

    bound_field_class = FreshBoundField
    asks_again: ClassVar[bool] = True
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, state: str = "", last_change: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial[SEEN] = self.state = state
        self.last_change = last_change

    def shows_fresh(self, name: str) -> bool:
        return self.is_bound and name == SEEN

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.asks_again and self.state and cleaned.get(SEEN, "") not in ("", self.state):
            raise ValidationError(f"{CHANGED} {self.last_change}".strip())
        return cleaned
