"""Decides whether a request may go to these addresses. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from distribution.deliveries.outbound.addresses import Address, Network, find_denial
from distribution.deliveries.outbound.failures import Failure, RefusedURL
from distribution.deliveries.outbound.targets import Target

HTTPS_PORT: Final = 443
FIRST_FREE_PORT: Final = 1024
# Ports of other protocols, which browsers refuse too (https://fetch.spec.whatwg.org/#port-blocking).
OTHER_PROTOCOLS: Final = frozenset(
    {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6679, 6697, 10080}
    | set(range(6665, 6670))
)


@dataclass(frozen=True, slots=True)
class Policy:
    """`allowed`: networks that are reached although they are not public, also by http:// and on every port."""

    allowed: tuple[Network, ...] = ()

    def check(self, target: Target, addresses: Sequence[Address]) -> None:
        """Check EVERY address of a host: the other side chooses their order. Raises RefusedURL."""
        others = [address for address in addresses if not self._is_allowed(address)]
        for address in others:
            if denial := find_denial(address):
                raise _refuse(f"{_name(target, address)} is {denial}. Use a host with public addresses only.")
        if others:
            _check_scheme(target)
            _check_port(target)

    def _is_allowed(self, address: Address) -> bool:
        return any(address in network for network in self.allowed)


def _name(target: Target, address: Address) -> str:
    return str(address) if target.literal else f"{target.host} has the address {address}, which"


def _check_scheme(target: Target) -> None:
    if target.scheme != "https":
        raise _refuse("The URL begins with http://, and would send leads without encryption. Use https://.")


def _check_port(target: Target) -> None:
    if target.port == HTTPS_PORT or (target.port >= FIRST_FREE_PORT and target.port not in OTHER_PROTOCOLS):
        return
    raise _refuse(
        f"Port {target.port} is used by other services. Remove it, or use 443, 8443 or another port above 1023."
    )


def _refuse(message: str) -> RefusedURL:
    return RefusedURL(Failure.REFUSED_ADDRESS, message)
