"""How the carrier signs its callbacks. Written apart from the product, which verifies them."""

import base64
import hashlib
import hmac
from typing import Final

from tests.carrier.accounts import Account
from tests.carrier.records import Pairs

SETTINGS: Final = "X-Twilio-Webhooks-Signature-Settings"


def sign(url: str, fields: Pairs, *, account: Account, turn: int) -> dict[str, str]:
    """The headers of a callback. `turn`: an account that signs with both changes from one to the other."""
    by_key = account.signs == "sha256" or (account.signs == "mixed" and turn % 2 == 1)
    secret, hashing = (account.signing_key, hashlib.sha256) if by_key else (account.token, hashlib.sha1)
    mac = hmac.new(secret.encode(), url.encode(), hashing)
    for name in sorted({name for name, _ in fields}):
        for value in sorted({value for each, value in fields if each == name}):
            mac.update(name.encode() + value.encode())
    headers = {"X-Twilio-Signature": base64.b64encode(mac.digest()).decode()}
    if by_key:
        headers[SETTINGS] = "key=webhooks_sharedkey_of_the_tests,algorithm=HMAC_SHA256"
    return headers
