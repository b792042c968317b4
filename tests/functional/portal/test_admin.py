"""Operators invite and remove the people of a buyer, and hand over links when nothing can be mailed."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from distribution.models import Buyer, PortalLink, PortalSession, PortalUser
from tests.support.admin_pages import client_of, page, person
from tests.support.factories import BuyerFactory, PortalUserFactory
from tests.support.mail_server import Mailbox
from tests.support.portal import send_mails, signed_in
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db
ADD = page(PortalUser, "add")


@pytest.fixture
def buyer() -> Buyer:
    return BuyerFactory(name="Atlas Roofing", workspace__name="Sunbelt Leads")


def typed(buyer: Buyer, **values: str) -> dict[str, object]:
    return {
        "buyer": buyer.pk,
        "name": "Dana Price",
        "email": "Dana@Atlas.example",
        "role": "manager",
        **values,
    }


def test_operator_invites_a_person(ann: Client, buyer: Buyer, mailbox: Mailbox) -> None:
    answer = ann.post(ADD, typed(buyer), follow=True)
    assert "An invitation is being mailed to Dana Price." in answer.content.decode()
    user = PortalUser.objects.get()
    assert (user.email, user.role, user.invited_by) == ("dana@atlas.example", "manager", "ann")
    assert send_mails() == 1
    [(address, mail)] = mailbox.mails
    assert (address, mail["Subject"]) == (
        "dana@atlas.example",
        "Sunbelt Leads gave you access to the leads of Atlas Roofing",
    )


def test_audit_log_has_the_invitation_without_the_address(ann: Client, buyer: Buyer) -> None:
    ann.post(ADD, typed(buyer))
    entry = AuditEntry.objects.get(model="distribution.portaluser")
    assert (entry.actor, entry.action, entry.object_label) == ("ann", "added", "Dana Price (Atlas Roofing)")
    assert "dana@atlas.example" not in str([entry.before, entry.after, entry.object_label])


def test_without_a_mail_server_the_page_says_what_to_do(ann: Client, buyer: Buyer, settings: object) -> None:
    settings.EMAIL_HOST = ""  # type: ignore[attr-defined]
    text = ann.post(ADD, typed(buyer), follow=True).content.decode()
    assert "nothing is mailed: set EMAIL_URL" in text
    assert "manage.py portal_link" in text


@pytest.mark.parametrize("email", ["dana", "dana@", ""])
def test_text_that_is_no_address_is_refused(email: str, ann: Client, buyer: Buyer) -> None:
    assert ann.post(ADD, typed(buyer, email=email)).status_code == 200
    assert not PortalUser.objects.exists()


def test_person_has_access_to_a_buyer_once(ann: Client, buyer: Buyer) -> None:
    PortalUserFactory(buyer=buyer, email="dana@atlas.example")
    text = ann.post(ADD, typed(buyer)).content.decode()
    assert "This person already has access to this buyer." in text
    assert PortalUser.objects.count() == 1


def test_page_of_the_buyer_lists_its_people(ann: Client, buyer: Buyer) -> None:
    assert "Nobody has access." in ann.get(page(Buyer, "change", buyer.pk)).content.decode()
    PortalUserFactory(buyer=buyer, name="Dana Price")
    text = ann.get(page(Buyer, "change", buyer.pk)).content.decode()
    assert "Dana Price</a>, manager, never signed in" in text
    assert f'href="{ADD}?buyer={buyer.pk}"' in text


def test_removing_a_person_ends_its_sessions(ann: Client, buyer: Buyer) -> None:
    user = PortalUserFactory(buyer=buyer)
    client = signed_in(user)
    delete = page(PortalUser, "delete", user.pk)
    seen = ann.get(delete).context["reason_form"]["seen"].value()
    answer = ann.post(delete, {"post": "yes", "change_reason": "left the company", "seen": seen})
    assert answer.status_code == 302
    assert not PortalUser.objects.exists()
    assert client.get("/portal/").status_code == 302
    assert PortalSession.objects.get().user is None
    assert AuditEntry.objects.filter(action="deleted", model="distribution.portaluser").count() == 1


@pytest.mark.parametrize(("role", "status"), [("operator", 200), ("viewer", 403), ("finance", 403)])
def test_roles_that_may_invite(role: str, status: int, buyer: Buyer) -> None:
    assert client_of(person(role, buyer.workspace)).get(ADD).status_code == status


class TestLinkOfTheCommand:
    def test_link_signs_in(self, settings: object) -> None:
        settings.LEADSWITCH_BASE_URL = "https://leads.example.com"  # type: ignore[attr-defined]
        user = PortalUserFactory(email="dana@atlas.example")
        out = StringIO()
        call_command("portal_link", "Dana@Atlas.example", stdout=out)
        link = out.getvalue().strip()
        assert link.startswith("https://leads.example.com/portal/enter/")
        client = Client()
        assert client.post(link.removeprefix("https://leads.example.com")).status_code == 302
        assert user.buyer.name in client.get("/portal/").content.decode()

    def test_without_an_address_it_says_that_this_is_the_path_alone(self, settings: object) -> None:
        settings.LEADSWITCH_BASE_URL = ""  # type: ignore[attr-defined]
        PortalUserFactory(email="dana@atlas.example")
        out, err = StringIO(), StringIO()
        call_command("portal_link", "dana@atlas.example", stdout=out, stderr=err)
        assert out.getvalue().startswith("/portal/enter/")
        assert "LEADSWITCH_BASE_URL" in err.getvalue()

    @pytest.mark.parametrize(
        ("typed", "problem"),
        [("nobody@example.com", "nobody with this address has access"), ("dana", "is not an email address")],
    )
    def test_other_addresses_are_refused(self, typed: str, problem: str) -> None:
        with pytest.raises(CommandError, match=problem) as refusal:
            call_command("portal_link", typed)
        assert refusal.value.returncode == 2
        assert not PortalLink.objects.exists()
