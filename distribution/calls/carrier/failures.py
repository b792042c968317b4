"""A question that the carrier did not answer."""

from distribution.calls.carrier.values import Problem


class CarrierUnavailable(Exception):
    """The carrier refused a question or did not answer it, so nothing is known. It quotes no URL and no number."""

    def __init__(self, problem: Problem, code: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(f"{problem}: {code}")
        self.problem, self.code, self.retry_after_seconds = problem, code, retry_after_seconds
