"""The owner of a claim, for race tests: claims a lead, waits for a line on stdin, and writes its end.

python -m tests.support.lease_owner LEAD_ID OWNER [unfenced]     prints "acquired", then "completed" or "lost"
"""

import sys
from datetime import UTC, datetime

import django

# What the owner's write compares, and the same without comparing owner and time.
FENCE = "l.status = 'calling' AND l.locked_by = %s AND l.locked_at = %s"
NO_FENCE = "%s::text IS NOT NULL AND %s::timestamptz IS NOT NULL"


def main() -> None:
    django.setup()
    from routing.leads.claim import ClaimLost, acquire, complete
    from routing.locks import leads_to_end
    from routing.models import LeadStatus

    lead_id, owner = int(sys.argv[1]), sys.argv[2]
    if sys.argv[3:] == ["unfenced"]:
        assert FENCE in leads_to_end.LOCK_CLAIMED
        leads_to_end.LOCK_CLAIMED = leads_to_end.LOCK_CLAIMED.replace(FENCE, NO_FENCE)  # type: ignore[misc]
    lease = acquire(lead_id, owner=owner)
    print("acquired", flush=True)  # noqa: T201 - the protocol with the test
    sys.stdin.readline()
    try:
        complete(lease, status=LeadStatus.CANCELLED, at=datetime.now(UTC))
        print("completed", flush=True)  # noqa: T201
    except ClaimLost:
        print("lost", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
