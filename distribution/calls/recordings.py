"""Fetches the sound of a recording from the carrier. Nothing of it is kept here."""

from distribution.calls.carrier import CarrierClient, Recording
from distribution.models import Call


def read_recording(call: Call, carrier: CarrierClient) -> Recording | None:
    """The caller checks who may hear it. None: there is none, or it is not a sound. Raises CarrierUnavailable."""
    recording = carrier.download_recording(call.recording_sid) if call.recording_sid else None
    return recording if recording is not None and recording.content_type.startswith("audio/") else None
