"""Which addresses are of the open internet, and which may be called."""

import pytest

from app.core.addresses import LOCAL_LINK, PRIVATE, is_public, why_refused


@pytest.mark.parametrize(
    "address",
    [
        "93.184.216.34",
        "2606:4700::1111",
        "::ffff:93.184.216.34",
        "64:ff9b::5db8:d822",
        "2a00:1450:4001:80b::200e",
        "2001:0:5db8:d822::a247:27dd",  # Teredo: 93.184.216.34 by way of itself
    ],
)
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.251",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::a9fe:a9fe",  # 169.254.169.254, translated
        "2002:7f00:1::",  # 127.0.0.1 by 6to4
        "::127.0.0.1",  # IPv4 compatible, as nobody writes it any more
        "::ffff:0:127.0.0.1",  # translated without a prefix of its own
        "64:ff9b:1::7f00:1",  # a network's own translation
        "fec0::1",  # site-local
        "2600:1f00::5efe:a00:1",  # ISATAP, which ends in 10.0.0.1
        "2600:1f00::200:5efe:7f00:1",
        "3fff::1",  # of examples
        "5f00::1",
        "192.88.99.1",
        "2001:0:a00:1::a247:27dd",  # Teredo, whose server is 10.0.0.1
        "2001:0:5db8:d822::f5ff:fffe",  # Teredo, whose client is 10.0.0.1
    ],
)
def test_private_addresses_are_not_however_they_are_written(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "2130706433", "0x7f000001", "::g"])
def test_what_is_no_address_is_not_public(text: str) -> None:
    assert not is_public(text)


@pytest.mark.parametrize("allow_private", [False, True])
@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "169.254.170.2",
        "fe80::1",
        "fe80::a9fe:a9fe%eth0",
        "168.63.129.16",
        "100.100.100.200",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd20:ce::254",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",  # translated
        "64:ff9b:1::a9fe:a9fe",  # by a network's own translation
        "2002:a9fe:a9fe::",  # by 6to4
        "::200:5efe:a9fe:a9fe",  # ISATAP
    ],
)
def test_where_machines_in_a_cloud_are_told_their_keys_nobody_is_let(
    address: str, allow_private: bool
) -> None:
    assert why_refused(address, allow_private=allow_private) == LOCAL_LINK
    assert not is_public(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "192.168.1.1", "::1", "fd00::1"])
def test_private_addresses_are_for_the_operator_to_open(address: str) -> None:
    assert why_refused(address, allow_private=True) == ""
    assert why_refused(address, allow_private=False) == PRIVATE


def test_what_is_open_is_open_to_all_and_what_is_no_address_to_nobody() -> None:
    assert why_refused("93.184.216.34", allow_private=False) == ""
    assert why_refused("example.com", allow_private=True) == PRIVATE
