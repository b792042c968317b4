"""Names of headers, parameters and targets whose values are secret."""

import re
from functools import lru_cache
from typing import Final

HIDDEN: Final = "(hidden)"
WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_WORDS: Final = """
    authorization auth authentication authtoken cookie cookies credential credentials key keys apikey accesskey
    hash hmac jwt pass passphrase passwd password pin pwd secret secrets session sessionid sig sign signature token
    tokens accesstoken bearer
"""
SECRET_WORDS: Final = frozenset(_WORDS.split())
# They name a key that is no secret.
HARMLESS: Final = frozenset({"idempotencykey", "publickey", "primarykey", "foreignkey"})


@lru_cache(maxsize=1_024)  # the same headers come with every message
def is_secret_name(name: str) -> bool:
    """api_key, X-Api-Key, accessToken and Authorization are; Idempotency-Key, zip and keyword are not."""
    words = [word.lower() for word in WORD.findall(name)]
    return "".join(words) not in HARMLESS and (
        bool(SECRET_WORDS & set(words)) or "".join(words) in SECRET_WORDS
    )
