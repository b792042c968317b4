"""URLs that are read, and URLs that are refused with a message that says what to do."""

from ipaddress import IPv4Address, ip_address, ip_network
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distribution.deliveries.outbound import Failure, Policy, RefusedURL
from distribution.deliveries.outbound.addresses import Address
from distribution.deliveries.outbound.targets import Target, parse_url

PUBLIC: Final = (ip_address("93.184.215.14"),)
STRICT: Final = Policy()
LOCAL: Final = Policy((ip_network("127.0.0.0/8"),))
NUMBER: Final = "The host is a number. Use the host's name, or an address of four decimal numbers."
NAME: Final = "The host is not a valid domain name."


def refusal_of(url: str) -> str:
    with pytest.raises(RefusedURL) as refused:
        parse_url(url)
    assert refused.value.failure is Failure.BAD_URL
    return str(refused.value)


def refusal_by(policy: Policy, url: str, *addresses: str) -> str:
    with pytest.raises(RefusedURL) as refused:
        policy.check(parse_url(url), [ip_address(each) for each in addresses])
    assert refused.value.failure is Failure.REFUSED_ADDRESS
    return str(refused.value)


@pytest.mark.parametrize(
    ("url", "target", "authority"),
    [
        ("https://Buyer.Example/New", Target("https", "buyer.example", 443, "/New", None), "buyer.example"),
        (
            "HTTPS://buyer.example:8443?a=1&b=%20x",
            Target("https", "buyer.example", 8443, "/?a=1&b=%20x", None),
            "buyer.example:8443",
        ),
        ("http://a.b:80/", Target("http", "a.b", 80, "/", None), "a.b"),
        ("https://8.8.8.8/", Target("https", "8.8.8.8", 443, "/", ip_address("8.8.8.8")), "8.8.8.8"),
        (
            "https://[2606:4700:0::1]:444/",
            Target("https", "2606:4700::1", 444, "/", ip_address("2606:4700::1")),
            "[2606:4700::1]:444",
        ),
        (
            "https://bücher.example/größe?name=é",
            Target("https", "xn--bcher-kva.example", 443, "/gr%C3%B6%C3%9Fe?name=%C3%A9", None),
            "xn--bcher-kva.example",
        ),
        (
            "https://my_host-1.example/",
            Target("https", "my_host-1.example", 443, "/", None),
            "my_host-1.example",
        ),
    ],
)
def test_url_is_read(url: str, target: Target, authority: str) -> None:
    assert parse_url(url) == target
    assert parse_url(url).authority == authority


@pytest.mark.parametrize(
    "host",
    [
        *("2130706433", "0x7f000001", "017700000001", "0x7f.1", "127.1", "0177.0.0.1", "127.0.0.01"),
        *("1.2.3.4.5", "999.1.1.1", "0x7f.0x0.0x0.0x1", "example.0x7f", "foo.123", "0x"),
        *("１２７.1", "①②⑦.1", "127。1"),  # noqa: RUF001 - digits and dots of other scripts
    ],
)
def test_number_as_host_is_refused(host: str) -> None:
    assert refusal_of(f"https://{host}/") == NUMBER


