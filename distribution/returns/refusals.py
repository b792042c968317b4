"""Why a request is refused: the field that is wrong, a permanent code, and what to do."""


class ReturnRefused(Exception):
    """`field` is blank if no field of the request is wrong. The message says what is so and what to do."""

    def __init__(self, message: str, *, code: str, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.field = field


class ReturnNotFound(Exception):
    """The buyer has no such assignment or return."""
