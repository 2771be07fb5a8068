"""Importing a plugin and asking its hooks. Only ever done in a process of its own."""

import importlib
import importlib.util
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from app import plugins
from app.core.plugins import Kind, Part, Plugin

HOOKS: Mapping[str, tuple[Kind, type[Any]]] = {
    "livetrail_steps": ("step", plugins.Step),
    "livetrail_readers": ("reader", plugins.Reader),
    "livetrail_scanners": ("scanner", plugins.Scanner),
    "livetrail_categorisers": ("categoriser", plugins.Categoriser),
    "livetrail_exporters": ("exporter", plugins.Exporter),
    "livetrail_notifiers": ("notifier", plugins.Notifier),
}
MESSAGES: Mapping[Kind, tuple[str, str]] = {
    "step": ("{label}...", "{label}: done"),
    "reader": ("Reading your file with {label}...", "{label} has read {{rows}} rows"),
    "scanner": ("Checking your file with {label}...", "{label} found nothing harmful"),
    "categoriser": ("Asking {label} for categories...", "{label} knew {{known}} of {{groups}}"),
    "exporter": ("{label}", "{label}"),
    "notifier": ("{label}", "{label}"),
}
COPIED = ("after", "plans", "rows", "required", "ending", "media_type", "types")


class NoPlugin(Exception):
    """It is no plugin that can be used; the text says why."""


def load(plugin: Plugin) -> ModuleType | Any:
    """Import what holds the plugin's hooks. Raises whatever its code raises."""
    top, _, _ = plugin.module.partition(".")
    path = Path(plugin.path)
    start = path / "__init__.py" if path.is_dir() else path
    folders = [str(path)] if path.is_dir() else None
    spec = importlib.util.spec_from_file_location(top, start, submodule_search_locations=folders)
    if spec is None or spec.loader is None:
        raise NoPlugin("it is no Python module")
    module = sys.modules[top] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    held: Any = importlib.import_module(plugin.module)
    for name in filter(None, plugin.attribute.split(".")):
        held = getattr(held, name)
    return held


def declarations(plugin: Plugin) -> Iterable[tuple[Kind, Any]]:
    """Yield what the plugin's hooks return, each with its kind. Raises what its code raises."""
    manager = pluggy.PluginManager(plugins.PROJECT)
    manager.add_hookspecs(plugins.Hooks)
    try:
        manager.register(load(plugin), plugin.name)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise NoPlugin(str(error).splitlines()[-1]) from error
    for name, (kind, shape) in HOOKS.items():
        for returned in getattr(manager.hook, name)():
            for declared in returned:
                if not isinstance(declared, shape):
                    raise NoPlugin(f"{name} returned {declared!r}, which is no {shape.__name__}")
                yield kind, declared


def parts_of(plugin: Plugin) -> tuple[Part, ...]:
    """Return what the plugin adds, as data. Raises NoPlugin, ValueError, and what it raises."""
    found = tuple(_part(plugin.name, kind, one) for kind, one in declarations(plugin))
    if not found:
        raise NoPlugin(f"it has none of the hooks {', '.join(HOOKS)}")
    keys = [part.key for part in found]
    if twice := next((key for key in keys if keys.count(key) > 1), None):
        raise NoPlugin(f"two of its parts are named {twice}")
    return found


def function_of(plugin: Plugin, part: str) -> Any:
    """Return the function that does the work of the part of this name.

    Raises NoPlugin where it was taken out since the server started, and what the plugin raises.
    """
    for _, declared in declarations(plugin):
        if declared.name == part:
            return declared.run
    raise NoPlugin(f"it has no part {part} any more; start the server again")


def _part(plugin: str, kind: Kind, declared: Any) -> Part:
    name = str(declared.name)
    label = declared.label or name.replace("_", " ").capitalize()
    message, done = (words.format(label=label) for words in MESSAGES[kind])
    more = {key: getattr(declared, key) for key in COPIED if hasattr(declared, key)}
    if kind == "reader":
        more["endings"] = [str(one).lower().lstrip(".") for one in declared.endings]
        more["magic"] = bytes(declared.magic).hex()
    if kind == "exporter":
        more["ending"] = str(declared.ending).lower().lstrip(".")
    return Part(
        plugin=plugin,
        kind=kind,
        name=name,
        label=label,
        message=getattr(declared, "message", "") or message,
        done=getattr(declared, "done", "") or done,
        **more,
    )
