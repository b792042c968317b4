"""Forms about the card of a wallet: credits to buy, and automatic recharge. They take dollars."""

from decimal import Decimal
from typing import Any, Final
from uuid import uuid4

from django import forms

from distribution.models import LEAST_PAYMENT_CENTS, MOST_PAYMENT_CENTS, MOST_TRIES, Recharge
from distribution.payments.buying import PaymentRefused
from distribution.payments.settings import AMOUNTS, read_version

CENTS: Final = 100
# By the field of the use case: that of the form.
FIELDS: Final = {name: name.removesuffix("_cents") for name in AMOUNTS} | {"max_tries": "max_tries"}


class DollarInput(forms.DecimalField):
    def __init__(
        self, label: str, *, most_cents: int, least_cents: int = LEAST_PAYMENT_CENTS, help_text: str
    ) -> None:
        super().__init__(
            label=label,
            min_value=Decimal(least_cents) / CENTS,
            max_value=Decimal(most_cents) / CENTS,
            decimal_places=2,
            help_text=help_text,
            widget=forms.NumberInput(attrs={"inputmode": "decimal"}),
        )

    def clean(self, value: Any) -> int | None:
        """Cents."""
        dollars = super().clean(value)
        return None if dollars is None else int(dollars * CENTS)


class BuyForm(forms.Form):
    """`token` is the form's own: sent twice, it buys once."""

    prefix = "buy"
    amount = DollarInput(
        "Amount in dollars", most_cents=MOST_PAYMENT_CENTS, help_text="Your card is charged at once."
    )
    token = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)


class RechargeForm(forms.Form):
    """`version`: of the settings that it was filled with."""

    prefix = "recharge"
    version = forms.CharField(required=False, widget=forms.HiddenInput)
    is_on = forms.BooleanField(label="Recharge automatically", required=False)
    threshold = DollarInput(
        "When less than this is available, in dollars",
        least_cents=0,
        most_cents=100 * MOST_PAYMENT_CENTS,
        help_text="What sales hold does not count as available.",
    )
    amount = DollarInput(
        "Add this amount, in dollars", most_cents=MOST_PAYMENT_CENTS, help_text="What each payment adds."
    )
    day_limit = DollarInput(
        "At most per day", most_cents=100 * MOST_PAYMENT_CENTS, help_text="In dollars, in your time zone."
    )
    week_limit = DollarInput(
        "At most per week", most_cents=100 * MOST_PAYMENT_CENTS, help_text="In dollars, from Monday."
    )
    month_limit = DollarInput(
        "At most per calendar month", most_cents=100 * MOST_PAYMENT_CENTS, help_text="In dollars."
    )
    max_tries = forms.IntegerField(
        label="Tries",
        min_value=1,
        max_value=MOST_TRIES,
        help_text="How many declined payments in a row pause it. They are an hour apart.",
    )

    @classmethod
    def of(cls, recharge: Recharge | None) -> "RechargeForm":
        if recharge is None:
            return cls(initial={"max_tries": 1, "version": read_version(None)})
        amounts = {FIELDS[name]: Decimal(getattr(recharge, name)) / CENTS for name in AMOUNTS}
        others = {name: getattr(recharge, name) for name in ("is_on", "max_tries")}
        return cls(initial={**amounts, **others, "version": read_version(recharge)})

    def make_changes(self) -> dict[str, Any]:
        values = self.cleaned_data
        return {"is_on": values["is_on"], **{name: values[shown] for name, shown in FIELDS.items()}}

    def show_refusal(self, refusal: PaymentRefused) -> None:
        """A message about a field begins without its subject."""
        name, text = FIELDS.get(refusal.field), str(refusal)
        for cents, shown in FIELDS.items():
            text = text.replace(cents, f"“{self.fields[shown].label}”")
        self.add_error(name, f"It {text}." if name and text[:1].islower() else text)
