"""Forms in which people type dollars; the rows keep integer cents."""

from decimal import Decimal
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from routing.admin.configuration import ConfigurationAdmin
from tracing.wording import money

CENTS: Final = "_cents"
MOST_DOLLARS: Final = 10_000_000


class DollarField(forms.DecimalField):
    """Shows a column of cents as "25.00" and gives back cents. What was typed is shown again as it was typed."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"min_value": 0, "max_value": MOST_DOLLARS, "decimal_places": 2, **options})

    def prepare_value(self, value: Any) -> Any:
        return f"{Decimal(value) / 100:.2f}" if isinstance(value, int) else value

    def clean(self, value: Any) -> Any:
        dollars = super().clean(value)
        return None if dollars is None else int(dollars * 100)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """`initial` is in cents, `data` the dollars as they were typed: compared as amounts, not as texts."""
        try:
            dollars = self.to_python(data)
        except ValidationError:
            return True
        return bool(initial != (None if dollars is None else dollars * 100))

    def tell(self, value: int) -> str:
        return money(value)


class DollarsAdmin(ConfigurationAdmin):
    """Every column of cents is typed in dollars."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if not db_field.name.endswith(CENTS):
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        words = db_field.name.removesuffix(CENTS).replace("_", " ").capitalize()
        return DollarField(
            label=f"{words} ($)",
            required=not db_field.blank,
            help_text=db_field.help_text,
            widget=forms.NumberInput(attrs={"step": "0.01", "class": "desk-dollars"}),
        )
