"""Stored definitions that no lead can match are corrected if nothing is lost, and reported otherwise."""

import importlib
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection

from distribution.models import Buyer, Campaign, Enrollment, Tier
from routing.models import RoutingRule, Source
from tests.support.factories import (
    BuyerFactory,
    CampaignFactory,
    EnrollmentFactory,
    RuleFactory,
    SourceFactory,
)

pytestmark = pytest.mark.django_db


def leaf(field: str, value: Any, op: str = "eq") -> dict[str, Any]:
    return {"field": field, "op": op, "value": value}


def old_world() -> dict[str, Any]:
    """Rows from before their forms were checked."""
    campaign = CampaignFactory(
        vertical="Home Solar",
        timezone="america/chicago",
        price_rules=[{"when": leaf("state", "ga"), "percent": 120}],
        questions=[{"key": "states", "field": "state", "op": "in"}],
    )
    enrollment = EnrollmentFactory(
        campaign=campaign,
        lead_filter=leaf("state", "Georgia"),
        buyer__timezone="EST",
        buyer__service_area={"everywhere": True, "exclude": {"states": ["Georgia"], "zips": ["30312-1234"]}},
        buyer__answers={"states": ["Georgia"], "sates": ["AL"]},
    )
    Tier.objects.update(content_filter=leaf("vertical", "Home Solar"))
    rule = RuleFactory(conditions=leaf("country", "USA"))
    source = SourceFactory(default_vertical="Home Solar")
    return {"campaign": campaign, "enrollment": enrollment, "rule": rule, "source": source}


def check(*options: str) -> tuple[str, str]:
    """The output, and the error at the end."""
    out = StringIO()
    try:
        call_command("check_definitions", *options, stdout=out)
    except CommandError as error:
        return out.getvalue(), str(error)
    return out.getvalue(), ""


def assert_corrected(world: dict[str, Any]) -> None:
    campaign, enrollment = Campaign.objects.get(), Enrollment.objects.get()
    assert (campaign.vertical, campaign.timezone) == ("home_solar", "America/Chicago")
    assert campaign.price_rules == [{"when": leaf("state", "GA"), "percent": 120}]
    assert enrollment.lead_filter == leaf("state", "GA")
    assert Tier.objects.get().content_filter == leaf("vertical", "home_solar")
    assert RoutingRule.objects.get().conditions == leaf("country", "US")
    assert Source.objects.get(pk=world["source"].pk).default_vertical == "home_solar"
    buyer = Buyer.objects.get()
    assert buyer.answers == {"states": ["GA"], "sates": ["AL"]}
    # An unreadable definition is not changed.
    assert buyer.service_area["exclude"] == {"states": ["GA"], "zips": ["30312-1234"]}
    assert buyer.timezone == "EST"


def test_command_reports_and_corrects_stored_definitions() -> None:
    world = old_world()
    buyer_id, campaign_id = world["enrollment"].buyer_id, world["campaign"].pk
    output, error = check()
    assert f"campaign {campaign_id} vertical: 'Home Solar' should be 'home_solar'" in output
    assert f"buyer {buyer_id} answers: sates: no campaign of this buyer asks this" in output
    assert error.endswith("definitions need to be corrected.")
    assert Campaign.objects.get().vertical == "Home Solar"

    version = Campaign.objects.get().config_version
    output, error = check("--fix")
    assert f"corrected: campaign {campaign_id} vertical: 'Home Solar' should be 'home_solar'" in output
    assert_corrected(world)
    assert Campaign.objects.get().config_version > version, "workers compile it anew"
    left = [line for line in output.splitlines() if not line.startswith("corrected: ")]
    assert [line.partition(":")[0] for line in left] == [
        f"buyer {buyer_id} timezone",
        f"buyer {buyer_id} service_area",
        f"buyer {buyer_id} answers",
    ]
    assert error == "3 definitions need to be corrected."


def test_migration_corrects_stored_definitions_and_lists_the_rest(capsys: pytest.CaptureFixture[str]) -> None:
    world = old_world()
    migration = importlib.import_module("distribution.migrations.0014_stored_definitions")
    migration.correct_definitions(apps, None)
    assert_corrected(world)
    output = capsys.readouterr().out
    assert (
        f"correct this: buyer {world['enrollment'].buyer_id} service_area: exclude.zips[0]: '30312-1234'"
        in output
    )
    migration.correct_definitions(apps, None)  # the second time there is nothing to correct
    assert "corrected: " not in capsys.readouterr().out


def test_amounts_out_of_range_do_not_stop_the_migration(capsys: pytest.CaptureFixture[str]) -> None:
    migration = importlib.import_module("distribution.migrations.0014_stored_definitions")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE distribution_campaign DROP CONSTRAINT campaign_amounts_in_range")
        campaign = CampaignFactory(price_cents=9 * 10**18)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(
            "ALTER TABLE distribution_campaign ADD CONSTRAINT campaign_amounts_in_range"
            " CHECK (price_cents <= 10000000) NOT VALID"
        )
    with connection.schema_editor() as editor:
        migration.validate_amounts(apps, editor)
    assert (
        "correct this: distribution_campaign has rows that campaign_amounts_in_range refuses"
        in capsys.readouterr().out
    )
    assert Campaign.objects.get().price_cents == campaign.price_cents


@pytest.mark.parametrize(
    ("area", "message"),
    [
        (
            {"zip_prefixes": ["303"], "exclude": {"zip_prefixes": ["30"]}},
            "covers no ZIP codes: this buyer gets no leads",
        ),
        (
            {"everywhere": True, "exclude": {"zips": ["00000"]}},
            "excludes nothing: its exclusions contain no ZIP codes",
        ),
        ({"states": ["GA"], "zips": ["00000"]}, "zips: 00000 not in the ZIP code table: new, or mistyped"),
    ],
)
def test_area_without_effect_is_reported(area: Any, message: str) -> None:
    buyer = BuyerFactory(service_area=area)
    output, _ = check()
    assert f"buyer {buyer.pk} service_area: {message}" in output


def test_condition_without_effect_is_reported() -> None:
    impossible = {"all": [leaf("state", "GA"), leaf("state", "AL")]}
    rule = RuleFactory(conditions=impossible)
    enrollment = EnrollmentFactory(lead_filter=leaf("source", "web-from"))
    output, _ = check()
    assert f"routingrule {rule.pk} conditions: no lead can match it: state is GA and state is AL" in output
    assert (
        f"enrollment {enrollment.pk} lead_filter: names the source 'web-from', which does not exist" in output
    )


def test_unknown_mode_is_reported() -> None:
    """No constraint of the database refuses it, and the engine decides no lead of such a campaign."""
    campaign = CampaignFactory()
    Campaign.objects.update(mode="raffle")
    output, error = check("--fix")
    assert output == (
        f"campaign {campaign.pk} mode: unknown mode 'raffle': use one of round_robin, weighted, priority, price,"
        " ping_post, auction\n"
    )
    assert error == "1 definition needs to be corrected."
    assert Campaign.objects.get().mode == "raffle"


def test_valid_definitions_are_not_changed() -> None:
    EnrollmentFactory(buyer__service_area={"states": ["GA", "CA-ON"], "exclude": {"zips": ["30312"]}})
    assert check() == ("Every definition is valid, and leads can match it.\n", "")
