"""Where a request comes from, as far as it is counted; and where one of ours may go."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import (
    AddressValueError,
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)


@lru_cache(maxsize=4096)
def source_of(address: str) -> str:
    """Return what is counted together with `address`: itself, or the /64 network of an IPv6 one.

    Whoever has one IPv6 address has all 2**64 of its network. One that stands for an IPv4 address
    is that one; what is no address is taken as it is.
    """
    if ":" not in address:
        return address
    try:
        parsed = IPv6Address(address.partition("%")[0])
    except AddressValueError:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"


TRANSLATED = IPv6Network("64:ff9b::/96")  # RFC 6052: ends in the IPv4 address it leads to
GLOBAL = IPv6Network("2000::/3")  # RFC 4291: what else there is leads to no place of the internet
EXAMPLES = IPv6Network("3fff::/20")  # RFC 9637; Python may not know it yet
RELAYS = IPv4Network("192.88.99.0/24")  # RFC 7526: given up, and answered by whoever is nearest
TUNNELLED = frozenset({0x00005EFE, 0x02005EFE})
"""RFC 5214 (ISATAP): the third quarter of an IPv6 address that ends in an IPv4 one."""


def is_public(address: str) -> bool:
    """Tell whether `address` (IPv4 or IPv6, maybe with a zone) is one of the open internet.

    Loopback, private, link-local, shared, reserved and multicast ones are not; nor is an IPv6
    address by which one of those is reached. What is no address is not public.
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(_is_open(one) for one in _meant(parsed))


def _is_open(address: IPv4Address | IPv6Address) -> bool:
    if not address.is_global or address.is_multicast:
        return False
    if isinstance(address, IPv4Address):
        return address not in RELAYS
    return address in GLOBAL and address not in EXAMPLES


def _meant(address: IPv4Address | IPv6Address) -> Sequence[IPv4Address | IPv6Address]:
    """Return the addresses to which packets for `address` may go in the end."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address.sixtofour is not None:
        return [address.sixtofour]
    if address.teredo is not None:
        return address.teredo
    ending = IPv4Address(int(address) & 0xFFFFFFFF)
    if address in TRANSLATED:
        return [ending]
    if int(address) >> 32 & 0xFFFFFFFF in TUNNELLED:
        return [address, ending]
    return [address]
