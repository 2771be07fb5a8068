"""From which address a request comes, also when proxies stand between."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from aiohttp import web

from app.keys import ADDRESS, SETTINGS

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def address_of(request: web.BaseRequest) -> str:
    """Return the caller's address; "" when the connection has none."""
    known: str = request.get(ADDRESS) or request.remote or ""
    return known


def find_address(request: web.Request) -> str:
    """Return the caller's address, believing X-Forwarded-For as far as trusted proxies wrote it.

    Each proxy adds at the end whom it heard, so what is left of the first one that is not trusted
    may be anybody's invention.
    """
    peer = request.remote or ""
    trusted = _networks(request.app[SETTINGS].trusted_proxies)
    if not _is_in(peer, trusted):
        return peer
    heard = [
        part.strip()
        for line in request.headers.getall("X-Forwarded-For", [])
        for part in line.split(",")
    ]
    for said in reversed(heard):
        address = _address(said)
        if address is None:
            break
        peer = address
        if not _is_in(peer, trusted):
            break
    return peer


@lru_cache(maxsize=8)
def _networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text, strict=False) for text in texts)


def _is_in(address: str, networks: Sequence[Network]) -> bool:
    if not networks:
        return False
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return False
    plain = getattr(known, "ipv4_mapped", None) or known
    return any(plain in network for network in networks)


def _address(said: str) -> str | None:
    """Return the address in an entry, which may name a port; None for what is not one."""
    text = said
    if said.startswith("["):
        text = said[1:].partition("]")[0]
    elif said.count(":") == 1:
        text = said.partition(":")[0]
    try:
        return str(ipaddress.ip_address(text.partition("%")[0]))  # a zone may be any words
    except ValueError:
        return None
