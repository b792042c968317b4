"""Chooses the channel over which a person is called, or says why none can call now."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from distribution.calls.allowing import Refusal, find_margin
from distribution.calls.channels import Caller, ChannelSeen, find_usable, rank_channels
from distribution.calls.facts import CallFacts
from distribution.calls.hours.area_codes import read_area_code
from distribution.calls.hours.check import check_hours
from distribution.calls.hours.places import Places, Unplaced
from distribution.calls.hours.rules import Rules
from distribution.calls.lines import NoLine
from routing.locks.attempts import LockedLead
from routing.places.zips import list_states_of


@dataclass(frozen=True, slots=True)
class Excluded:
    """Channels that turned out to be full, and accounts over which no call must go out."""

    channels: dict[int, NoLine]
    accounts: Collection[int]

    def leave(self, channels: Sequence[ChannelSeen]) -> list[ChannelSeen]:
        return [
            each for each in channels if each.id not in self.channels and each.account_id not in self.accounts
        ]

    @property
    def reason(self) -> str:
        return next((each.reason for each in reversed(self.channels.values())), "paced")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choosing:
    """What decides about the channel."""

    lead: LockedLead
    facts: CallFacts
    places: Places | Unplaced
    rules: Rules
    excluded: Excluded
    at: datetime

    def choose(self, channels: Sequence[ChannelSeen]) -> ChannelSeen | Refusal:
        usable, reason = find_usable(channels, at=self.at, margin=find_margin(self.facts))
        left = self.excluded.leave(usable)
        if left:
            caller = Caller(read_area_code(self.lead.contact.phone), list_states_of(self.lead.zip[:5]))
            return rank_channels(left, to=caller)[0]
        if not reason:
            return Refusal(self.excluded.reason)
        due_at = self._find_opening(channels) if reason == "channel_closed" else None
        return Refusal(reason, due_at=due_at)

    def _find_opening(self, channels: Sequence[ChannelSeen]) -> datetime:
        """When the law and the first channel allow a call. If that is far away, look again tomorrow."""
        places, margin = self.places, find_margin(self.facts)
        assert not isinstance(places, Unplaced)  # noqa: S101 - a lead without a place does not get here
        opens = (
            check_hours(
                places, rules=self.rules, at=self.at, margin=margin, channel_hours=each.hours
            ).opens_at
            for each in channels
            if each.account_is_open
        )
        return min((each for each in opens if each is not None), default=self.at + timedelta(days=1))
