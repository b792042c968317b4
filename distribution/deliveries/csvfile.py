"""The daily CSV: a row for each lead, with the columns of the endpoint's template, or all fields."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence

from distribution.deliveries.content import Work
from distribution.deliveries.payloads.expressions import OMITTED, Expression, write_text
from distribution.deliveries.payloads.fields import FIELDS, Facts
from distribution.deliveries.payloads.lead import make_plain
from distribution.deliveries.payloads.template import compile_template
from distribution.models import Endpoint
from routing.values.spreadsheet import guard_cell

Column = Callable[[Facts], str]


def write_csv(works: Sequence[Work]) -> str:
    """Cells that begin like a formula get an apostrophe, as in every file of the product. Raises TemplateError."""
    columns = list_columns(works[0].endpoint)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(map(guard_cell, columns))
    writer.writerows(_list_rows(works, columns))
    return text.getvalue()


def _list_rows(works: Sequence[Work], columns: Mapping[str, Column]) -> Iterator[list[str]]:
    for work in works:
        if work.lead is not None:
            facts = Facts(lead=work.lead, message_id=str(work.claimed.message_id))
            yield [guard_cell(read(facts)) for read in columns.values()]


def list_columns(endpoint: Endpoint) -> dict[str, Column]:
    if not endpoint.template:
        named = {name: _field(name) for name in FIELDS}
        return {**named, "attributes": _write_attributes}
    template = compile_template(endpoint.template, body_format="form")
    return {
        str(name): _expression(each)
        for name, each in template.root.children.items()
        if isinstance(each, Expression)
    }


def _field(name: str) -> Column:
    return lambda facts: write_text(FIELDS[name].read(facts))


def _expression(expression: Expression) -> Column:
    def read(facts: Facts) -> str:
        value = expression.evaluate(facts)
        return "" if value is OMITTED else write_text(value)

    return read


def _write_attributes(facts: Facts) -> str:
    return json.dumps(make_plain(facts.lead.attributes), ensure_ascii=False) if facts.lead.attributes else ""
