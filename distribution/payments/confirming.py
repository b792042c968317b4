"""The way back for a payment that the cardholder must confirm: what a browser needs for it."""

from distribution.models import CardPayment, PaymentState
from distribution.payments.account import get_account
from distribution.payments.buying import PaymentRefused, require_cards
from distribution.payments.provider import RequestRefused, retrieve_raw
from distribution.payments.waiting import UNREACHABLE, person_waits


def begin_confirmation(payment: CardPayment) -> dict[str, str]:
    """No transaction may be open. Raises PaymentRefused. The secret is not stored.

    `payment_method`: a payment intent that the bank has declined with the wish to confirm it has none any longer.
    """
    require_cards()
    if payment.state != PaymentState.NEEDS_ACTION or payment.provider_id is None:
        raise PaymentRefused("not_to_be_confirmed", "This payment does not wait for the cardholder.")
    try:
        with person_waits():
            raw = retrieve_raw(payment.provider_id)
    except RequestRefused as error:
        raise UNREACHABLE from error
    return {
        "client_secret": str(raw["client_secret"]),
        "publishable_key": get_account().publishable_key,
        "payment_method": payment.card.provider_id,
    }
