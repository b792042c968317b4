"""Which addresses are public, compared with the tables of the standard library and with IANA's registries."""

from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distribution.deliveries.outbound.addresses import DENIED, Address, find_denial

# What the standard library of some version calls global, and the product refuses all the same.
STRICTER: Final = tuple(
    ip_network(each)
    for each in (
        *("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32", "224.0.0.0/4"),
        *("2001::/23", "2002::/16", "3fff::/20", "5f00::/16", "ff00::/8", "64:ff9b::/96", "64:ff9b:1::/48"),
    )
)
GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
# Newer versions of the standard library know these as not global, older ones do not, or the other way round.
EDGES: Final = [edge for network, _ in DENIED for edge in (network[0], network[-1])]


def near_an_edge() -> st.SearchStrategy[Address]:
    """Addresses at most two away from the ends of a denied network: where a prefix is wrong by a bit."""
    return st.builds(_move, st.sampled_from(EDGES), st.integers(-2, 2))


def _move(address: Address, by: int) -> Address:
    highest = 2**address.max_prefixlen - 1
    return type(address)(min(max(int(address) + by, 0), highest))


ADDRESSES: Final = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6), near_an_edge())


def is_stricter(address: Address) -> bool:
    return any(address in network for network in STRICTER) or (
        address.version == 6 and address not in GLOBAL_UNICAST
    )


@given(ADDRESSES)
def test_address_that_the_standard_library_calls_special_is_refused(address: Address) -> None:
    is_special = (
        address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_reserved
        or address.is_unspecified
        or not address.is_global
    )
    if is_special:
        assert find_denial(address) != ""


@given(ADDRESSES)
def test_address_that_the_standard_library_calls_global_is_accepted(address: Address) -> None:
    """Except for what the product refuses on purpose."""
    if address.is_global and not is_stricter(address):
        assert find_denial(address) == ""


@given(st.ip_addresses(v=4))
def test_ipv4_address_inside_an_ipv6_address_is_refused(address: IPv4Address) -> None:
    number = int(address)
    inside = [
        IPv6Address(f"::ffff:{address}"),  # mapped
        IPv6Address(number),  # compatible
        IPv6Address(f"::ffff:0:{address}"),  # translated
        IPv6Address(f"64:ff9b::{address}"),  # NAT64
        IPv6Address(int(IPv6Address("64:ff9b:1::")) + number),  # NAT64 of a network of its own
        IPv6Address(int(IPv6Address("2002::")) + (number << 80)),  # 6to4
        IPv6Address(int(IPv6Address("2001::")) + (number ^ 0xFFFFFFFF)),  # Teredo
    ]
    assert [each for each in inside if not find_denial(each)] == []


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("127.0.0.1", "a loopback address"),
        ("0.0.0.0", "an address of this host"),  # noqa: S104
        ("10.1.2.3", "a private address"),
        ("172.31.255.255", "a private address"),
        ("192.168.1.1", "a private address"),
        ("169.254.169.254", "a link-local address, where clouds serve their metadata"),
        ("100.100.100.200", "an address of a provider's own network"),
        ("168.63.129.16", "an internal address of a cloud provider"),
        ("192.0.0.192", "a reserved address"),
        ("255.255.255.255", "a reserved address"),
        ("239.1.1.1", "a multicast address"),
        ("::1", "a loopback address"),
        ("::", "an address of this host"),
        ("fd00:ec2::254", "a private address"),
        ("fe80::1", "a link-local address, where clouds serve their metadata"),
        ("::ffff:8.8.8.8", "an IPv6 address that contains an IPv4 address"),
        ("64:ff9b::808:808", "an IPv6 address that contains an IPv4 address"),
        ("2002:808:808::1", "an IPv6 address that contains an IPv4 address"),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "an IPv6 address that contains an IPv4 address"),
        ("2001:db8::1", "an address for documentation"),
        ("4000::1", "a reserved address"),
    ],
)
def test_refused_address_has_its_reason(address: str, reason: str) -> None:
    assert find_denial(ip_address(address)) == reason


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "198.20.0.1", "223.255.255.255", "2606:4700::1111"],
)
def test_public_address_is_accepted(address: str) -> None:
    assert find_denial(ip_address(address)) == ""


def test_networks_have_no_host_bits_and_are_listed_once() -> None:
    networks = [network for network, _ in DENIED]
    assert all(isinstance(network, IPv4Network | IPv6Network) for network in networks)
    assert len(set(networks)) == len(networks)
