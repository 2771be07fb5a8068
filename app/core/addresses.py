"""Where a request comes from, as far as it is counted; and where one of ours may go."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address, IPv6Network, ip_address


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


def is_public(address: str) -> bool:
    """Tell whether `address` (IPv4 or IPv6, maybe with a zone) is one of the open internet.

    Loopback, private, link-local, shared, reserved and multicast ones are not; nor is an IPv6
    address by which one of those is reached. What is no address is not public.
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(one.is_global and not one.is_multicast for one in _meant(parsed))


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
    if address in TRANSLATED:
        return [IPv4Address(int(address) & 0xFFFFFFFF)]
    return [address]
