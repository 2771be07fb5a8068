"""Which plugins there are, before any of them is asked what it adds. None of their code runs."""

import importlib.util
import stat
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from app.core.plugins import NAME, Plugin
from app.settings import Settings

GROUP = "livetrail"
BAD_NAME = "its name has to be small letters, digits and _, and begin with a letter"


def find_plugins(settings: Settings) -> tuple[Plugin, ...]:
    """Return every plugin, not asked yet what it adds, or with why it is not to be asked.

    Those of the data folder come first, each kind by name. Reads folders, so it blocks.
    """
    if not settings.plugins:
        return ()
    return (*_in_folder(settings.plugins_dir), *_installed())


def _in_folder(folder: Path) -> Iterator[Plugin]:
    """Yield the modules and packages of the data folder's own plugins."""
    try:
        paths = sorted(folder.iterdir()) if folder.is_dir() else []
    except OSError as error:
        unreadable = Plugin(name="plugins", source="folder", path=str(folder), module="")
        yield unreadable.broken(f"the folder can not be read: {error.strerror}")
        return
    for path in paths:
        if path.name.startswith((".", "_")):
            continue
        name = path.name.removesuffix(".py")
        plugin = Plugin(
            name=name, source="folder", path=str(path), module=f"livetrail_plugin_{name}"
        )
        try:
            if path.suffix == ".py" or (path.is_dir() and (path / "__init__.py").is_file()):
                yield _looked_at(plugin, folder, path)
        except (OSError, RuntimeError) as error:  # closed to the server, or a link to itself
            yield plugin.broken(f"it can not be looked at: {error}")


def _looked_at(plugin: Plugin, folder: Path, path: Path) -> Plugin:
    """Return the plugin, or why it is not used. Raises OSError, RuntimeError."""
    if not NAME.fullmatch(plugin.name):
        return plugin.broken(BAD_NAME)
    if open_one := _open_to_all(folder, path):
        return plugin.broken(f"everybody may write to {open_one.name}; try chmod o-w")
    return plugin.model_copy(update={"path": str(path.resolve())})


def _open_to_all(folder: Path, plugin: Path) -> Path | None:
    """Return what of a plugin everybody on this machine may write to; None for nothing of it.

    Its code runs as the server: whoever may write to it would be the operator.
    """
    parts = (folder, plugin, *(plugin.rglob("*") if plugin.is_dir() else ()))
    return next((one for one in parts if one.exists() and one.stat().st_mode & stat.S_IWOTH), None)


def _installed() -> Iterator[Plugin]:
    """Yield what packages of this environment name as entry points."""
    for point in sorted(entry_points(group=GROUP), key=lambda one: one.name):
        version = point.dist.version if point.dist else ""
        plugin = Plugin(name=point.name, source="package", path="", module="", version=version)
        try:
            at = {"path": _path_of(point), "module": point.module, "attribute": point.attr or ""}
        except (ImportError, ValueError, AttributeError) as error:  # the last: it names nothing
            yield plugin.broken(f"its package can not be found: {error}")
            continue
        plugin = plugin.model_copy(update=at)
        yield plugin if NAME.fullmatch(point.name) else plugin.broken(BAD_NAME)


def _path_of(point: EntryPoint) -> str:
    """Return where its package or module lies, without importing it. Raises ImportError."""
    top = point.module.partition(".")[0]
    spec = importlib.util.find_spec(top)
    if spec is None or spec.origin is None:
        raise ImportError(f"no module named {top}")
    folders = list(spec.submodule_search_locations or ())
    return str(Path(folders[0] if folders else spec.origin).resolve())
