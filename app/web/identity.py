"""Who is asking, and from where: cookies, bearer tokens, and the sites that may use them."""

import re
from dataclasses import replace
from urllib.parse import urlsplit

from aiohttp import web

from app.core.errors import CrossSite, InvalidRequest, NotAllowed, NotAuthenticated
from app.core.permissions import Action, Viewer, may, obstacle
from app.core.times import DAY_MS
from app.keys import CREDENTIALS, SETTINGS, TICKETS, VIEWER
from app.store.secrets import TOKEN_PREFIX
from app.web.wire import shown

COOKIE = "livetrail_session"
SHARE_COOKIE = "livetrail_share"
OVER_TLS = "s."  # before the secret of a session that began over TLS, so that it stays there
HOST = re.compile(r"[A-Za-z0-9._~%\-\[\]:]{0,255}")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
RENEWED = web.RequestKey("renewed", str)  # a session's secret whose cookie is to be sent again


async def recognise(request: web.Request) -> Viewer | None:
    """Return who asks, by bearer token or by cookie; None for nobody.

    A bearer token that is not good is nobody, even beside a good cookie. Somebody who is signed
    in and has opened a share link sees both what is theirs and what was shared.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        if token.startswith(TOKEN_PREFIX):
            return await request.app[CREDENTIALS].by_token(token.strip())
        return await _guest(request, token.strip())
    viewer = await _signed_in(request)
    guest = await _guest(request, request.cookies.get(SHARE_COOKIE, ""))
    if viewer is None or guest is None:
        return viewer or guest
    return replace(viewer, guest=guest)


async def _signed_in(request: web.Request) -> Viewer | None:
    secret = session_secret(request)
    if not secret:
        return None
    session = await request.app[CREDENTIALS].by_session(secret)
    if session is None:
        return None
    viewer, prolonged = session
    if prolonged:
        request[RENEWED] = secret
    return viewer


async def _guest(request: web.Request, token: str) -> Viewer | None:
    """Return whom the token of a share link lets in; None for none."""
    share_id = request.app[TICKETS].read_share(token) if token else None
    return None if share_id is None else await request.app[CREDENTIALS].by_share(share_id)


async def recognise_listener(request: web.Request) -> Viewer | None:
    """Return who wants to listen, also by a ticket or a listen-only token in `?token=`."""
    token = request.query.get("token")
    viewer = maybe_viewer(request)
    if token is None or (viewer is not None and "Authorization" in request.headers):
        return viewer
    return await listener_with(request.app, token)


async def listener_with(app: web.Application, token: str) -> Viewer | None:
    """Return whom a ticket, which is used up by it, or a listen-only token lets in."""
    tickets, credentials = app[TICKETS], app[CREDENTIALS]
    via = tickets.take(token)
    if via is not None:
        return await credentials.by_ticket(via)
    listen = tickets.read_listen(token)
    return None if listen is None else await credentials.by_listen_token(*listen)


async def listener_for(request: web.Request) -> Viewer:
    """Return who wants to listen. Raises NotAuthenticated, and NotAllowed, naming what is missing.

    A ticket in `?token=` is used up by it.
    """
    viewer = await recognise_listener(request)
    if viewer is None:
        raise NotAuthenticated
    if why := obstacle(viewer, "listen"):
        raise NotAllowed(why=why)
    return viewer


def maybe_viewer(request: web.Request) -> Viewer | None:
    """Return who asks; None for nobody."""
    viewer: Viewer | None = request.get(VIEWER)
    return viewer


def viewer_of(request: web.Request) -> Viewer:
    """Return who asks. Raises NotAuthenticated."""
    viewer = maybe_viewer(request)
    if viewer is None:
        raise NotAuthenticated
    return viewer


def viewer_for(request: web.Request, action: Action) -> Viewer:
    """Return who asks, when what they came by is good for `action`.

    Raises NotAuthenticated, and NotAllowed that names what is missing.
    """
    viewer = viewer_of(request)
    why = obstacle(viewer, action)
    if why:
        raise NotAllowed(why=why)
    return viewer


def owner_for(request: web.Request, action: Action) -> Viewer:
    """Return who asks, when they may do `action` to things of their own: no share link has any.

    Raises NotAuthenticated, NotAllowed.
    """
    viewer = viewer_for(request, action)
    if not may(viewer, action):
        raise NotAllowed(why="a share link shows one job or batch")
    return viewer


def session_secret(request: web.Request) -> str:
    """Return the secret of the browser's session; "" when it has none."""
    return request.cookies.get(COOKIE, "").removeprefix(OVER_TLS)


