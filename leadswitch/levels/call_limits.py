"""From when on verification calls are a problem: for alerts, gauges and `manage.py calls`."""

from typing import Final

from distribution.calls.liveness import ALIVE_SECONDS

DIALER_ALIVE_SECONDS: Final = ALIVE_SECONDS
# No call was placed for this long, although a lead is due and a line is free.
HALTED_MINUTES: Final = 5
# The dialer asks a carrier about a call within seconds of the time at which it should.
CHECK_MINUTES: Final = 10
# A carrier that can be reached tells within a minute or two whether it has a call.
UNKNOWN_MINUTES: Final = 15
NO_LINE_MINUTES: Final = 10
# Webhooks are applied within a second.
NOTICE_SECONDS: Final = 60
# Of the calls whose end came from a carrier.
POLLED_SHARE: Final = 0.20
REFUSED_WEBHOOKS: Final = 5
UNKNOWN_CALLS: Final = 5
# Calls that the carrier refused because the account had as many as it may. One may come at the end of another call.
LIMIT_REFUSALS: Final = 5
# Of the requests to place a call, those that the carrier did not answer.
UNANSWERED_SHARE: Final = 0.50
# With fewer, one lost webhook or one lost answer would be a large share.
LEAST_ENDED: Final = 20
LEAST_DIALS: Final = 5
# With fewer, a bad hour is chance.
LEAST_RUNG: Final = 100
ANSWER_HOURS: Final = 6
