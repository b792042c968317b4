"""JSON fields that are checked while a person types, with the validation of saving.

The page's script sends the text and shows the answer beside the field. Saving runs
the same checks, so the form also works without the script.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any, ClassVar, Final, TypeAlias

from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model
from django.forms import Script
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from routing.conditions import compile_condition
from routing.redis.rate_limit import take
from tracing.admin.audited import AuditedAdmin

MAX_CHARACTERS: Final = 200_000
RATE: Final = "admin"

Describer: TypeAlias = Callable[[Any], str]
Preview: TypeAlias = Callable[[Any], SafeString]


def describe_condition(condition: Any) -> str:
    return f"reads as “{compile_condition(condition).describe()}”"


class TypedChecks(AuditedAdmin):
    """`describers`: for a JSON field, what describes a valid value. The text is shown after "Valid: ".

    `previews`: for a JSON field, what draws a valid value.
    """

    describers: ClassVar[Mapping[str, Describer]] = {}
    previews: ClassVar[Mapping[str, Preview]] = {}

    class Media:
        css: ClassVar = {"all": ["leadswitch/forms.css"]}
        js: ClassVar = [Script("leadswitch/typed.js", defer=True)]

    def get_urls(self) -> list[URLPattern]:
        urls: list[URLPattern] = super().get_urls()
        if not self.describers:
            return urls
        view = self.admin_site.admin_view(self.check_typed)
        return [path("check/<slug:name>/", view, name=self._check_name), *urls]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002
        form = super().get_form(request, obj, change, **kwargs)
        for name in self.describers:
            if name in form.base_fields:
                # A declared field belongs to the class of the form, which other requests share.
                form.base_fields[name] = deepcopy(form.base_fields[name])
                url = reverse(f"admin:{self._check_name}", args=[name])
                form.base_fields[name].widget.attrs["data-check"] = (
                    url if obj is None else f"{url}?id={obj.pk}"
                )
        return form

    @property
    def _check_name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_check"

    def check_typed(self, request: HttpRequest, name: str) -> HttpResponse:
        """For users who may save the form. Writes nothing."""
        row = self._row_of_form(request)
        if name not in self.describers:
            raise Http404
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        allowance = take(RATE, str(request.user.pk))
        if allowance is not None and not allowance.is_allowed:
            return _answer(
                ["Not checked yet. Wait a moment."], status=429, wait_seconds=allowance.wait_seconds
            )
        text = request.POST.get("text", "")
        if len(text) > MAX_CHARACTERS:
            return _answer(["Too long to check while you type. It is checked when you save."], status=413)
        try:
            value, rewrites = self._read_typed(request, row, name=name, text=text)
        except ValidationError as error:
            return _answer(error.messages, is_valid=False)
        preview = self.previews[name](value) if name in self.previews else ""
        says = [f"Valid: {self.describers[name](value)}.", *(f"{each}." for each in rewrites)]
        return _answer(says, is_valid=True, preview=preview)

    def _row_of_form(self, request: HttpRequest) -> Model:
        """The row that the form changes, as it is stored; a new one for the form that adds."""
        typed_id = request.GET.get("id")
        if typed_id is None:
            if not self.has_add_permission(request):
                raise PermissionDenied
            blank: Model = self.model()
            return blank
        row: Model | None = self.get_object(request, typed_id)
        if not self.has_change_permission(request, row):
            raise PermissionDenied
        if row is None:
            raise Http404
        return row

    def _read_typed(self, request: HttpRequest, row: Model, *, name: str, text: str) -> tuple[Any, Any]:
        """Put the value onto the row. ValidationError: what saving would say at this field.

        Returned with what saving would write in another form.
        """
        form = self.get_form(request, None if row._state.adding else row, change=not row._state.adding)
        field = form.base_fields[name]
        setattr(row, name, field.clean(text))
        row.clean_fields(exclude={field.name for field in row._meta.fields} - {name})
        try:
            row.clean()
        except ValidationError as error:
            if name in getattr(error, "error_dict", {}):
                raise ValidationError(error.error_dict[name]) from None
        return getattr(row, name), getattr(field, "rewrites", ())


def _answer(
    says: Sequence[str],
    *,
    is_valid: bool | None = None,
    preview: str = "",
    status: int = 200,
    wait_seconds: int = 0,
) -> JsonResponse:
    """`is_valid` None: it was not checked."""
    answer = JsonResponse({"is_valid": is_valid, "says": says, "preview": preview}, status=status)
    if wait_seconds:
        answer["Retry-After"] = str(wait_seconds)
    return answer
