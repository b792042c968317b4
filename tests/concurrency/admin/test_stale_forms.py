"""A form that is sent while another person's change is uncommitted waits for it, and then shows it."""

import pytest
from django.contrib.auth.models import User

from distribution.models import Enrollment
from tests.support.admin_pages import client_of, form_of, page, problems
from tests.support.blocking import holding, short_lock_timeout
from tests.support.factories import EnrollmentFactory
from tests.support.racing import in_background
from tests.support.waiting import wait_until_blocked
from tracing.admin import fresh

pytestmark = pytest.mark.usefixtures("committed_db")

SECONDS = 20
CHANGE = "UPDATE distribution_enrollment SET cap_day = 2 WHERE id = %s"


@pytest.mark.parametrize("is_locked", [True, False], ids=["locked", "control"])
def test_uncommitted_change_is_not_undone(
    is_locked: bool,  # noqa: FBT001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = EnrollmentFactory(cap_day=5)
    url, ben = page(Enrollment, "change", place.pk), client_of(User.objects.create_superuser("ben"))
    data = {**form_of(ben, url), "cap_day": "9"}
    if not is_locked:
        monkeypatch.setattr(fresh, "lock_rows", lambda _rows: True)

    with holding(CHANGE, [place.pk]) as other, in_background(lambda: ben.post(url, data)) as sent:
        wait_until_blocked(other)
        other.commit()
        answer = sent.result(SECONDS)

    place.refresh_from_db()
    if is_locked:
        assert "changed from 5 to 2" in problems(answer)["cap_day"][0]
        assert place.cap_day == 2
    else:
        assert (answer.status_code, place.cap_day) == (302, 9)  # the first change is lost


def test_locked_row_is_not_saved() -> None:
    place = EnrollmentFactory(cap_day=5)
    url, ben = page(Enrollment, "change", place.pk), client_of(User.objects.create_superuser("ben"))
    data = {**form_of(ben, url), "cap_day": "9"}

    with holding(CHANGE, [place.pk]), short_lock_timeout():
        answer = ben.post(url, data)

    assert problems(answer)["__all__"] == [fresh.BUSY]
    place.refresh_from_db()
    assert place.cap_day == 5
