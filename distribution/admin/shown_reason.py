"""A form whose reason the buyer reads, and says so."""

from typing import Any

from tracing.admin.confirming import ReasonForm
from tracing.admin.fresh import REASON_HELP


class ShownReasonForm(ReasonForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = f"Required. The buyer sees it. {REASON_HELP}"
