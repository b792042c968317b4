"""Writes the form of a call to place. Pure."""

from typing import Final

from distribution.calls.carrier.values import PlaceCall

# A field for each. As one field with spaces the carrier knows none of them, and reports nothing.
EVENTS: Final = ("initiated", "ringing", "answered", "completed")


def write_fields(call: PlaceCall) -> list[tuple[str, str]]:
    """The fields of the form, in order. Machines are detected before the script is fetched."""
    fields = [
        ("To", call.to),
        ("From", call.from_number),
        ("Url", call.script_url),
        ("Method", "POST"),
        ("StatusCallback", call.status_url),
        ("StatusCallbackMethod", "POST"),
        *(("StatusCallbackEvent", event) for event in EVENTS),
        ("Timeout", str(call.ring_seconds)),
        ("TimeLimit", str(call.time_limit_seconds)),
    ]
    if call.detects_machines:
        fields.append(("MachineDetection", "Enable"))
    if call.records:
        fields += [
            ("Record", "true"),
            ("RecordingStatusCallback", call.recording_url),
            ("RecordingStatusCallbackMethod", "POST"),
            ("RecordingStatusCallbackEvent", "completed"),
        ]
    return fields
