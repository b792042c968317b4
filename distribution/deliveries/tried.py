"""The result of one try, before it is written."""

from dataclasses import dataclass

from distribution.deliveries.content import Work
from distribution.deliveries.payloads.ends import Judgment


@dataclass(frozen=True, slots=True)
class Texts:
    """What is stored of a request and its answer. Secrets are hidden; the bodies are personal data."""

    request_head: str = ""
    request_body: str = ""
    answer_head: str = ""
    answer_body: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of one try."""

    work: Work
    judgment: Judgment
    duration_ms: int
    status_code: int | None = None
    texts: Texts = Texts()
