"""`python -m tests.load.generator JOB RESULT`: sends each lead at its planned time.

A locust user alone cannot do this: its next request waits for the last answer. A slow server then gets fewer requests,
and that wait is in no figure. Here a greenlet starts a request at every planned time, answered or not, and its latency
counts from that time.
"""

import gc
import json
import os
import sys
import time
from array import array
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import gevent
from gevent.lock import BoundedSemaphore
from geventhttpclient.client import HTTPClientPool
from locust import FastHttpUser
from locust.env import Environment

from tests.load.job import Job
from tests.load.payloads import Payloads
from tests.load.plan import Arrival, plan_arrivals

PATH: Final = "/api/v1/leads/"
# A request that could not begin this long after its planned time is a missed start.
MISSED_SECONDS: Final = 0.05
ANSWER_SECONDS: Final = 30.0
CREATED: Final = 201
# The server should get the processor first.
NICENESS: Final = 5


@dataclass(slots=True)
class Tally:
    """One entry a lead, in the order of the answers. Status 0: no answer."""

    numbers: "array[int]" = field(default_factory=lambda: array("l"))
    lags_ms: "array[float]" = field(default_factory=lambda: array("d"))
    waits_ms: "array[float]" = field(default_factory=lambda: array("d"))
    latencies_ms: "array[float]" = field(default_factory=lambda: array("d"))
    statuses: "array[int]" = field(default_factory=lambda: array("h"))
    first_refusals: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {
            "numbers": self.numbers.tolist(),
            "lags_ms": self.lags_ms.tolist(),
            "waits_ms": self.waits_ms.tolist(),
            "latencies_ms": self.latencies_ms.tolist(),
            "statuses": self.statuses.tolist(),
            "first_refusals": self.first_refusals,
        }


class Sender(FastHttpUser):
    """One client for all greenlets. Their number is limited by `Run`, the connections by the client's pool."""

    abstract = False
    network_timeout = ANSWER_SECONDS
    connection_timeout = ANSWER_SECONDS


class Run:
    def __init__(self, job: Job) -> None:
        self._job = job
        self._payloads = Payloads(seed=job.seed, sources=len(job.keys))
        self._free = BoundedSemaphore(job.connections)
        Sender.client_pool = HTTPClientPool(
            concurrency=job.connections, network_timeout=ANSWER_SECONDS, connection_timeout=ANSWER_SECONDS
        )
        Sender.host = job.address
        self._user = Sender(Environment(user_classes=[Sender]))
        self.tally = Tally()

    def send_all(self) -> dict[str, Any]:
        """Start every lead at its time, and wait for all answers."""
        arrivals = list(plan_arrivals(self._job.phases, arrivals=self._job.arrivals, seed=self._job.seed))
        gc.collect()
        gc.freeze()
        gc.disable()  # a collection would delay starts, and the run is finite
        times = os.times()
        started_at, started = time.time(), time.perf_counter()
        running = []
        for arrival in arrivals:
            if (wait := started + arrival.planned - time.perf_counter()) > 0:
                gevent.sleep(wait)
            lag = time.perf_counter() - started - arrival.planned
            running.append(gevent.spawn(self._send, arrival, started=started, lag=lag))
            if len(running) > 1000:
                running = [each for each in running if not each.dead]
        sent_seconds = time.perf_counter() - started
        gevent.joinall(running)
        ended = os.times()
        used = ended.user + ended.system - times.user - times.system
        return {
            "started_at": started_at,
            "seconds": sent_seconds,
            "cpu_seconds": used,
            "cpu_percent": 100 * used / (time.perf_counter() - started),
            **self.tally.as_json(),
        }

    def _send(self, arrival: Arrival, *, started: float, lag: float) -> None:
        key = self._job.keys[self._payloads.source_of(arrival.number)]
        body = self._payloads.body(arrival.number)
        headers = {"Authorization": f"Api-Key {key}", "Content-Type": "application/json"}
        with self._free:
            wait = time.perf_counter() - started - arrival.planned
            response = self._user.client.request("POST", PATH, data=body, headers=headers)
        latency = time.perf_counter() - started - arrival.planned
        status = response.status_code or 0
        if status != CREATED and len(self.tally.first_refusals) < 5:
            self.tally.first_refusals.append(f"{status} {response.text}"[:300])
        self._count(arrival.number, lag, wait, latency, status)

    def _count(self, number: int, lag: float, wait: float, latency: float, status: int) -> None:
        self.tally.numbers.append(number)
        self.tally.lags_ms.append(lag * 1000)
        self.tally.waits_ms.append(wait * 1000)
        self.tally.latencies_ms.append(latency * 1000)
        self.tally.statuses.append(status)


def main(job: str, result: str) -> None:
    os.nice(NICENESS)
    Path(result).write_text(json.dumps(Run(Job.read(Path(job))).send_all()))


if __name__ == "__main__":
    main(*sys.argv[1:])
