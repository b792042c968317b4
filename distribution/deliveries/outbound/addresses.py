"""Which addresses are public: the special-purpose registries of IANA, and what is internal at cloud providers.

Not what `ipaddress` calls global: that differs between the versions of Python, and includes 6to4 and 6to4 relays.
"""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

PRIVATE: Final = "a private address"
RESERVED: Final = "a reserved address"
LINK_LOCAL: Final = "a link-local address, where clouds serve their metadata"
TRANSLATED: Final = "an IPv6 address that contains an IPv4 address"
DOCUMENTATION: Final = "an address for documentation"
CLOUD: Final = "an internal address of a cloud provider"

# Every IPv6 address outside is special: loopback, private, link-local, multicast, mapped, NAT64 and others.
PUBLIC_IPV6: Final = IPv6Network("2000::/3")

_DENIED: Final[Mapping[str, str]] = {
    "0.0.0.0/8": "an address of this host",
    "10.0.0.0/8": PRIVATE,
    "100.64.0.0/10": "an address of a provider's own network",
    "127.0.0.0/8": "a loopback address",
    "168.63.129.16/32": CLOUD,
    "169.254.0.0/16": LINK_LOCAL,
    "172.16.0.0/12": PRIVATE,
    "192.0.0.0/24": RESERVED,
    "192.0.2.0/24": DOCUMENTATION,
    "192.88.99.0/24": "an address of a 6to4 relay",
    "192.168.0.0/16": PRIVATE,
    "198.18.0.0/15": "an address for benchmarks",
    "198.51.100.0/24": DOCUMENTATION,
    "203.0.113.0/24": DOCUMENTATION,
    "224.0.0.0/4": "a multicast address",
    "240.0.0.0/4": RESERVED,
    "::/128": "an address of this host",
    "::1/128": "a loopback address",
    "::/96": TRANSLATED,
    "::ffff:0:0/96": TRANSLATED,
    "::ffff:0:0:0/96": TRANSLATED,
    "64:ff9b::/96": TRANSLATED,
    "64:ff9b:1::/48": TRANSLATED,
    "100::/64": RESERVED,
    "2001::/32": TRANSLATED,
    "2001::/23": RESERVED,
    "2001:db8::/32": DOCUMENTATION,
    "2002::/16": TRANSLATED,
    "3fff::/20": DOCUMENTATION,
    "5f00::/16": RESERVED,
    "fc00::/7": PRIVATE,
    "fe80::/10": LINK_LOCAL,
    "fec0::/10": PRIVATE,
    "ff00::/8": "a multicast address",
}
DENIED: Final[tuple[tuple[Network, str], ...]] = tuple(
    (ip_network(network), reason) for network, reason in _DENIED.items()
)


def find_denial(address: Address) -> str:
    """Return what kind of address this is, if it is not public. Empty for a public address."""
    for network, reason in DENIED:
        if address in network:
            return reason
    return RESERVED if address.version == 6 and address not in PUBLIC_IPV6 else ""
