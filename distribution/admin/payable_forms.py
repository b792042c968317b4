"""Forms about what a source is owed: a contract's next version, and the days of a statement."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from distribution.admin.dollars import DollarField
from distribution.models import ContractPays
from distribution.models.payables import MAX_FIXED_CENTS
from distribution.payables.contracts import Terms
from distribution.payables.statement import PeriodRefused, check_period
from tracing.admin.confirming import ReasonForm

DAY_WIDGET = forms.DateInput(attrs={"type": "date"})


class ContractForm(ReasonForm):
    """The fields that do not belong to what is paid stay blank."""

    field_order = ("pays", "amount", "share", "returns_deducted", "valid_from", "reason")
    pays = forms.ChoiceField(label="Pays", choices=ContractPays.choices)
    amount = DollarField(
        label="Amount for each sold lead ($)",
        most=MAX_FIXED_CENTS // 100,
        required=False,
        help_text="Only for a fixed amount. A lead that is sold to several buyers counts once.",
    )
    share = forms.DecimalField(
        label="Share of the revenue (%)",
        min_value=0,
        max_value=100,
        decimal_places=2,
        required=False,
        help_text="Only for a share. 12.5 pays 12.5% of what the buyers pay for the lead.",
    )
    returns_deducted = forms.BooleanField(
        label="Deduct returned leads",
        required=False,
        initial=True,
        help_text="If checked, a return or a partial refund reduces what is owed in proportion.",
    )
    valid_from = forms.DateField(
        label="Valid from",
        widget=DAY_WIDGET,
        help_text="In the time zone of the workspace. Today means from one minute after you send this form.",
    )

    @property
    def terms(self) -> Terms:
        share = self.cleaned_data["share"]
        return Terms(
            pays=self.cleaned_data["pays"],
            valid_from=self.cleaned_data["valid_from"],
            amount_cents=self.cleaned_data["amount"],
            share_bps=None if share is None else int(share * 100),
            returns_deducted=self.cleaned_data["returns_deducted"],
        )


class PeriodForm(forms.Form):
    """Both days are included."""

    first_day = forms.DateField(label="From", widget=DAY_WIDGET)
    last_day = forms.DateField(label="To", widget=DAY_WIDGET)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                check_period(cleaned["first_day"], cleaned["last_day"])
            except PeriodRefused as refusal:
                message = f"This period cannot be shown: {refusal}."
                raise ValidationError(message) from None
        return cleaned
