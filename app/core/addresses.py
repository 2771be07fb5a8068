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
OWN_TRANSLATED = IPv6Network("64:ff9b:1::/48")  # RFC 8215: the same, as a network has it for itself
GLOBAL = IPv6Network("2000::/3")  # RFC 4291: what else there is leads to no place of the internet
EXAMPLES = IPv6Network("3fff::/20")  # RFC 9637; Python may not know it yet
RELAYS = IPv4Network("192.88.99.0/24")  # RFC 7526: given up, and answered by whoever is nearest
TUNNELLED = frozenset({0x00005EFE, 0x02005EFE})
"""RFC 5214 (ISATAP): the third quarter of an IPv6 address that ends in an IPv4 one."""
PRIVATE = "it is an address of this machine or of a private network"
LOCAL_LINK = "machines in a cloud are told their keys there"
KEYS_ARE_TOLD_AT = (
    # Beside the link-local addresses, at which nearly all of them do.
    IPv4Network("168.63.129.16/32"),  # Azure
    IPv4Network("100.100.100.200/32"),  # Alibaba
    IPv4Network("192.0.0.192/32"),  # Oracle
    IPv6Network("fd00:ec2::/32"),  # Amazon
    IPv6Network("fd20:ce::254/128"),  # Google
)


def why_refused(address: str, *, allow_private: bool) -> str:
    """Return why no connection may go to `address`, an IP address; "" when one may.

    allow_private  this machine and private networks are open too. What a network gives each of its
                   machines (link-local addresses, the keys of a cloud) never is: no service of
                   anybody's is there
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return PRIVATE
    if any(_tells_keys(one) for one in (parsed, *_meant(parsed))):
        return LOCAL_LINK
    return "" if allow_private or is_public(address) else PRIVATE


def _tells_keys(address: IPv4Address | IPv6Address) -> bool:
    return address.is_link_local or any(address in network for network in KEYS_ARE_TOLD_AT)


def is_public(address: str) -> bool:
    """Tell whether `address` (IPv4 or IPv6, maybe with a zone) is one of the open internet.

    Loopback, private, link-local, shared, reserved and multicast ones are not, nor those at which a
    cloud tells keys; nor is an IPv6 address by which one of those is reached. What is no address is
    not public.
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(_is_open(one) for one in _meant(parsed))


def _is_open(address: IPv4Address | IPv6Address) -> bool:
    if not address.is_global or address.is_multicast or _tells_keys(address):
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
    if address in OWN_TRANSLATED or int(address) >> 32 & 0xFFFFFFFF in TUNNELLED:
        return [address, ending]
    return [address]
