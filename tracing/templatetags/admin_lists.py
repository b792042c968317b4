"""What the lists of the admin need from their templates."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@register.filter
def labeled(cells: Iterable[SafeString], headers: Iterable[Mapping[str, Any]]) -> Iterator[SafeString]:
    """Each cell with its column's name: on a phone a row is a card, and the head of the table is not there.

    A cell is what Django renders, "<td class=…>…</td>" or "<th …", so its first ">" closes its opening tag.
    """
    for cell, header in zip(cells, headers, strict=False):
        opening, rest = str(cell).split(">", 1)
        label = "" if 'class="action-checkbox"' in opening else str(header["text"])
        named = format_html(' data-label="{}"', label[:1].upper() + label[1:])
        yield mark_safe(f"{opening}{named}>{rest}")  # noqa: S308 - both parts are Django's own markup
