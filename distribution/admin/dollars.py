"""Forms take dollars; rows store integer cents."""

from decimal import Decimal
from typing import Any, Final

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.http import HttpRequest

from routing.admin.configuration import ConfigurationAdmin
from tracing.admin.history import describe_field
from tracing.wording import money

CENTS: Final = "_cents"
MAX_DOLLARS: Final = 10_000_000
MAX_PRICE_DOLLARS: Final = 100_000
OF_ONE_LEAD: Final = frozenset({"price_cents", "bid_cents"})
LARGE_SUMS: Final = "distribution.move_large_sums"


class DollarField(forms.DecimalField):
    """Shows a column of cents as "25.00" and gives back cents. Input with an error is shown again unchanged."""

    def __init__(self, *, most: int = MAX_DOLLARS, least: int = 0, **options: Any) -> None:
        self.most, self.least = most, least
        super().__init__(decimal_places=2, **options)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {**super().widget_attrs(widget), "min": self.least, "max": self.most}

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value is not None and not self.least <= value <= self.most:
            least, most = money(100 * self.least), money(100 * self.most)
            message = (
                f"Enter an amount from {least} to {most}. This is {'-' if value < 0 else ''}${abs(value):,}."
            )
            raise ValidationError(message)

    def prepare_value(self, value: Any) -> Any:
        return f"{Decimal(value) / 100:.2f}" if isinstance(value, int) else value

    def clean(self, value: Any) -> Any:
        dollars = super().clean(value)
        return None if dollars is None else int(dollars * 100)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """`initial` is in cents, `data` is the typed dollars. Compares amounts, not texts."""
        try:
            dollars = self.to_python(data)
        except ValidationError:
            return True
        return bool(initial != (None if dollars is None else dollars * 100))

    def describe(self, value: int) -> str:
        return money(value)


def check_large_sum(cents: int, *, again: int | None, is_allowed: bool) -> str:
    """Why a large sum may not be moved or granted; "" when it may, or is not large."""
    limit = settings.LEADSWITCH_LARGE_SUM_CENTS
    if abs(cents) <= limit:
        return ""
    if not is_allowed:
        return f"{money(cents)} is above {money(limit)}. You need the permission “Can move large sums”. Ask an admin."
    if again is None:
        return f"{money(cents)} is above {money(limit)}. Enter the amount again to confirm."
    return "" if again == cents else f"The amounts differ: {money(cents)} and {money(again)}."


class DollarsAdmin(ConfigurationAdmin):
    """Every column of cents is typed in dollars."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if not db_field.name.endswith(CENTS):
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        limits = [each.limit_value for each in db_field.validators if isinstance(each, MaxValueValidator)]
        return DollarField(
            label=f"{describe_field(db_field.model, db_field.name)} ($)",
            most=MAX_PRICE_DOLLARS if db_field.name in OF_ONE_LEAD else MAX_DOLLARS,
            required=not db_field.blank,
            max_value=min([MAX_DOLLARS, *(limit // 100 for limit in limits)]),
            help_text=db_field.help_text,
            widget=forms.NumberInput(attrs={"step": "0.01", "class": "admin-dollars"}),
        )
