"""`python -m leadswitch.alive dispatcher|deliverer|dialer|streams|beat`: a liveness probe.

Exit code 1 when the process hangs or is gone.

It needs neither Django nor a server: it is cheap, and does not depend on them.
"""

import argparse
import sys

from leadswitch.env import BadEnvironment, read_locations
from routing.dispatch.heartbeat import LONGEST_TURN_SECONDS, heartbeat_age


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m leadswitch.alive", description=__doc__)
    parser.add_argument("process", choices=["dispatcher", "deliverer", "dialer", "streams", "beat"])
    process = parser.parse_args().process
    try:
        age = heartbeat_age(read_locations().var_dir, process)
    except BadEnvironment as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"{process}: the heartbeat cannot be read: {error}\n")
        return 2
    if age is None:
        sys.stderr.write(f"{process}: no heartbeat yet\n")
        return 1
    sys.stdout.write(f"{process}: last heartbeat {age:.0f} seconds ago\n")
    return int(age > LONGEST_TURN_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
