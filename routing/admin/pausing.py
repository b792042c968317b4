"""The column `paused_at` in a form: a pause is on while it is set, so it cannot begin later."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.utils import timezone

from tracing.admin.audited import ReasonedForm

SKEW: Final = timedelta(minutes=5)  # a browser's clock may be ahead: its "now" is now
LATER: Final = (
    "The pause starts when you save. Enter the current time or an earlier one, or leave this blank."
)


class PausableForm(ReasonedForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "paused_at" in self.fields:
            field = self.fields["paused_at"]
            field.label, field.help_text = "Paused since", f"{field.help_text} It cannot be in the future."

    def clean_paused_at(self) -> datetime | None:
        at: datetime | None = self.cleaned_data.get("paused_at")
        now = timezone.now()
        if at is None or "paused_at" not in self.changed_data:
            return at
        if at > now + SKEW:
            raise ValidationError(LATER)
        return min(at, now)
