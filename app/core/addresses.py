"""Where a request comes from, as far as it is counted."""

from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address


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
