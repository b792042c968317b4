"""Writes what the carrier performs in an answered call: TwiML. Pure."""

import re
from typing import Final
from xml.sax.saxutils import escape, quoteattr

HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?>'
HANG_UP: Final = f"{HEAD}<Response><Hangup/></Response>"
SECONDS_FOR_A_KEY: Final = 7
GOODBYE: Final = "We did not receive a key. Goodbye."
NOT_A_KEY: Final = "This key has no meaning."
# What is said after a key that has a meaning.
THANKS: Final = {
    "1": "Thank you. Your request is confirmed. Goodbye.",
    "2": "Thank you. Your request is withdrawn. Goodbye.",
    "9": "Thank you. You will not be called again. Goodbye.",
}
# XML 1.0 has no way to write the others.
NOT_IN_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_question(text: str, *, keys_url: str, before: str = "") -> str:
    """Say the text, wait for one key, and ask once more. `before`: said once, ahead of the text."""
    gather = (
        f'<Gather numDigits="1" action={quoteattr(keys_url)} method="POST" timeout="{SECONDS_FOR_A_KEY}">'
        f"{_say(text)}</Gather>"
    )
    return f"{HEAD}<Response>{_say(before)}{gather}{gather}{_say(GOODBYE)}<Hangup/></Response>"


def write_thanks(key: str) -> str:
    return f"{HEAD}<Response>{_say(THANKS[key])}<Hangup/></Response>"


def _say(text: str) -> str:
    return f"<Say>{escape(NOT_IN_XML.sub(' ', text))}</Say>" if text else ""
