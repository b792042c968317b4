"""A carrier in a process of its own: Twilio-shaped, with callees who behave as the dialed number or the test asks.

    python -m tests.carrier [--port 0] [--control-port 0] [--account SID:TOKEN[:SIGNING_KEY]]

It prints a line of JSON with its ports, and serves until its stdin ends. It queues calls by the second, rings, answers,
detects machines, fetches our script, presses keys, records, and reports each step with a signed callback.

The API is that of Twilio for calls: place, read, list, end, and the sound of recordings. A form with a field that is
not known, or that this carrier does not act on, is refused. `accounts.py` lists the errors.

A callee is chosen by the last two digits of the number that is called (`callees.py` lists them), by a list for this
number (`PUT /callees/+14045550101 ["busy", "confirms"]`: one for each call, the last one again), or by weights
(`PATCH /settings {"mix": {"confirms": 6, "no-answer": 3}}`) that choose by the seed and the number.

Control, on the other port. Bodies and answers are JSON. A name that is not known is refused with 400:

    PATCH  /settings              times, rates of faults, the seed: `settings.py` lists them
    PUT    /accounts/SID          token, signing_key, calls_per_second, most_calls, signs (sha1, sha256, mixed)
    PUT    /callees/NUMBER        the callees of this number, one for each call
    PUT    /numbers/NUMBER        {"error": 21210}: calls from this number are refused; {"error": 0}: no longer
    POST   /calls/SID/act         {"act": "answer"}: what a callee of the kind `manual` does next
    POST   /away                  {"seconds": 2, "notices": "sent"}: refuse connections, for ever without `seconds`;
                                  notices are sent, held until it is back, or lost
    POST   /back                  serve again
    GET    /record                what happened: `records.py` describes it
    POST   /reset                 forget everything, and end all calls without a notice
"""

from tests.carrier.running import Carrier, start_carrier

__all__ = ["Carrier", "start_carrier"]