def set_cookie(request: web.Request, response: web.StreamResponse, secret: str) -> None:
    """Give the browser its session. The cookie can not be read by scripts or sent by others.

    A page that came over TLS says so in its Origin, also when a proxy speaks TLS for us. A request
    for a page has none; then the cookie itself tells where it began.
    """
    is_secure = _is_over_tls(request) or request.cookies.get(COOKIE, "") == OVER_TLS + secret
    value = OVER_TLS + secret if is_secure else secret
    lasts_s = request.app[SETTINGS].session_days * DAY_MS // 1000
    _set(response, COOKIE, value, lasts_s, is_secure)


def set_share_cookie(
    request: web.Request, response: web.StreamResponse, token: str, lasts_s: int
) -> None:
    """Give the browser a share link's token, as safely as a session."""
    _set(response, SHARE_COOKIE, token, lasts_s, _is_over_tls(request))


def take_cookies_back(request: web.Request, response: web.StreamResponse) -> None:
    """Make the browser forget its session, and the share link it opened."""
    for name in (COOKIE, SHARE_COOKIE):
        if name in request.cookies:
            response.del_cookie(name, path="/", httponly=True, samesite="Lax")


def _is_over_tls(request: web.Request) -> bool:
    return request.secure or request.headers.get("Origin", "").startswith("https://")


def _set(
    response: web.StreamResponse, name: str, value: str, lasts_s: int, is_secure: bool
) -> None:
    response.set_cookie(
        name, value, max_age=lasts_s, path="/", secure=is_secure, httponly=True, samesite="Lax"
    )


def demand_host(request: web.Request) -> None:
    """Refuse a request that calls us what nobody can be called. Raises InvalidRequest.

    What it calls us is told on: in links, in descriptions, in the policy of pages.
    """
    host = request.headers.get("Host")
    if host is not None and not HOST.fullmatch(host):
        raise InvalidRequest(what="the header Host names no host")


def is_allowed_origin(request: web.Request, origin: str) -> bool:
    """Tell whether `origin` is our own site, or one that the operator named."""
    return origin in request.app[SETTINGS].allowed_origins or is_own_origin(request, origin)


def is_own_origin(request: web.Request, origin: str) -> bool:
    """Tell whether `origin` is our own site.

    Only host and port are compared: a proxy may speak TLS for us.
    """
    try:
        parts = urlsplit(origin)
    except ValueError:  # a bracket that is not closed, and the like
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == request.host.lower()


def origin_of(request: web.Request) -> str:
    """Return our own address, as whoever asks knows it."""
    origin = request.headers.get("Origin", "")
    return origin if is_own_origin(request, origin) else f"{request.scheme}://{request.host}"


def demand_known_origin(request: web.Request) -> None:
    """Refuse what a page of another site wants to hear, whatever it came by. Raises CrossSite.

    It could read nothing, but what it keeps waiting takes the seats of whoever looks at it. A
    picture or a new window has no Origin; the browser says where it belongs all the same.
    """
    origin = request.headers.get("Origin")
    fetch_site = request.headers.get("Sec-Fetch-Site")
    if origin is not None and not is_allowed_origin(request, origin):
        raise CrossSite(origin=shown(origin, 200))
    if origin is None and fetch_site in ("cross-site", "same-site"):
        raise CrossSite(origin=fetch_site)


def demand_same_site(request: web.Request) -> None:
    """Refuse an unsafe request that another site made a browser send.

    Raises CrossSite for a foreign Origin, and for a request with a cookie of ours that does not
    say where it comes from. Bearer tokens are not sent by browsers on their own, and need none.
    """
    if request.headers.get("Authorization", "").lower().startswith("bearer "):
        return
    origin = request.headers.get("Origin")
    fetch_site = request.headers.get("Sec-Fetch-Site")
    if origin is not None and origin != "null":
        if not is_allowed_origin(request, origin):
            raise CrossSite(origin=shown(origin, 200))
    elif fetch_site is not None:
        if fetch_site not in ("same-origin", "none"):
            raise CrossSite(origin=shown(fetch_site, 40))
    elif origin is not None or COOKIE in request.cookies or SHARE_COOKIE in request.cookies:
        raise CrossSite(origin=origin or "not said")
