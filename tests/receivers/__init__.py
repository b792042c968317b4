"""A buyer's system in a process of its own, which behaves as the path of each request asks.

    http://127.0.0.1:PORT/RUN/BEHAVIOR[/ARGUMENT]     such as /t1/accept, /t1/status/503, /t1/delay/250
    http://127.0.0.1:PORT/RUN/script/NAME             the next behavior of the script NAME; the last one is repeated
    http://127.0.0.1:PORT/RUN/buyer/60                a buyer's system that remembers its verdicts (buyer.py)
    PUT /-/RUN/script/NAME                            sets the script: a JSON list of behaviors
    POST /-/RUN/release                               answers every request of the run that `hold` holds

`tests/receivers/behaviors.py` lists the behaviors. Each request is a line of a file before it is answered, so the file
outlives the process. `RUN` separates tests that share a receiver.
"""

from tests.receivers.records import Received
from tests.receivers.running import Receiver, start_receiver

__all__ = ["Received", "Receiver", "start_receiver"]
