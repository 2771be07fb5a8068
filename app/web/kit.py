"""The kits for pages and programs of others: as packages, and as modules that pages import.

Our own pages load the same modules under addresses that name their content (see static.py).
"""

import gzip
import hashlib
import io
import tarfile
from pathlib import Path

from aiohttp import web

from app.web.static import STATIC, asset_response
from app.web.wheel import Wheel

PACKAGE = web.AppKey("package", bytes)
WHEEL = web.AppKey("wheel", Wheel)
PACKED_S = 499_162_500  # 26 October 1985, as npm itself writes into its packages
# Anybody may read what is open to everybody, also from a page of another site.
ANYWHERE = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}


def make_package(folder: Path) -> bytes:
    """Return the files of `folder` as npm expects a package: the same bytes for the same files.

    Raises OSError when they can not be read.
    """
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            body = path.read_bytes()
            entry = tarfile.TarInfo(f"package/{path.relative_to(folder).as_posix()}")
            entry.size, entry.mtime, entry.mode = len(body), PACKED_S, 0o644
            archive.addfile(entry, io.BytesIO(body))
    return gzip.compress(packed.getvalue(), 9, mtime=0)


async def package(request: web.Request) -> web.Response:
    """GET /static/sdk.tgz: the JavaScript kit as `npm install` takes it."""
    return _packed(request, request.app[PACKAGE], "application/gzip")


async def wheel(request: web.Request) -> web.Response:
    """GET /static/livetrail-{version}.whl: the Python client as `pip install` takes it.

    Tools read name and version out of the address. There is one version, this server's.
    """
    made = request.app[WHEEL]
    if request.match_info["filename"] != made.filename:
        raise web.HTTPNotFound
    return _packed(request, made.body, "application/zip")


def _packed(request: web.Request, body: bytes, content_type: str) -> web.Response:
    etag = hashlib.sha256(body).hexdigest()[:32]
    headers = {**ANYWHERE, "Cache-Control": "no-cache", "ETag": f'"{etag}"'}
    if any(known.value in (etag, "*") for known in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, content_type=content_type, headers=headers)


async def module(request: web.Request) -> web.Response:
    """GET /static/sdk/{path}: one module of the kit, of whatever version this server has."""
    files = request.app[STATIC]
    asset = files.get(f"sdk/{request.match_info['path']}")
    if asset is None:
        raise web.HTTPNotFound
    etag = hashlib.sha256(asset.body).hexdigest()[:32]
    headers = {**ANYWHERE, "Cache-Control": "no-cache", "ETag": f'W/"{etag}"'}
    if any(known.value in (etag, "*") for known in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    return asset_response(request, asset, headers)
