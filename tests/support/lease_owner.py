"""The owner of a claim, for race tests: claims a lead, waits for a line on stdin, and writes its end.

python -m tests.support.lease_owner LEAD_ID OWNER [unfenced]     prints "acquired", then "completed" or "lost"
"""

import sys
from datetime import UTC, datetime

import django


def main() -> None:
    django.setup()
    from routing.leads import claim as claims
    from routing.models import Lead, LeadStatus
    from tests.support.claims import claim, complete

    lead_id, owner = int(sys.argv[1]), sys.argv[2]
    if sys.argv[3:] == ["unfenced"]:
        claims._owned = lambda lead_id, *, owner: Lead.objects.filter(pk=lead_id)  # type: ignore[assignment]  # noqa: ARG005
    claim(lead_id, owner=owner)
    print("acquired", flush=True)  # noqa: T201 - the protocol with the test
    sys.stdin.readline()
    try:
        complete(lead_id, owner=owner, status=LeadStatus.CANCELLED, at=datetime.now(UTC))
        print("completed", flush=True)  # noqa: T201
    except claims.ClaimLost:
        print("lost", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
