"""Every admin page shows only the rows of the user's workspaces. Any other row is a 404.

A higher app reads these workspaces and their names. `LEADSWITCH_VISIBILITY_HOOK` and `LEADSWITCH_WORKSPACES_HOOK`
name its functions.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, NoReturn

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.utils import NotRelationField, get_fields_from_path, get_model_from_relation
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest
from django.utils.module_loading import import_string

if TYPE_CHECKING:
    PlainAdmin = admin.ModelAdmin[Any]
else:  # Django's class cannot be subscripted when it runs
    PlainAdmin = admin.ModelAdmin

_REMEMBERED: Final = "leadswitch_visible_ids"


def visible_ids(request: HttpRequest) -> Sequence[int] | None:
    """Return the ids of the workspaces that the user sees, or None for all. Read once for each request."""
    if not hasattr(request, _REMEMBERED):
        setattr(request, _REMEMBERED, import_string(settings.LEADSWITCH_VISIBILITY_HOOK)(request.user))
    ids: Sequence[int] | None = getattr(request, _REMEMBERED)
    return ids


def visible_names(request: HttpRequest) -> Sequence[tuple[int, str]]:
    """Return the id and name of each workspace that the user sees, sorted by name."""
    names: Sequence[tuple[int, str]] = import_string(settings.LEADSWITCH_WORKSPACES_HOOK)(request.user)
    return names


class ScopedRelatedFilter(admin.RelatedFieldListFilter):
    """Offers only the rows of the other table that the user may see."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]"
    ) -> list[tuple[str, Any]]:
        ordering = self.field_admin_ordering(field, request, model_admin)
        related = model_admin.admin_site._registry.get(field.remote_field.model)
        limit = {}
        if isinstance(related, ScopedAdmin) and visible_ids(request) is not None:
            limit = {"pk__in": related.scope(related.model._default_manager.all(), request=request)}
        choices: list[tuple[str, Any]] = field.get_choices(
            include_blank=False, ordering=ordering, limit_choices_to=limit
        )
        return choices


class ScopedAdmin(PlainAdmin):
    """`workspace_path`: the lookup of a row's workspace. If blank, only users who see all workspaces see rows."""

    workspace_path: ClassVar[str] = ""
    show_facets = admin.ShowFacets.NEVER  # they count whole tables

    def scope(self, queryset: QuerySet[Any], *, request: HttpRequest) -> QuerySet[Any]:
        """Keep only the rows that the user may see."""
        ids = visible_ids(request)
        return queryset if ids is None else self.of_workspaces(queryset, ids)

    def of_workspaces(self, queryset: QuerySet[Any], ids: Sequence[int]) -> QuerySet[Any]:
        if not self.workspace_path:
            return queryset.none()
        return queryset.filter(**{f"{self.workspace_path}__in": ids})

    def title_of(self, row: Any) -> str:
        """Return what headings, breadcrumbs, links and messages call the row."""
        return str(row)

    def workspace_id_of(self, row: Model) -> int | None:
        if not self.workspace_path:
            return None
        value: Any = row
        for part in self.workspace_path.split("__"):
            value = getattr(value, part)
        workspace_id: int | None = value.pk if isinstance(value, Model) else value
        return workspace_id

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Join what the rows' names need. The choices on other pages use it too."""
        rows = super().get_queryset(request)
        joined = self.list_select_related
        if not isinstance(joined, bool):
            rows = rows.select_related(*joined)
        return self.scope(rows, request=request)

    def get_list_filter(self, request: HttpRequest) -> Any:
        return list(self._scoped_filters(super().get_list_filter(request)))

    def _scoped_filters(self, filters: Sequence[Any]) -> Iterator[Any]:
        for each in filters:
            is_relation = isinstance(each, str) and _is_relation(self.model, each)
            yield (each, ScopedRelatedFilter) if is_relation else each

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        related = self.admin_site._registry.get(db_field.remote_field.model)
        if isinstance(related, ScopedAdmin) and "queryset" not in kwargs:
            rows = related.model._default_manager.order_by(*(related.get_ordering(request) or ()))
            if not isinstance(related.list_select_related, bool):
                rows = rows.select_related(*related.list_select_related)
            kwargs["queryset"] = related.scope(rows, request=request)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def _get_obj_does_not_exist_redirect(
        self,
        request: HttpRequest,  # noqa: ARG002 - the signature is Django's
        opts: Any,
        object_id: str,  # noqa: ARG002
    ) -> NoReturn:
        """Answer 404 if the row does not exist or the user may not see it. Django would redirect to the home page."""
        raise Http404(f"there is no such {opts.verbose_name}")


def _is_relation(model: type[Model], path: str) -> bool:
    try:
        get_model_from_relation(get_fields_from_path(model, path)[-1])
    except NotRelationField:
        return False
    return True
