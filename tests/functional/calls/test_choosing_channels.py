"""Which channel calls: the nearest to the phone, then the one with the most free lines, then the longest silent."""

from datetime import timedelta
from typing import Any

import pytest

from distribution.calls.begin import NotBegun, begin_call
from distribution.models import Call, CarrierAccount, Channel
from tests.support.factories import CallFactory, ChannelFactory
from tests.support.waiting_leads import AT, let_wait

pytestmark = pytest.mark.usefixtures("committed_db")

MINUTE = timedelta(minutes=1)


class TestChannel:
    def choose(self, *channels: Channel, phone: str = "+14045550101") -> Channel:
        waiting = let_wait(channels[0], phone=phone)
        begin_call(waiting.pk, at=AT)
        return Call.objects.get().channel

    def make(self, **values: Any) -> Channel:
        account = CarrierAccount.objects.first()
        return ChannelFactory(**({"account": account} if account else {}), **values)

    def test_same_area_code_comes_first(self) -> None:
        state, code = self.make(area_codes=["770"], lines=9), self.make(area_codes=["212", "404"], lines=2)

        assert self.choose(state, code) == code

    def test_same_state_comes_before_free_lines(self) -> None:
        far, state = self.make(area_codes=["212"], lines=9), self.make(area_codes=["770"], lines=2)

        assert self.choose(far, state) == state

    def test_number_gives_the_area_code(self) -> None:
        far, own = self.make(number="+12125550001", lines=9), self.make(number="+14045550001", lines=2)

        assert self.choose(far, own) == own

    def test_most_free_lines(self) -> None:
        few, many = self.make(lines=2), self.make(lines=3)

        assert self.choose(few, many) == many

    def test_least_recently_dialed(self) -> None:
        never, long_ago = self.make(), self.make(last_dialed_at=AT - MINUTE)
        recent = self.make(last_dialed_at=AT)

        assert self.choose(recent, long_ago, never) == never

    def test_full_channel_is_left_out(self) -> None:
        full, free = self.make(lines=1, area_codes=["404"]), self.make(lines=1, area_codes=["212"])
        CallFactory(channel=full, account=full.account)
        waiting = let_wait(free)

        begin_call(waiting.pk, at=AT)

        assert waiting.calls.get().channel == free

    def test_channel_of_another_workspace_is_never_used(self) -> None:
        ChannelFactory(lines=9)
        waiting = let_wait(ChannelFactory(is_enabled=False))

        assert begin_call(waiting.pk, at=AT) == NotBegun("no_channel")
