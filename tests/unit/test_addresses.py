"""Which addresses are of the open internet."""

import pytest

from app.core.addresses import is_public


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
