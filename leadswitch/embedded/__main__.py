"""`python -m leadswitch.embedded start|stop|status`: the embedded servers from the command line."""

import argparse
import sys

from leadswitch.embedded import ServicesError, service_states, start_services, stop_services
from leadswitch.env import BadEnvironment, read_locations


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m leadswitch.embedded", description=__doc__)
    parser.add_argument("action", choices=["start", "stop", "status"])
    action = parser.parse_args().action
    try:
        sys.stdout.write(f"{run(action)}\n")
    except (ServicesError, BadEnvironment) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def run(action: str) -> str:
    """Carry out one action. Returns the sentence to show."""
    locations = read_locations()
    if action == "stop":
        stopped = stop_services(locations.var_dir)
        return f"stopped {' and '.join(stopped)}" if stopped else "nothing was running"
    if action == "start":
        start_services(locations.var_dir, durable=locations.embedded_fsync, programs=locations.programs)
    states = service_states(locations.var_dir)
    return "\n".join(f"{name}: {state}" for name, state in states.items())


if __name__ == "__main__":
    sys.exit(main())
