"""The page docs/events.md, from the catalog of events. Pure."""

import json
from typing import Final

from distribution.deliveries.payloads.catalog import CATALOG, FIELDS, Audience, make_example

AUDIENCES: Final[dict[Audience, str]] = {"buyer": "buyers", "source": "sources", "workspace": "the agency"}
INTRODUCTION: Final = """# Events

A program or a person can hear of what happens: a buyer, a source, or the agency. `manage.py events --write` makes
this page from the catalog of events.

## Subscribe

- The agency adds a subscription under *Subscriptions* in the admin: for a buyer, for a source, or, without both,
  for its own workspace. A program gets a signed webhook, a person an email. Nobody is subscribed until somebody
  chooses events.
- A buyer's program uses `POST /api/v1/buyer/subscriptions/`, a source's program `POST /api/v1/subscriptions/`. The
  key needs the scope `subscriptions:write`. The answer has the secret, which is shown once.
- `wallet.low` needs a limit: *Notice below* on the page of the wallet. The pages of the wallet and of the
  subscription name each other. A limit above what is available now is first noticed after a top-up.

```
curl -H "Authorization: Api-Key $KEY" -H "Content-Type: application/json" \\
    -d '{"name": "CRM events", "url": "https://crm.example.com/events", "events": ["lead.sold", "lead.returned"]}' \\
    http://127.0.0.1:8000/api/v1/buyer/subscriptions/
```

Emails need a mail server and the address of the product: `EMAIL_URL` and `LEADSWITCH_BASE_URL` (`deliveries.md`). Every
email has a link to unsubscribe. It works without a login, turns that subscription off, and cancels the emails that
wait. The page of the subscription says so then.

## What arrives

A POST, signed like a delivery of a lead (`deliveries.md`): `webhook-id`, `webhook-timestamp`, `webhook-signature`.
The receivers there verify it as well: read `type` and `data` in place of `data.lead`.
Store the `webhook-id`, and ignore a message that you have. `id` in the body is that of the event, which is equal
for all subscriptions.

- Answer with 2xx. Anything else is sent again: after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h. After
  that the message is given up. 410 disables the subscription at once, and 120 hours without a success do so too.
- A rejection (4xx other than 408, 410, 425 and 429) is final: the message is not sent again.
- The order is not promised. Read the present state from the API if it matters.
- No event tells of a new lead to claim, because seconds count there: listen to the stream of offers (`streams.md`).
- An event is written in the transaction in which it happens, so it is never lost and never early. An ended or
  disabled subscription gets no new events.
- Test leads have no events. *Send a test event* on the page of a subscription sends an invented one of the kind that
  you choose, and shows the request and the answer. `is_test` is true in it, and false in every other message.
- An event has ids, statuses and amounts, and no personal data. A source gets no buyer and no money.

## What an operator watches

The exporter has three gauges with the kind of event as their label. The board *Deliveries* shows them:

- `leadswitch_events_lost`: messages that ended in the last hour without an acceptance. Above 0 a subscriber missed
  something: ask it, correct the subscription, and send the messages again from the page *Deliveries*.
- `leadswitch_events_waiting` and `leadswitch_event_oldest_waiting_age_seconds`: messages that wait for a try, and how
  long ago the oldest event happened.

## How long events are kept

A message of an event is removed 90 days after it ended (`LEADSWITCH_EVENT_DAYS`), with its requests and answers. The
event is removed with its last message. Until then the page *Deliveries* shows the message, and it can be sent again. A
message without an end stays, e.g. one that waits for a subscription that is off. Deliveries of leads are not removed.
The reconciler `deliveries` does this in batches of 1,000, and `leadswitch_event_messages_removed_total` counts them.

"""


def write_page() -> str:
    parts = [INTRODUCTION, "## Who can subscribe to what\n\n", _write_audiences(), "\n"]
    parts += [_write_event(kind) for kind in CATALOG]
    return "".join(parts).rstrip() + "\n"


def _write_audiences() -> str:
    names = list(AUDIENCES.values())
    lines = [f"| event | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    for kind, row in CATALOG.items():
        cells = ("yes" if audience in row.data else "" for audience in AUDIENCES)
        lines.append(f"| `{kind}` | {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |"))
    return "\n".join(lines) + "\n"


def _write_event(kind: str) -> str:
    row = CATALOG[kind]
    lines = [
        f"## {kind}",
        "",
        row.description,
        "",
        f"| field | for | holds |\n|---|---|---|\n{_write_fields(kind)}",
    ]
    audience = next(iter(row.data))
    example = json.dumps(make_example(kind, audience), indent=2)
    lines += ["", f"For {AUDIENCES[audience]}:", "", "```json", example, "```", "", ""]
    return "\n".join(lines)


def _write_fields(kind: str) -> str:
    row = CATALOG[kind]
    names = dict.fromkeys(name for fields in row.data.values() for name in fields)
    return "\n".join(f"| `{name}` | {_write_owners(kind, name)} | {FIELDS[name].about} |" for name in names)


def _write_owners(kind: str, name: str) -> str:
    row = CATALOG[kind]
    owners = [AUDIENCES[audience] for audience in row.data if name in row.data[audience]]
    return "all" if len(owners) == len(row.data) else ", ".join(owners)
