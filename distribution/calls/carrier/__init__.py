"""The client of a carrier with a REST API as Twilio has it. It knows no Django, database or queue.

Each method sends exactly one request, or one for each page of a list, and never repeats it. Phone numbers and the token
are in no repr, exception or log.
"""

from distribution.calls.carrier.client import CarrierClient
from distribution.calls.carrier.failures import CarrierUnavailable
from distribution.calls.carrier.judging import judge
from distribution.calls.carrier.values import (
    CallSeen,
    Dialed,
    DialOutcome,
    EndStatus,
    PlaceCall,
    Problem,
    Recording,
)

__all__ = [
    "CallSeen",
    "CarrierClient",
    "CarrierUnavailable",
    "DialOutcome",
    "Dialed",
    "EndStatus",
    "PlaceCall",
    "Problem",
    "Recording",
    "judge",
]
