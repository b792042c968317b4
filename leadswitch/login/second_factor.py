"""Two-factor authentication: codes of an authenticator app (TOTP), and recovery codes that work once.

Recovery codes are stored only as hashes. A wrong code delays the next try (django-otp's throttling).
"""

import secrets
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from django_otp import login as otp_login
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp.util import random_hex

from tracing import audit

# In the session of a user with two-factor authentication, from the password until the code.
DUE: Final = "second_factor_due"
# In the session of a user who is setting one up: the key of the app.
KEY: Final = "second_factor_key"
RECOVERY_CODES: Final = 10
# Without letters and digits that look similar.
ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"
APP_DIGITS: Final = 6


def is_required(user: Any) -> bool:
    rule = settings.LEADSWITCH_SECOND_FACTOR
    return (rule == "staff" and bool(user.is_staff)) or (rule != "nobody" and bool(user.is_superuser))


def has_device(user: Any) -> bool:
    return bool(TOTPDevice.objects.filter(user=user, confirmed=True).exists())


def is_complete(request: HttpRequest) -> bool:
    """Whether the session of this user needs no code. Runs no statement."""
    user: Any = request.user
    return bool(user.is_verified()) or not (is_required(user) or request.session.get(DUE))


def pending_device(request: HttpRequest) -> Any:
    """Return the app that is being set up; it is not stored yet.

    Its key stays the same for this session. Another session of the user, perhaps an attacker's, gets another key.
    """
    return TOTPDevice(user=request.user, name="app", key=request.session.setdefault(KEY, random_hex(20)))


@transaction.atomic
def confirm(request: HttpRequest, code: str) -> list[str] | None:
    """Turn two-factor authentication on. Returns the recovery codes, or None when the code is wrong."""
    user: Any = request.user
    _lock(user)  # of two concurrent requests only one turns it on
    if has_device(user):
        return None
    device = pending_device(request)
    device.save()
    if not device.verify_token(code):
        device.delete()
        return None
    del request.session[KEY]
    _finish(request, device)
    audit.record(actor=user.get_username(), action="second_factor_on", target=user, workspace_id=None)
    return make_recovery_codes(user)


@transaction.atomic
def verify(request: HttpRequest, code: str) -> bool:
    """Complete the login with a code of the app or a recovery code."""
    model = TOTPDevice if code.isdigit() and len(code) == APP_DIGITS else StaticDevice
    device = model.objects.select_for_update().filter(user=request.user, confirmed=True).first()
    if device is None or not _verify(device, code if model is TOTPDevice else hash_code(code)):
        return False
    _finish(request, device)
    return True


def _verify(device: Any, code: str) -> bool:
    is_allowed, _ = device.verify_is_allowed()
    return bool(is_allowed) and bool(device.verify_token(code))


def _finish(request: HttpRequest, device: Any) -> None:
    otp_login(request, device)
    request.session.pop(DUE, None)
    request.session.cycle_key()


@transaction.atomic
def renew_recovery_codes(user: Any) -> list[str]:
    audit.record(actor=user.get_username(), action="recovery_codes_renewed", target=user, workspace_id=None)
    return make_recovery_codes(user)


@transaction.atomic
def make_recovery_codes(user: Any) -> list[str]:
    """Replace the old codes. The new ones are shown once. The device stays, because sessions refer to it."""
    device = StaticDevice.objects.select_for_update().filter(user=user).first()
    if device is None:
        device = StaticDevice.objects.create(user=user, name="recovery codes")
    StaticToken.objects.filter(device=device).delete()
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(12)) for _ in range(RECOVERY_CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=device, token=hash_code(each)) for each in codes)
    return ["-".join((each[:4], each[4:8], each[8:])) for each in codes]


@transaction.atomic
def remove_devices(user: Any) -> bool:
    """Returns False if there is none: of two concurrent requests only one removes them."""
    _lock(user)
    removed, _ = TOTPDevice.objects.filter(user=user).delete()
    removed += StaticDevice.objects.filter(user=user).delete()[0]
    return bool(removed)


def _lock(user: Any) -> None:
    get_user_model().objects.select_for_update(no_key=True).get(pk=user.pk)


@transaction.atomic
def turn_off(user: Any) -> None:
    if remove_devices(user):
        audit.record(actor=user.get_username(), action="second_factor_off", target=user, workspace_id=None)


def hash_code(code: str) -> str:
    plain = "".join(each for each in code.lower() if each in ALPHABET)
    return salted_hmac("leadswitch recovery code", plain, algorithm="sha256").hexdigest()[:16]
