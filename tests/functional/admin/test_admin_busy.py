"""A save that waits for a related row which another user has locked is refused with a message and stores nothing."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError

from distribution.models import Buyer, Campaign, Enrollment, Tier
from tests.support.admin_pages import client_of, form_of, page
from tests.support.blocking import holding
from tests.support.factories import BuyerFactory, CampaignFactory, EnrollmentFactory, TierFactory
from tracing.admin.fresh import BUSY
from tracing.models import AuditEntry

pytestmark = pytest.mark.usefixtures("committed_db")

HELD = "UPDATE distribution_{table} SET name = name WHERE id = %s"


@pytest.fixture
def tier() -> Tier:
    tier: Tier = TierFactory(campaign=CampaignFactory(), price_cents=100)
    return tier


def add_enrollment(tier: Tier) -> tuple[str, dict[str, object], str, int]:
    buyer = BuyerFactory(workspace=tier.campaign.workspace)
    typed = {"campaign": tier.campaign.pk, "tier": tier.pk, "buyer": buyer.pk}
    return page(Enrollment, "add"), typed, "buyer", buyer.pk


def change_tier(tier: Tier) -> tuple[str, dict[str, object], str, int]:
    return page(Tier, "change", tier.pk), {"price_cents": "7.00"}, "campaign", tier.campaign.pk


def change_buyer(tier: Tier) -> tuple[str, dict[str, object], str, int]:
    buyer = EnrollmentFactory(tier=tier, campaign=tier.campaign).buyer
    return page(Buyer, "change", buyer.pk), {"timezone": "America/Denver"}, "campaign", tier.campaign.pk


def stored() -> list[object]:
    models = (Enrollment, Tier, Buyer, Campaign)
    return [list(model._default_manager.order_by("pk").values()) for model in models] + [
        AuditEntry.objects.count()
    ]


@pytest.mark.parametrize("change", [add_enrollment, change_tier, change_buyer])
def test_save_that_waits_for_another_user_says_so(
    tier: Tier, change: Callable[[Tier], tuple[str, dict[str, object], str, int]]
) -> None:
    url, typed, table, row = change(tier)
    client = client_of(User.objects.create_superuser("root"))
    data = {**form_of(client, url), **typed}
    before = stored()

    with holding(HELD.format(table=table), [row]):
        answer = client.post(url, data)

    assert answer.status_code == 200
    assert answer.context["adminform"].form.non_field_errors() == [BUSY]
    assert "successfully" not in answer.content.decode()
    assert stored() == before
    assert client.post(url, data).status_code == 302
    assert stored() != before


def test_another_failure_is_not_taken_for_a_lock(tier: Tier, monkeypatch: pytest.MonkeyPatch) -> None:
    url, typed, _, _ = change_tier(tier)
    client = client_of(User.objects.create_superuser("root"))
    data = {**form_of(client, url), **typed}

    def fail(*_: object, **__: object) -> None:
        raise OperationalError("the disk fails")

    monkeypatch.setattr(Tier, "save", fail)
    with pytest.raises(OperationalError, match="the disk fails"):
        client.post(url, data)
