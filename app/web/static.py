"""Static files: read once at start, named by their content, compressed once, cached for ever.

The style sheets are joined into one in the order of STYLES; a few pages have one more. A page's
modules are found by following their imports, so that a page can preload them all.
"""

import gzip
import hashlib
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

STYLES = (
    "tokens",
    "base",
    "layout",
    "icons",
    "controls",
    "connection",
    "rail",
    "batch",
    "file",
    "feed",
    "job",
    "table",
    "gate",
)
PAGE_STYLES = ("panels", "document", "rows")  # what few pages need; sent on their own

STYLE_SHEET = "app.css"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
}
FOR_EVER = "public, max-age=31536000, immutable"
WORTH_COMPRESSING = 400
IMPORT = re.compile(
    r"""(?:^|;)\s*(?:import|export)\b[^;'"]*?['"](\.{1,2}/[^'"]+\.js)['"]""", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent. `packed` is its gzip form, None where that would not be shorter."""

    body: bytes
    packed: bytes | None
    media_type: str


class StaticFiles:
    """Everything under static/, in memory: some hundred kilobytes.

    version  changes whenever any of them does
    """

    def __init__(self, assets: dict[str, Asset]) -> None:
        self._assets = assets
        self._modules: dict[str, list[str]] = {}
        digest = hashlib.sha256()
        for path in sorted(assets):
            digest.update(path.encode() + b"\0" + assets[path].body + b"\0")
        self.version = digest.hexdigest()[:12]

    @classmethod
    def load(cls, folder: Path) -> "StaticFiles":
        """Read `folder`. Raises OSError when it, or one of STYLES, can not be read."""
        found = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.suffix in TYPES
        }
        sheets = [(folder / "css" / f"{name}.css").read_bytes() for name in STYLES]
        found[STYLE_SHEET] = b"\n".join(sheets)
        return cls({path: _asset(path, body) for path, body in found.items()})

    def get(self, path: str) -> Asset | None:
        return self._assets.get(path)

    def url(self, path: str) -> str:
        """Return where `path` is served. Raises KeyError when there is no such file."""
        if path not in self._assets:
            raise KeyError(f"no static file {path}")
        return f"/static/{self.version}/{path}"

    def modules(self, entry: str) -> list[str]:
        """Return `entry` and every module it imports, directly or not, each once.

        To look takes milliseconds, so it is done once. Raises KeyError when one does not exist.
        """
        if entry not in self._modules:
            seen = [entry]
            for path in seen:
                seen.extend(found for found in self._imports(path) if found not in seen)
            self._modules[entry] = seen
        return self._modules[entry]

    def _imports(self, path: str) -> Iterator[str]:
        text = self._assets[path].body.decode()
        for relative in IMPORT.findall(text):
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), relative))
            if target not in self._assets:
                raise KeyError(f"{path} imports {relative}, which does not exist")
            yield target


COMMENTS = re.compile(r"^[ \t]*(?:/\*.*?\*/|//[^\n]*)[ \t]*$", re.MULTILINE | re.DOTALL)
TYPED = re.compile(r"/\*\* @[^*\n]*\*/ ?")
# Behind code whose quotes are closed, and holding none itself: surely no part of a string.
BEHIND = re.compile(
    r"""^((?:[^"'`/\n]|"[^"\n]*"|'[^'\n]*'|`[^`\n]*`|/(?!/))*?)[ ]+//[ ][^"'`\n]*$""", re.MULTILINE
)
BLANKS = re.compile(r"^\s+", re.MULTILINE)


# A line that surely goes on, or has ended; one that may hold a comment is left alone.
GOES_ON = re.compile(r"^((?:(?!//)[^\n])*[{(\[,;])\n", re.MULTILINE)


def joined(module: str) -> str:
    """Return a slimmed module, each line that ends in `{`, `(`, `[`, `,` or `;` with the next."""
    return GOES_ON.sub(r"\1", module)


def slimmed(text: str) -> str:
    """Return a module or style sheet without indentation, blank lines, comments and types.

    Sources are written for people and a third of them is commentary; what is sent is not.
    No string of ours goes over several lines or looks like a type, which tests make sure of.
    """
    return BLANKS.sub("", BEHIND.sub(r"\1", TYPED.sub("", COMMENTS.sub("", text))))


AROUND = re.compile(r"\s*([{};])\s*")
BEHIND_SIGN = re.compile(r"([:,]) +|;(})")


def squeezed(sheet: str) -> str:
    """Return a style sheet without comments, and without spaces that mean nothing.

    None of our quoted values holds a brace, a semicolon, or a space behind a colon or a comma,
    which a test makes sure of.
    """
    return BEHIND_SIGN.sub(r"\1\2", AROUND.sub(r"\1", slimmed(sheet)))


def _asset(path: str, body: bytes) -> Asset:
    if path.endswith(".js"):
        body = joined(slimmed(body.decode())).encode()
    elif path.endswith(".css"):
        body = squeezed(body.decode()).encode()
    packed = gzip.compress(body, 9, mtime=0) if len(body) >= WORTH_COMPRESSING else b""
    return Asset(
        body=body,
        packed=packed if 0 < len(packed) < len(body) else None,
        media_type=TYPES[Path(path).suffix],
    )


STATIC = web.AppKey("static", StaticFiles)


async def static_file(request: web.Request) -> web.Response:
    """GET /static/{version}/{path}: the file, to be kept for ever under that address.

    A page of an older version gets today's file under its old address, but may not keep it.
    """
    files = request.app[STATIC]
    asset = files.get(request.match_info["path"])
    if asset is None:
        raise web.HTTPNotFound
    current = request.match_info["version"] == files.version
    return asset_response(request, asset, {"Cache-Control": FOR_EVER if current else "no-cache"})


def asset_response(request: web.Request, asset: Asset, headers: Mapping[str, str]) -> web.Response:
    """Return `asset` as an answer, packed where whoever asks can unpack it."""
    told = {**headers, "Content-Type": asset.media_type, "Vary": "Accept-Encoding"}
    if asset.packed is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
        return web.Response(body=asset.packed, headers={**told, "Content-Encoding": "gzip"})
    return web.Response(body=asset.body, headers=told)
