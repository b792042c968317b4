"""The network that a client's address belongs to, as limits count it."""

import ipaddress


def find_network(address: str) -> str:
    """Return one IPv4 address, or the /64 of an IPv6 address, which one client has whole. Other text stays as it is."""
    try:
        given = ipaddress.ip_address(address)
    except ValueError:
        return address
    # On a dual-stack socket every IPv4 client is ::ffff:192.0.2.1, and all of those are in one /64.
    plain = getattr(given, "ipv4_mapped", None) or given
    return str(ipaddress.ip_network((plain, 32 if plain.version == 4 else 64), strict=False))
