"""The Python client as a package of its own, for programs that have nothing else of Livetrail.

It is made of the very modules that the command line uses, under the name `livetrail`: many programs
have an `app` themselves.
"""

import ast
import base64
import hashlib
import io
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from app import __version__

NAME = "livetrail"
BEGINS_WITH = ("app.client", "app.commands")
REQUIRES = ("aiohttp>=3.11", "pydantic>=2.10", "watchfiles>=1.0")
"""What its modules import beside the standard library; tried with the oldest of each."""
PACKED = (1985, 10, 26, 8, 15, 0)  # one moment, so that the same modules make the same bytes
IMPORTED = re.compile(r"^(\s*(?:from|import) )app(?=[. ])", re.M)

_MAIN = f"""\
from {NAME}.commands import main

raise SystemExit(main())
"""


class Wheel(NamedTuple):
    filename: str
    body: bytes


def make_wheel(folder: Path) -> Wheel:
    """Return the client below `folder`, that of `app`: the same bytes for the same modules.

    The layout is that of the binary distribution format (PEP 427). Raises OSError when a module can
    not be read.
    """
    files = {
        f"{NAME}/{path.relative_to(folder).as_posix()}": _renamed(path.read_text(encoding="utf-8"))
        for path in sorted(modules(folder).values())
    }
    own = files[f"{NAME}/client/__init__.py"]
    files[f"{NAME}/__init__.py"] = f'{own}\n__version__ = "{__version__}"\n'
    files[f"{NAME}/__main__.py"] = _MAIN
    files[f"{NAME}/py.typed"] = ""
    described = f"{NAME}-{__version__}.dist-info"
    files[f"{described}/METADATA"] = _metadata()
    files[f"{described}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: {NAME} {__version__}\n"
        "Root-Is-Purelib: true\nTag: py3-none-any\n"
    )
    files[f"{described}/entry_points.txt"] = f"[console_scripts]\n{NAME} = {NAME}.commands:main\n"
    files[f"{described}/licenses/LICENSE"] = (folder.parent / "LICENSE").read_text(encoding="utf-8")
    record = f"{described}/RECORD"
    files[record] = "".join(f"{_recorded(name, text)}\n" for name, text in files.items())
    files[record] += f"{record},,\n"
    return Wheel(f"{NAME}-{__version__}-py3-none-any.whl", _zipped(files))


def modules(folder: Path) -> dict[str, Path]:
    """Return the modules that the client needs, by name, with the packages that they lie in.

    `folder` is that of `app`. Raises OSError when one can not be read.
    """
    found: dict[str, Path] = {}
    ahead = list(BEGINS_WITH)
    while ahead:
        name = ahead.pop()
        if name in found or (path := _file_of(folder, name)) is None:
            continue
        found[name] = path
        ahead.append(name.rpartition(".")[0])
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                ahead.append(node.module)
                ahead.extend(f"{node.module}.{alias.name}" for alias in node.names)
            elif isinstance(node, ast.Import):
                ahead.extend(alias.name for alias in node.names)
    return found


def _file_of(folder: Path, name: str) -> Path | None:
    """Return the file of a module of `app`; None for names of anything else."""
    first, *rest = name.split(".")
    if first != "app" or not rest:
        return None
    place = folder.joinpath(*rest)
    for path in (place.with_suffix(".py"), place / "__init__.py"):
        if path.is_file():
            return path
    return None


def _renamed(source: str) -> str:
    return IMPORTED.sub(rf"\g<1>{NAME}", source)


def _metadata() -> str:
    required = "".join(f"Requires-Dist: {one}\n" for one in REQUIRES)
    return (
        f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {__version__}\n"
        "Summary: Gives files to a Livetrail server, and follows what happens to them\n"
        f"License: Apache-2.0\nRequires-Python: >=3.11\n{required}"
    )


def _recorded(name: str, text: str) -> str:
    body = text.encode()
    digest = base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(body)}"


def _zipped(files: Mapping[str, str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name, PACKED)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, text.encode())
    return packed.getvalue()
