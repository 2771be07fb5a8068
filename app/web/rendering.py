"""How a page is made: its frame, its template, and the policy under which it is shown."""

from typing import Any

import aiohttp_jinja2
from aiohttp import web

from app.core.permissions import may
from app.keys import DATABASE, VIEWER
from app.web import views
from app.web.identity import HOST
from app.web.static import STATIC, STYLE_SHEET

THEMES = frozenset({"light", "dark"})
THEME_COOKIE = "livetrail_theme"
MODULES = {
    "files": "js/pages/files.js",
    "job": "js/pages/job.js",
    "gate": "js/pages/gate.js",
    "forms": "js/pages/forms.js",
    "operations": "js/pages/operations.js",
}


def policy(host: str) -> str:
    """Return the Content-Security-Policy of a page: its own files, and its own sockets.

    host  of the request; some browsers do not count ws: among 'self'
    """
    sockets = f" ws://{host} wss://{host}" if host and HOST.fullmatch(host) else ""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        f" connect-src 'self'{sockets}; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    )


def render(request: web.Request, template: str, page: Any, status: int = 200) -> web.Response:
    """Return `page` in its template, under the pages' own policy."""
    response = aiohttp_jinja2.render_template(template, request, {"page": page}, status=status)
    response.headers["Content-Security-Policy"] = policy(request.host)
    return response


def shell_of(request: web.Request, script: str | None) -> views.Shell:
    """Return the frame of a page for whoever asks.

    script  key of MODULES; None for a page without one
    """
    files = request.app[STATIC]
    viewer = request.get(VIEWER)
    theme = request.cookies.get(THEME_COOKIE, "")
    modules = files.modules(MODULES[script]) if script else []
    return views.Shell(
        theme=theme if theme in THEMES else "",
        user_name=viewer.name if viewer and viewer.shared is None else "",
        operates=may(viewer, "operate"),
        log=request.app[DATABASE].log_id if viewer else "",
        css=files.url(STYLE_SHEET),
        modules=tuple(files.url(path) for path in modules),
    )