@pytest.mark.parametrize("host", ["１２７.０.０.１", "127。0。0。1", "①②⑦.0.0.1"])  # noqa: RUF001
def test_address_in_other_scripts_is_read_as_the_address(host: str) -> None:
    target = parse_url(f"https://{host}/")
    assert (target.host, target.literal) == ("127.0.0.1", IPv4Address("127.0.0.1"))


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("buyer.example/new", "The URL does not begin with https://."),
        ("ftp://buyer.example/", "The URL does not begin with https://."),
        ("file:///etc/passwd", "The URL does not begin with https://."),
        ("gopher://127.0.0.1:6379/_x", "The URL does not begin with https://."),
        ("https://", "The URL names no host."),
        ("https:///new", "The URL names no host."),
        ("https:buyer.example", "The URL names no host."),
        ("https://user:secret@buyer.example/", "The URL contains a user name or a password."),
        ("https://buyer.example@127.0.0.1/", "The URL contains a user name or a password."),
        ("https://buyer.example%40evil.example/", NAME),
        ("https://@buyer.example/", "The URL contains a user name or a password."),
        ("https://buyer.example/#part", "The URL contains #."),
        (
            "https://buyer.example\\@127.0.0.1/",
            "The URL contains a space, a control character or a backslash.",
        ),
        ("https://buyer.example/a b", "The URL contains a space, a control character or a backslash."),
        (
            "https://buyer.example/\r\nHost: x",
            "The URL contains a space, a control character or a backslash.",
        ),
        ("https://buy\ter.example/", "The URL contains a space, a control character or a backslash."),
        ("https://buyer.example\x00.evil.example/", "The URL contains a space, a control character"),
        (" https://buyer.example/", "The URL contains a space, a control character or a backslash."),
        ("https://buyer.example./", "The host ends with a dot. Remove the dot."),
        ("https://127.0.0.1./", "The host ends with a dot. Remove the dot."),
        ("https://buyer..example/", NAME),
        ("https://-buyer.example/", NAME),
        ("https://%31%32%37.0.0.1/", NAME),
        ("https://" + "a" * 64 + ".example/", NAME),
        ("https://" + ".".join(["a" * 60] * 5) + "/", NAME),
        ("https://buyer.example:0/", "The port is not a number from 1 to 65535."),
        ("https://buyer.example:65536/", "The port is not a number from 1 to 65535."),
        ("https://buyer.example:4x3/", "The port is not a number from 1 to 65535."),
        ("https://buyer.example:-1/", "The port is not a number from 1 to 65535."),
        ("https://[fe80::1%25eth0]/", "The IPv6 address has a zone (%)."),
        ("https://[127.0.0.1]/", "This is not a URL."),
        ("https://[::1/", "This is not a URL."),
        ("https://buyer.example/" + "a" * 2_000, "The URL has 2022 characters. Use at most 2000."),
        ("https://‥.example/", NAME),
    ],
)
def test_url_is_refused_with_what_to_do(url: str, message: str) -> None:
    assert refusal_of(url).startswith(message)


def test_password_in_a_url_is_not_quoted() -> None:
    assert "secret" not in refusal_of("https://user:secret@buyer.example/")
    assert "secret" not in refusal_of("https://user:sec/ret@buyer.example:x/?key=secret")


@pytest.mark.parametrize("port", ["", ":443", ":8443", ":1024", ":65535"])
def test_usual_port_is_accepted(port: str) -> None:
    STRICT.check(parse_url(f"https://buyer.example{port}/"), PUBLIC)


@pytest.mark.parametrize("port", [1, 22, 25, 80, 465, 587, 993, 1023, 2049, 5060, 6000, 6667, 10080])
def test_port_of_another_service_is_refused(port: int) -> None:
    message = refusal_by(STRICT, f"https://buyer.example:{port}/", "93.184.215.14")
    assert message.startswith(f"Port {port} is used by other services.")


def test_plain_http_is_refused() -> None:
    message = refusal_by(STRICT, "http://buyer.example/", "93.184.215.14")
    assert message == "The URL begins with http://, and would send leads without encryption. Use https://."


@pytest.mark.parametrize("place", [0, 1, 2])
def test_host_is_refused_if_any_of_its_addresses_is_private(place: int) -> None:
    addresses = ["93.184.215.14", "2606:4700::1111"]
    addresses.insert(place, "10.0.0.5")
    assert refusal_by(STRICT, "https://buyer.example/", *addresses) == (
        "buyer.example has the address 10.0.0.5, which is a private address. Use a host with public addresses only."
    )


def test_allowed_network_is_reached_by_http_on_every_port() -> None:
    LOCAL.check(parse_url("http://receiver.test:25/"), [ip_address("127.0.0.1")])


@pytest.mark.parametrize("other", ["10.0.0.5", "::ffff:127.0.0.1", "::1", "64:ff9b::7f00:1"])
def test_allowed_network_allows_no_other_address(other: str) -> None:
    refusal_by(LOCAL, "http://receiver.test/", "127.0.0.1", other)


def test_allowed_network_does_not_allow_http_to_public_addresses() -> None:
    refusal_by(LOCAL, "http://receiver.test/", "127.0.0.1", "93.184.215.14")


@given(st.ip_addresses())
def test_address_in_a_url_is_the_address_that_is_checked(address: Address) -> None:
    host = f"[{address}]" if address.version == 6 else str(address)
    assert parse_url(f"https://{host}/").literal == address


@given(st.text(max_size=60))
def test_any_text_after_the_scheme_is_read_or_refused(text: str) -> None:
    """Nothing else is raised, and what is read can be written into a request."""
    try:
        target = parse_url(f"https://{text}")
    except RefusedURL:
        return
    assert target.resource.isascii()
    assert target.resource.isprintable()
    assert " " not in target.resource
    assert target.host.isascii()
    assert target.host == target.host.lower()
    assert not {"/", "@", "?", "#", "%", "\\"} & set(target.host)
