"""A buyer changes its account: what is stored, validated, audited, and refused without a trace."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from distribution.models import ApprovalPolicy, Buyer, Enrollment, Wallet
from distribution.selfservice.change import Author, change_account, change_enrollment, read_version
from distribution.selfservice.refusals import ChangeRefused, FieldsRefused, VersionMissing, VersionStale
from distribution.selfservice.settings import ANSWERS, AREA, ENROLLMENT, HOURS, NOTICE, PAUSE, PROFILE, Part
from tests.support.factories import BuyerFactory, CampaignFactory, enroll
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
BY = Author("key CRM (Ab3dEf9h)", AT)
QUESTION = {"key": "types", "field": "attributes.type", "op": "in", "required": True}


@pytest.fixture
def enrollment() -> Enrollment:
    campaign = CampaignFactory(questions=[QUESTION])
    [made] = enroll(campaign, count=1)
    return made


@pytest.fixture
def buyer(enrollment: Enrollment) -> Buyer:
    return enrollment.buyer


def change(buyer: Buyer, part: Part, patch: dict[str, Any], *, by: Author = BY) -> Buyer:
    """With the present version."""
    row: Any = buyer.wallet if part is NOTICE else buyer
    row.refresh_from_db()
    change_account(buyer, part=part, patch=patch, by=by, if_match=read_version(row, part=part))
    buyer.refresh_from_db()
    return buyer


def change_place(enrollment: Enrollment, patch: dict[str, Any], *, by: Author = BY) -> Enrollment:
    enrollment.refresh_from_db()
    version = read_version(enrollment, part=ENROLLMENT)
    change_enrollment(enrollment, patch=patch, by=by, if_match=version)
    enrollment.refresh_from_db()
    return enrollment


def refused_fields(buyer: Buyer, part: Part, patch: dict[str, Any]) -> dict[str, list[tuple[str, str]]]:
    before = Buyer.objects.values().get(pk=buyer.pk)
    with pytest.raises(FieldsRefused) as caught:
        change(buyer, part, patch)
    assert Buyer.objects.values().get(pk=buyer.pk) == before
    assert not AuditEntry.objects.exists()
    return {
        name: [(problem.code, problem.message) for problem in problems]
        for name, problems in caught.value.problems.items()
    }


def test_area_is_merged_rewritten_and_audited_with_the_keys_name(buyer: Buyer) -> None:
    Buyer.objects.filter(pk=buyer.pk).update(service_area={"states": ["GA"], "zips": ["30312"]})

    change(buyer, AREA, {"service_area": {"states": ["Alabama", "GA"], "zips": None}})

    assert buyer.service_area == {"states": ["AL", "GA"]}
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.reason) == ("key CRM (Ab3dEf9h)", "changed", "API")
    assert (entry.object_id, entry.workspace_id) == (str(buyer.pk), buyer.workspace_id)
    assert entry.before == {"service_area": {"states": ["GA"], "zips": ["30312"]}}
    assert entry.after == {"service_area": {"states": ["AL", "GA"]}}


def test_wrong_area_is_refused_with_the_words_of_the_form(buyer: Buyer) -> None:
    found = refused_fields(buyer, AREA, {"service_area": {"sates": ["GA"]}})
    assert found == {"service_area": [("invalid", "sates: unknown key: did you mean 'states'?")]}


def test_unknown_fields_are_named_with_what_to_send(buyer: Buyer) -> None:
    assert refused_fields(buyer, PROFILE, {"time_zone": "UTC", "contact": {"fax": "1"}}) == {
        "time_zone": [("unknown_field", "is not a known field: send name, timezone, contact")],
        "contact.fax": [("unknown_field", "is not a known field: send name, email, phone")],
    }
    assert refused_fields(buyer, PROFILE, {"contact": 7}) == {
        "contact": [("invalid_type", "must be an object with name, email, phone")]
    }


def test_profile_is_changed_and_the_audit_log_has_no_contact(buyer: Buyer) -> None:
    contact = {"name": "Grace Hopper", "email": "Grace@Example.com", "phone": "(404) 555-0142"}
    change(buyer, PROFILE, {"timezone": "America/Chicago", "contact": contact})

    assert buyer.timezone == "America/Chicago"
    assert (buyer.contact_name, buyer.contact_email) == ("Grace Hopper", "grace@example.com")
    assert buyer.contact_phone == "+14045550142"
    entry = AuditEntry.objects.get()
    assert entry.after == {
        "timezone": "America/Chicago",
        **dict.fromkeys(("contact_name", "contact_email", "contact_phone"), "changed"),
    }


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        ({"timezone": "EST"}, "timezone"),
        ({"timezone": None}, "timezone"),
        ({"contact": {"email": "nobody"}}, "contact.email"),
        ({"contact": {"phone": "12"}}, "contact.phone"),
    ],
)
def test_wrong_profile_is_refused(buyer: Buyer, patch: dict[str, Any], field: str) -> None:
    assert list(refused_fields(buyer, PROFILE, patch)) == [field]


def test_hours_are_merged_by_day(buyer: Buyer) -> None:
    change(buyer, HOURS, {"hours": {"mon": [["09:00", "17:00"]], "tue": [["09:00", "12:00"]]}})
    change(buyer, HOURS, {"hours": {"tue": None}})
    assert buyer.hours == {"mon": [["09:00", "17:00"]]}
    change(buyer, HOURS, {"hours": None})
    assert buyer.hours == {}


def test_answers_must_fit_a_question(buyer: Buyer) -> None:
    with pytest.raises(FieldsRefused) as caught:
        change(buyer, ANSWERS, {"answers": {"typs": ["roof"]}})
    [problem] = caught.value.problems["answers"]
    assert problem.message == "typs: no campaign in the workspace asks this: did you mean 'types'?"
    with pytest.raises(FieldsRefused) as caught:
        change(buyer, ANSWERS, {"answers": {"types": "roof"}})
    [problem] = caught.value.problems["answers"]
    assert "For the campaign" in problem.message

    change(buyer, ANSWERS, {"answers": {"types": ["roof"]}})
    assert buyer.answers == {"types": ["roof"]}


def test_notice_is_on_the_wallet(buyer: Buyer) -> None:
    change(buyer, NOTICE, {"notice_below_cents": 5_000})
    assert Wallet.objects.get(buyer=buyer).notice_below_cents == 5_000
    entry = AuditEntry.objects.get()
    assert (entry.model, entry.after) == ("distribution.wallet", {"notice_below_cents": 5_000})


def test_enrollment_takes_bid_filter_caps_and_budgets(enrollment: Enrollment) -> None:
    only_georgia = {"field": "state", "op": "in", "value": ["Georgia"]}
    patch = {
        "bid_cents": 4_000,
        "lead_filter": only_georgia,
        "caps": {"day": 5},
        "budgets_cents": {"month": 90_000},
    }
    change_place(enrollment, patch)

    assert (enrollment.bid_cents, enrollment.cap_day, enrollment.budget_month_cents) == (4_000, 5, 90_000)
    assert enrollment.lead_filter == {"field": "state", "op": "in", "value": ["GA"]}
    assert set(AuditEntry.objects.get().after) == {
        "bid_cents",
        "lead_filter",
        "cap_day",
        "budget_month_cents",
    }

    change_place(enrollment, {"caps": None, "lead_filter": None})
    assert (enrollment.cap_day, enrollment.lead_filter, enrollment.budget_month_cents) == (None, {}, 90_000)


def test_rules_of_bids_are_replaced_as_a_whole_in_the_form_that_leads_have(enrollment: Enrollment) -> None:
    rule = {"when": {"field": "state", "op": "eq", "value": "Georgia"}, "bid_cents": 4_500}
    change_place(enrollment, {"standing_bids": [rule, {"bid_cents": 2_000}]})
    georgia = {"when": {"field": "state", "op": "eq", "value": "GA"}, "bid_cents": 4_500}
    assert enrollment.standing_bids == [georgia, {"bid_cents": 2_000}]
    change_place(enrollment, {"standing_bids": [rule]})
    assert enrollment.standing_bids == [georgia]
    change_place(enrollment, {"standing_bids": None})
    assert enrollment.standing_bids == []


def test_rules_of_bids_wait_where_bids_need_approval(enrollment: Enrollment) -> None:
    ApprovalPolicy.objects.create(workspace=enrollment.buyer.workspace, fields=["bid_cents"])
    patch = {"standing_bids": [{"bid_cents": 2_000}]}
    outcome = change_enrollment(enrollment, patch=patch, by=BY, if_match="*")
    assert outcome.proposal is not None
    assert Enrollment.objects.get(pk=enrollment.pk).standing_bids == []


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        ({"standing_bids": {}}, "standing_bids"),
        ({"standing_bids": [{"bid_cents": 0}]}, "standing_bids"),
        ({"standing_bids": [{"bid_cents": 1, "cap": 2}]}, "standing_bids"),
        ({"standing_bids": [{"bid_cents": 1, "when": {"field": "email", "op": "exists"}}]}, "standing_bids"),
        ({"bid_cents": "4000"}, "bid_cents"),
        ({"bid_cents": True}, "bid_cents"),
        ({"bid_cents": 10**12}, "bid_cents"),
        ({"caps": {"day": -1}}, "caps.day"),
        ({"caps": {"day": 2**40}}, "caps.day"),
        ({"caps": {"year": 1}}, "caps.year"),
        ({"lead_filter": {"field": "stat", "op": "eq", "value": "GA"}}, "lead_filter"),
        ({"lead_filter": []}, "lead_filter"),
        ({"lead_filter": {"not": {"field": "source", "op": "eq", "value": "zzz"}}}, "lead_filter"),
        ({"weight": 2}, "weight"),
        ({"active": True}, "active"),
    ],
)
def test_wrong_or_foreign_settings_of_an_enrollment_are_refused(
    enrollment: Enrollment, patch: dict[str, Any], field: str
) -> None:
    before = Enrollment.objects.values().get(pk=enrollment.pk)
    with pytest.raises(FieldsRefused) as caught:
        change_place(enrollment, patch)
    assert list(caught.value.problems) == [field]
    assert Enrollment.objects.values().get(pk=enrollment.pk) == before


def test_unknown_and_wrong_fields_are_named_at_once(enrollment: Enrollment) -> None:
    with pytest.raises(FieldsRefused) as caught:
        change_place(enrollment, {"caps": {"day": -1, "year": 3}, "bid_cents": 0})
    found = {name: [each.code for each in problems] for name, problems in caught.value.problems.items()}
    assert found == {"caps.year": ["unknown_field"], "caps.day": ["invalid"], "bid_cents": ["invalid"]}


def test_version_must_be_sent_and_present(buyer: Buyer) -> None:
    patch = {"service_area": {"states": ["AL"]}}
    with pytest.raises(VersionMissing):
        change_account(buyer, part=AREA, patch=patch, by=BY, if_match=None)
    first = read_version(buyer, part=AREA)
    outcome = change_account(buyer, part=AREA, patch=patch, by=BY, if_match=first)
    assert outcome.version != first
    with pytest.raises(VersionStale) as caught:
        change_account(buyer, part=AREA, patch={"service_area": None}, by=BY, if_match=first)
    assert caught.value.version == outcome.version
    assert Buyer.objects.get(pk=buyer.pk).service_area["states"] == ["AL"]
    change_account(buyer, part=AREA, patch={"service_area": None}, by=BY, if_match="*")
    assert Buyer.objects.get(pk=buyer.pk).service_area == {}


def test_version_belongs_to_one_part_of_one_row(buyer: Buyer) -> None:
    other = BuyerFactory(workspace=buyer.workspace)
    versions = {read_version(row, part=part) for row in (buyer, other) for part in (AREA, HOURS, PAUSE)}
    assert len(versions) == 6
    before = read_version(buyer, part=HOURS)
    change(buyer, AREA, {"service_area": {"states": ["AL"]}})
    assert read_version(buyer, part=HOURS) == before


def test_equal_values_write_nothing(buyer: Buyer) -> None:
    version = read_version(buyer, part=AREA)
    patch = {"service_area": dict(buyer.service_area)}
    outcome = change_account(buyer, part=AREA, patch=patch, by=BY, if_match=version)
    assert (outcome.changed, outcome.version) == ([], version)
    assert not AuditEntry.objects.exists()


class TestPause:
    def test_pause_until_a_time_and_resume(self, buyer: Buyer) -> None:
        change(buyer, PAUSE, {"paused_until": "2026-03-09T12:00:00Z"})
        assert (buyer.paused_at, buyer.paused_until) == (AT, AT + timedelta(days=7))
        assert buyer.is_paused_by_buyer

        change(buyer, PAUSE, {"paused": False})
        assert (buyer.paused_at, buyer.paused_until, buyer.is_paused_by_buyer) == (None, None, False)

    def test_pause_without_an_end_keeps_its_start(self, buyer: Buyer) -> None:
        change(buyer, PAUSE, {"paused": True})
        later = Author(BY.actor, AT + timedelta(hours=1))
        change(buyer, PAUSE, {"paused_until": "2026-03-09T12:00:00+00:00"}, by=later)
        assert (buyer.paused_at, buyer.paused_until) == (AT, AT + timedelta(days=7))
        change(buyer, PAUSE, {"paused_until": None}, by=later)
        assert (buyer.paused_at, buyer.paused_until) == (AT, None)

    def test_pause_after_one_that_ended_begins_anew(self, buyer: Buyer) -> None:
        change(buyer, PAUSE, {"paused_until": "2026-03-02T13:00:00Z"})
        later = Author(BY.actor, AT + timedelta(hours=2))
        change(buyer, PAUSE, {"paused": True}, by=later)
        assert (buyer.paused_at, buyer.paused_until) == (later.at, None)

    @pytest.mark.parametrize(
        "patch",
        [
            {"paused_until": "2026-03-02T12:00:00Z"},
            {"paused_until": "2029-03-02T12:00:00Z"},
            {"paused_until": "2026-03-09 12:00"},
            {"paused_until": 7},
            {"paused": False, "paused_until": "2026-03-09T12:00:00Z"},
        ],
    )
    def test_wrong_end_is_refused(self, buyer: Buyer, patch: dict[str, Any]) -> None:
        assert list(refused_fields(buyer, PAUSE, patch)) == ["paused_until"]

    def test_flag_must_be_a_flag(self, buyer: Buyer) -> None:
        assert list(refused_fields(buyer, PAUSE, {"paused": "yes"})) == ["paused"]

    def test_pause_of_the_agency_is_not_ended_by_the_buyer(self, buyer: Buyer) -> None:
        Buyer.objects.filter(pk=buyer.pk).update(paused_at=AT - timedelta(days=1))
        for patch in ({"paused": False}, {"paused_until": "2026-03-09T12:00:00Z"}, {"paused": True}):
            with pytest.raises(ChangeRefused) as caught:
                change(buyer, PAUSE, patch)
            assert caught.value.code == "paused_by_agency"
        assert Buyer.objects.get(pk=buyer.pk).paused_at == AT - timedelta(days=1)

    def test_enrollment_has_a_pause_of_its_own(self, enrollment: Enrollment) -> None:
        change_place(enrollment, {"paused": True, "bid_cents": 4_000})
        assert (enrollment.paused_at, enrollment.active, enrollment.bid_cents) == (AT, True, 4_000)
        change_place(enrollment, {"paused": False})
        assert enrollment.paused_at is None
