"""Recordings: a short tone for each recorded call."""

import io
import math
import struct
import wave
from dataclasses import dataclass, field
from functools import cache
from typing import Final
from uuid import uuid4

from tests.carrier.calls import API, PlacedCall, write_time
from tests.carrier.records import Pairs

RATE: Final = 8000
TONE: Final = 440


@dataclass
class Recordings:
    """`base`: the URL of the API, which recordings are named by. Sounds by the id of the recording."""

    base: str = ""
    sounds: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def make(self, call: PlacedCall, *, seconds: float) -> Pairs:
        """Return the fields of the callback."""
        call.recording_sid = f"RE{uuid4().hex}"
        self.sounds[call.account.sid, call.recording_sid] = make_wave(seconds)
        return [
            ("AccountSid", call.account.sid),
            ("CallSid", call.sid),
            ("RecordingSid", call.recording_sid),
            ("RecordingUrl", f"{self.base}{API}/Accounts/{call.account.sid}/Recordings/{call.recording_sid}"),
            ("RecordingStatus", "completed"),
            ("RecordingDuration", str(math.ceil(seconds))),
            ("RecordingChannels", "1"),
            ("RecordingStartTime", write_time(call.answered_at) or ""),
            ("RecordingSource", "OutboundAPI"),
            ("RecordingTrack", "both"),
        ]


@cache
def make_wave(seconds: float) -> bytes:
    """A tone: 16 kB a second."""
    file = io.BytesIO()
    frames = (int(8000 * math.sin(2 * math.pi * TONE * at / RATE)) for at in range(int(RATE * seconds)))
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes(b"".join(struct.pack("<h", frame) for frame in frames))
    return file.getvalue()
