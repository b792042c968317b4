"""A real mail server on this machine that remembers what it accepted."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

from tests.support.ports import free_port

ACCEPTED = "250 OK"
REFUSED = "550 no such person"
BUSY = "451 later"


@dataclass
class Mailbox:
    """`refused`: addresses that it does not accept. `busy`: how many messages it refuses for now.

    `offered` has the Message-ID of each message, accepted or not.
    """

    refused: set[str] = field(default_factory=set)
    mails: list[tuple[str, EmailMessage]] = field(default_factory=list)
    busy: int = 0
    offered: list[str] = field(default_factory=list)

    async def handle_RCPT(
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if address in self.refused:
            return REFUSED
        envelope.rcpt_tos.append(address)
        return ACCEPTED

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.offered.append(message["message-id"])
        if self.busy:
            self.busy -= 1
            return BUSY
        self.mails += [(address, message) for address in envelope.rcpt_tos]
        return ACCEPTED

    @property
    def recipients(self) -> list[str]:
        return [address for address, _ in self.mails]


@contextmanager
def mail_server(mailbox: Mailbox) -> Iterator[int]:
    """Yields its port."""
    port = free_port()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()
