"""A mail server that at one point of a mail answers byte by byte and never ends its line."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

GREETING: Final = b"220 ready\r\n"
ANSWERS: Final = {b"DATA": b"354 go on\r\n", b".": b"250 accepted\r\n", b"QUIT": b"221 bye\r\n"}
DRIP_SECONDS: Final = 0.02


class _Session(socketserver.StreamRequestHandler):
    server: "_Server"

    def handle(self) -> None:
        if self.server.drips_at == b"":
            self._drip()
            return
        self.wfile.write(GREETING)
        is_text = False
        for line in self.rfile:
            word = line.strip() if is_text else line[:4].strip().upper()
            if is_text and word != b".":
                continue
            if word == self.server.drips_at:
                self._drip()
                return
            is_text = word == b"DATA"
            self.wfile.write(ANSWERS.get(word, b"250 fine\r\n"))

    def _drip(self) -> None:
        try:
            while not self.server.ended.wait(DRIP_SECONDS):
                self.wfile.write(b"2")
        except OSError:
            return


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, drips_at: bytes) -> None:
        self.drips_at, self.ended = drips_at, threading.Event()
        super().__init__(("127.0.0.1", 0), _Session)


@contextmanager
def dripping_mail_server(at: str) -> Iterator[int]:
    """Yields its port. `at`: the command whose answer drips, such as "." for the end of the text; "": the greeting."""
    with _Server(at.encode()) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.ended.set()
            server.shutdown()
            thread.join()
