"""What is accepted at the addresses of a call, and what is refused: the carrier's signature decides."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urldefrag, urlencode

import pytest
from django.test import Client
from twilio.request_validator import RequestValidator

from distribution.calls.addresses import make_address
from distribution.models import Call, CallNotice
from tests.carrier.accounts import Account
from tests.carrier.signatures import sign
from tests.support.factories import CallFactory, CallPolicyFactory, CarrierAccountFactory

BASE: Final = "https://leads.example.com"
TOKEN: Final = "a-token-of-the-carrier"
PHONE: Final = "+14045550101"
FORM: Final = "application/x-www-form-urlencoded"
Pairs = Sequence[tuple[str, str]]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _base(settings: Any) -> None:
    settings.LEADSWITCH_BASE_URL = BASE


@pytest.fixture
def call() -> Call:
    made = CallFactory(
        channel__account__previous_token="the-token-before", channel__account__signing_key="a-shared-key"
    )
    return Call.objects.get(pk=made.pk)


def fields_of(call: Call, **more: str) -> list[tuple[str, str]]:
    said = {
        "CallSid": "CA" + "1" * 32,
        "AccountSid": call.account.account_sid,
        "To": PHONE,
        "From": call.channel.number,
        "CallStatus": "ringing",
        "SequenceNumber": "1",
        **more,
    }
    return [*said.items()]


def address_of(call: Call, kind: str = "status") -> str:
    return urldefrag(make_address(call.public_id, kind)).url


def post(url: str, fields: Pairs, *, headers: Mapping[str, str], body: bytes | None = None) -> Any:
    """As a proxy passes it on: the host of the request is that of an inner server."""
    content = urlencode(fields).encode() if body is None else body
    path = url.removeprefix(BASE)
    return Client(headers=dict(headers)).post(path, content, content_type=FORM)


def send(url: str, fields: Pairs, *, token: str = TOKEN, key: str = "", signed_url: str = "") -> Any:
    signs = "sha256" if key else "sha1"
    account = Account("AC1", token, key, signs=signs)
    return post(url, fields, headers=sign(signed_url or url, list(fields), account=account, turn=0))


def stored() -> list[tuple[str, str, str, int, str]]:
    return list(
        CallNotice.objects.order_by("pk").values_list("kind", "carrier_sid", "status", "sequence", "key")
    )


def test_report_is_stored_once(call: Call) -> None:
    for _ in range(3):
        answer = send(address_of(call), fields_of(call))
        assert (answer.status_code, answer.content) == (204, b"")
    send(address_of(call), fields_of(call, CallStatus="in-progress", SequenceNumber="2"))

    sid = "CA" + "1" * 32
    assert stored() == [("status", sid, "ringing", 1, ""), ("status", sid, "in-progress", 2, "")]


@pytest.mark.parametrize(
    ("secrets", "status"),
    [
        ({"token": TOKEN}, 204),
        ({"token": "the-token-before"}, 204),
        ({"key": "a-shared-key"}, 204),
        ({"token": "another token"}, 403),
        ({"key": "another key"}, 403),
        ({"token": "a-shared-key"}, 403),
        ({"key": TOKEN}, 403),
        ({"token": ""}, 403),
    ],
)
def test_secret_of_the_account_decides(call: Call, secrets: dict[str, str], status: int) -> None:
    assert send(address_of(call), fields_of(call), **secrets).status_code == status
    assert len(stored()) == (status == 204)


def test_official_library_signs_what_is_accepted(call: Call) -> None:
    url, fields = address_of(call), fields_of(call, Unknown="value of the future", Empty="")

    for signed in (url, url.replace(".com/", ".com:443/")):
        signature = RequestValidator(TOKEN).compute_signature(signed, dict(fields))
        assert post(url, fields, headers={"X-Twilio-Signature": signature}).status_code == 204


@pytest.mark.parametrize(
    "signed_url",
    [
        "http://testserver/calls/{id}/status/",
        BASE + "/calls/{id}/keys/",
        BASE + "/calls/00000000-0000-4000-8000-000000000000/status/",
        BASE + "/calls/{id}/status/?more=1",
    ],
)
def test_signature_of_another_address_is_refused(call: Call, signed_url: str) -> None:
    url = signed_url.replace("{id}", str(call.public_id))
    assert send(address_of(call), fields_of(call), signed_url=url).status_code == 403
    assert stored() == []


def test_report_of_another_call_cannot_be_replayed(call: Call) -> None:
    other = CallFactory(channel__account=call.account, verification__lead__source__workspace=call.workspace)
    headers = sign(address_of(other), fields_of(call), account=Account("AC1", TOKEN), turn=0)
    assert post(address_of(other), fields_of(call), headers=headers).status_code == 204
    assert post(address_of(call), fields_of(call), headers=headers).status_code == 403
    assert CallNotice.objects.filter(call=call).count() == 0


@pytest.mark.parametrize(
    "changed", [{"CallStatus": "completed"}, {"Unknown": "added"}, {"CallSid": "CA" + "2" * 32}]
)
def test_changed_field_is_refused(call: Call, changed: dict[str, str]) -> None:
    headers = sign(address_of(call), fields_of(call), account=Account("AC1", TOKEN), turn=0)
    assert post(address_of(call), fields_of(call, **changed), headers=headers).status_code == 403
    assert stored() == []


def test_refusal_is_logged_without_fields(call: Call, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "distribution"):
        answer = send(address_of(call), fields_of(call), token="forged")
    [record] = [each for each in caplog.records if each.name.startswith("distribution")]
    assert (record.message, record.levelname) == ("calls.bad_signature", "WARNING")
    assert PHONE not in str(vars(record))
    assert PHONE.encode() not in answer.content


@pytest.mark.parametrize(("token", "status"), [(TOKEN, 204), ("forged", 403)])
def test_unknown_call_is_answered_so_that_it_is_not_repeated(
    caplog: pytest.LogCaptureFixture, token: str, status: int
) -> None:
    account = CarrierAccountFactory()
    url = f"{BASE}/calls/00000000-0000-4000-8000-000000000000/status/"
    fields = [("CallSid", "CA" + "1" * 32), ("AccountSid", account.account_sid), ("To", PHONE)]
    with caplog.at_level(logging.INFO, "distribution"):
        assert send(url, fields, token=token).status_code == status
    expected = "calls.unknown_call" if status == 204 else "calls.unknown_address"
    assert [record.message for record in caplog.records if record.name != "django.request"] == [expected]
    assert stored() == []


@pytest.mark.parametrize("named", ["AC9", "", "\0", "A" * 10_000, "%s"])
def test_unknown_call_of_an_unknown_account_is_refused(named: str) -> None:
    url = f"{BASE}/calls/00000000-0000-4000-8000-000000000000/script/"
    assert send(url, [("CallSid", "CA1"), ("AccountSid", named)]).status_code == 403


def test_unknown_call_is_hung_up() -> None:
    account = CarrierAccountFactory()
    url = f"{BASE}/calls/00000000-0000-4000-8000-000000000000/script/"
    answer = send(url, [("CallSid", "CA" + "1" * 32), ("AccountSid", account.account_sid)])
    assert (answer.status_code, b"<Hangup/>" in answer.content) == (200, True)


@pytest.mark.parametrize("kind", ["script", "keys", "status", "recording"])
def test_only_forms_of_usual_size_are_read(call: Call, kind: str) -> None:
    url = address_of(call, kind)
    path = url.removeprefix(BASE)
    fields = fields_of(call)
    headers = sign(url, fields, account=Account("AC1", TOKEN), turn=0)
    client = Client(headers=headers)
    assert client.get(path).status_code == 405
    assert client.put(path, urlencode(fields), content_type=FORM).status_code == 405
    assert client.post(path, dict(fields), content_type="application/json").status_code == 415
    assert client.post(path, dict(fields)).status_code == 415
    huge = [*fields, ("More", "x" * 70_000)]
    assert send(url, huge).status_code == 413
    assert send(url, [*fields, *((f"F{n}", "1") for n in range(250))]).status_code == 400
    assert post(url, fields, headers=headers, body=b"CallSid=%FF%FE").status_code == 400
    assert post(url, fields, headers=headers, body=b"\xff\xfe").status_code == 400
    assert stored() == []


@pytest.mark.parametrize("sid", ["", "CA", "../../Accounts", "x" * 65, "CA" + "1" * 30 + "\0a"])
def test_report_without_a_call_of_the_carrier_is_refused(call: Call, sid: str) -> None:
    assert send(address_of(call), fields_of(call, CallSid=sid)).status_code == 400
    assert stored() == []


def test_what_is_not_known_is_left_out(call: Call) -> None:
    odd = {"CallStatus": "x" * 200, "SequenceNumber": "-1", "AnsweredBy": "é", "CallDuration": "9" * 50}
    assert send(address_of(call), fields_of(call, **odd, Nul="a\0b")).status_code == 204
    assert send(address_of(call, "keys"), fields_of(call, Digits="12")).status_code == 200
    sid = "CA" + "1" * 32
    assert stored() == [("status", sid, "", -1, ""), ("keys", sid, "ringing", -1, "")]
    assert CallNotice.objects.filter(duration_seconds=None, answered_by="").count() == 2


def test_no_phone_is_stored(call: Call) -> None:
    for kind in ("script", "keys", "status", "recording"):
        send(address_of(call, kind), fields_of(call))
    for row in CallNotice.objects.values():
        assert PHONE not in str(row)
        assert call.channel.number not in str(row)


def test_without_a_public_address_nothing_is_accepted(call: Call, settings: Any) -> None:
    url = address_of(call)
    settings.LEADSWITCH_BASE_URL = ""
    assert send(url, fields_of(call)).status_code == 403


def test_person_is_asked(call: Call) -> None:
    workspace = call.workspace
    type(workspace).objects.filter(pk=workspace.pk).update(name='Ann & "Bob" <Roofs>')
    assert call.verification is not None
    CallPolicyFactory(campaign=call.verification.campaign, script="This is {workspace}\x0b. Press 1.")
    for answered_by in ("human", "unknown", ""):
        answer = send(address_of(call, "script"), fields_of(call, AnsweredBy=answered_by))
        text = answer.content.decode()
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/xml; charset=utf-8")
        assert 'This is Ann &amp; "Bob" &lt;Roofs&gt; . Press 1.' in text
        assert f'action="{make_address(call.public_id, "keys").replace("&", "&amp;")}"' in text
        assert text.count("<Gather ") == 2


@pytest.mark.parametrize("answered_by", ["machine_start", "machine_end_beep", "machine_of_the_future", "fax"])
def test_machine_is_hung_up(call: Call, answered_by: str) -> None:
    answer = send(address_of(call, "script"), fields_of(call, AnsweredBy=answered_by))
    assert answer.content.decode().endswith("<Response><Hangup/></Response>")
    assert len(stored()) == 1


@pytest.mark.parametrize(
    ("digits", "said"),
    [
        ("1", "Your request is confirmed"),
        ("2", "Your request is withdrawn"),
        ("9", "You will not be called again"),
        ("5", "This key has no meaning"),
        ("#", "This key has no meaning"),
        ("12", "This key has no meaning"),
    ],
)
def test_key_is_answered(call: Call, digits: str, said: str) -> None:
    answer = send(address_of(call, "keys"), fields_of(call, Digits=digits))
    text = answer.content.decode()
    assert said in text
    assert ("<Gather " in text) == (said == "This key has no meaning")
    [(kind, *_, key)] = stored()
    assert (kind, key) == ("keys", digits if len(digits) == 1 else "")


@pytest.mark.parametrize(
    "ours", [{"carrier_sid": "CA" + "2" * 32}, {"hang_up_at": "2026-03-02T15:00Z"}], ids=["second", "hung up"]
)
@pytest.mark.parametrize("kind", ["script", "keys"])
def test_call_that_must_not_be_is_hung_up(call: Call, ours: dict[str, Any], kind: str) -> None:
    Call.objects.filter(pk=call.pk).update(**ours)
    answer = send(address_of(call, kind), fields_of(call, Digits="1"))
    assert answer.content.decode().endswith("<Response><Hangup/></Response>")
    assert len(stored()) == 1


def test_test_call_is_asked_for_a_key(call: Call) -> None:
    other = CallFactory(
        channel=call.channel,
        kind="test",
        verification=None,
        lead=None,
        phone_hash=None,
        test_phone=PHONE,
        workspace=call.workspace,
    )
    answer = send(address_of(other, "script"), fields_of(call))
    assert "This is a test call of" in answer.content.decode()
    assert PHONE not in answer.content.decode()
