"""Create the monitors of monitors.json in Datadog, or update those of the same names. Standard library only.

Reads DD_API_KEY, DD_APP_KEY and DD_SITE (default: datadoghq.com), or DD_API_URL in place of the site. A composite
monitor gets the ids of the monitors that its query names.
"""

import json
import os
import re
import sys
import urllib.error
import urllib.request
from pathlib import Path

FILE = Path(__file__).resolve().parent / "monitors.json"
TAG = "team:leadswitch"
NAMED = re.compile(r"<([^<>]+)>")
TIMEOUT_SECONDS = 30


def main():
    """Monitors with the tag that are not in the file stay as they are."""
    ids = {monitor["name"]: monitor["id"] for monitor in call("GET", f"?monitor_tags={TAG}")}
    for monitor in json.loads(FILE.read_text()):
        if monitor["type"] == "composite":
            monitor["query"] = NAMED.sub(lambda found: str(ids[found[1]]), monitor["query"])
        ids[monitor["name"]] = send(monitor, ids.get(monitor["name"]))


def send(monitor, monitor_id):
    """Return the id in Datadog. `monitor_id`: the id of the monitor to update, or None for a new one."""
    if monitor_id is None:
        monitor_id = call("POST", "", monitor)["id"]
        sys.stdout.write(f"Created {monitor['name']}\n")
    else:
        call("PUT", f"/{monitor_id}", monitor)
        sys.stdout.write(f"Updated {monitor['name']}\n")
    return monitor_id


def call(method, path, body=None):
    """Return Datadog's answer. Ends the program with the text of a refusal."""
    url = os.environ.get("DD_API_URL") or f"https://api.{os.environ.get('DD_SITE') or 'datadoghq.com'}"
    headers = {
        "Content-Type": "application/json",
        "DD-API-KEY": os.environ["DD_API_KEY"],
        "DD-APPLICATION-KEY": os.environ["DD_APP_KEY"],
    }
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(  # noqa: S310 - the address of the operator
        f"{url}/api/v1/monitor{path}", data, headers, method=method
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as refusal:
        name = "" if body is None else f" {body['name']}"
        sys.exit(f"{method}{name}: {refusal.code} {refusal.read().decode()}")


if __name__ == "__main__":
    main()
