"""Names for the ids of workspaces, campaigns, buyers, attempts and rules, on the page of one row and in lists.

Tracing may not import these models. It finds them by label.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Final

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model
from django.http import HttpRequest
from django.utils.safestring import SafeString

from tracing.admin.columns import NOTHING, Column, describe_id
from tracing.admin.keyset import KeysetChangeList
from tracing.admin.readonly import ReadOnlyAdmin
from tracing.admin.references import read_names

_NAMED: Final = "leadswitch_named"


class NamedChangeList(KeysetChangeList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.model_admin.name_rows(request, self.result_list)


class NamingAdmin(ReadOnlyAdmin):
    """`named`: the model of each column that contains the id of a row.

    `named_in_list`: those of them that the list shows. Each costs one query a page. `short_in_list`: those of which
    the list shows the end of the public id instead of the name.
    """

    named: ClassVar[Mapping[str, str]] = {}
    named_in_list: ClassVar[tuple[str, ...]] = ()
    short_in_list: ClassVar[tuple[str, ...]] = ()

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[ChangeList]:  # noqa: ARG002
        return NamedChangeList

    def name_rows(self, request: HttpRequest, rows: Iterable[Any]) -> None:
        found = {
            column: self.find_names(
                request,
                self.named[column],
                {getattr(row, column) for row in rows},
                describe=_describe_public_id if column in self.short_in_list else None,
            )
            for column in self.named_in_list
        }
        for row in rows:
            names = {column: names[getattr(row, column)] for column, names in found.items()}
            setattr(row, _NAMED, names)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        row = super().get_object(request, object_id, from_field)
        if row is not None:
            found = {
                column: self.find_names(request, label, {getattr(row, column)})[getattr(row, column)]
                for column, label in self.named.items()
            }
            setattr(row, _NAMED, found)
        return row

    def find_names(
        self,
        request: HttpRequest,
        label: str,
        keys: Iterable[Any],
        *,
        describe: Callable[[Any], SafeString] | None = None,
    ) -> Mapping[Any, SafeString | str]:
        """Return the name of each row, as a link if the user may open it. Its id if it is deleted or not visible.

        `describe` gives another text than the name.
        """
        keys = set(keys)
        names: dict[Any, SafeString | str] = {key: NOTHING if key is None else str(key) for key in keys}
        return names | read_names(request, apps.get_model(label), keys - {None}, describe=describe)


def _describe_public_id(row: Any) -> SafeString:
    return describe_id(row.public_id)


def named_field(column: str, *, label: str) -> Column:
    """A field of a page that is a NamingAdmin."""

    @admin.display(description=label)
    def show(self: object, row: Model) -> SafeString | str:  # noqa: ARG001 - a method of the admin class
        names: Mapping[str, SafeString | str] = getattr(row, _NAMED, {})
        return names.get(column, NOTHING)

    return show
