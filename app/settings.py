"""Every setting, its default, its unit, and where its value came from.

Flags come first, then LIVETRAIL_* variables, then a TOML file, then the defaults below.
"""

import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from app.core.model_names import check_address, model_names

PREFIX = "LIVETRAIL_"
# Read by the tests and by load_settings itself; not settings of the server.
NOT_SETTINGS = frozenset(
    {
        "LIVETRAIL_CONFIG",
        "LIVETRAIL_URL",  # of commands.py, which talk to a server
        "LIVETRAIL_TOKEN",
        "LIVETRAIL_SAMPLES",
        "LIVETRAIL_NOTHING_SKIPS",
        "LIVETRAIL_HISTORIES",
    }
)

ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/\sA-Z]+")

CORES = os.cpu_count() or 2
GIB = 1024**3
MIB = 1024**2


class SettingsError(Exception):
    """A setting is unknown or has a value that can not be. The text says which, and what to do."""


class Settings(BaseModel):
    """All settings. Sizes are bytes, times are seconds (`_s`), unless the name says otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8080, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    data_dir: Path = Field(Path("data"), description="folder for databases, files and keys")
    allowed_origins: tuple[str, ...] = Field(
        (), description="further web origins whose pages may call and listen, comma separated"
    )
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="log level")

    max_upload_bytes: int = Field(2 * GIB, ge=1, description="largest file")
    max_files_per_batch: int = Field(1000, ge=1, description="files in one upload")
    min_free_bytes: int = Field(
        64 * MIB, ge=0, description="uploads and reports stop below this free space"
    )
    max_report_bytes: int = Field(
        4 * MIB, ge=1024, description="largest request of a worker that reports from outside"
    )
    max_reports_per_request: int = Field(5000, ge=1, description="events in one such request")
    storage_quota_bytes: int = Field(0, ge=0, description="limit for stored files; 0 is none")
    upload_idle_s: float = Field(60.0, gt=0, description="an upload that sends nothing is ended")
    upload_expires_h: float = Field(
        24.0, gt=0, description="hours after its last byte in which an upload can be resumed"
    )
    fetch_timeout_s: float = Field(
        600.0, gt=0, description="longest time of fetching one file from an address"
    )
    max_open_uploads: int = Field(
        1000, ge=1, description="resumable uploads of one user that are not finished"
    )

    max_rows: int = Field(5_000_000, ge=1, description="rows in one file")
    max_columns: int = Field(500, ge=1, description="columns in one file")
    max_line_bytes: int = Field(1 * MIB, ge=1024, description="longest line of a text table")
    max_unpacked_bytes: int = Field(
        1 * GIB, ge=1, description="what a workbook or an archive may unpack to"
    )
    max_unpack_ratio: int = Field(100, ge=2, description="unpacked size by packed size")

    max_pages: int = Field(500, ge=1, description="pages of one document that are read")
    max_ocr_pages: int = Field(100, ge=1, description="pages of one document that need OCR")
    max_image_pixels: int = Field(50_000_000, ge=1_000_000, description="largest image, pixels")
    picture_cache_bytes: int = Field(
        256 * MIB, ge=0, description="kept pictures of pages; they are made again when needed"
    )
    max_archive_files: int = Field(2000, ge=1, description="files in one archive")
    max_archive_depth: int = Field(2, ge=1, le=5, description="archives within archives")

    confidence_threshold: float = Field(
        0.8, ge=0, le=1, description="fields read with less are asked about"
    )
    answer_within_h: float = Field(
        168.0, gt=0, description="hours after which a question takes its safe default"
    )
    models: tuple[str, ...] = Field(
        (),
        description="language models that read invoices too, comma separated; none is called"
        " unless it is named here",
    )
    phrase_model: str = Field(
        "",
        description="language model that makes sentences for steps that have none of their own;"
        " none is called unless it is named here",
    )
    model_base_url: str = Field("", description="address of an OpenAI-compatible server")
    model_api_key: str = Field(
        "", description="the key for all models, or provider=key pairs, comma separated"
    )
    model_timeout_s: float = Field(60.0, gt=0, description="longest time of one call to a model")
    model_retries: int = Field(2, ge=0, le=10, description="further calls after a failed one")

    workers: int = Field(
        max(min(2, CORES), CORES - 1), ge=1, le=64, description="jobs worked on at once"
    )
    worker_memory_bytes: int = Field(6 * GIB, ge=GIB, description="address space of a worker")
    step_timeout_s: float = Field(600.0, gt=0, description="longest time of one step")
    give_up_after_crashes: int = Field(
        3, ge=1, description="a file in one of whose steps the server itself ended this often fails"
    )
    plugins: bool = Field(
        True, description="off: no plugin is loaded, of the data folder's or of a package's"
    )
    plugin_timeout_s: float = Field(
        60.0, gt=0, description="longest time of one call of a plugin's code"
    )
    shutdown_timeout_s: float = Field(10.0, gt=0, description="a graceful stop ends within this")

    enable_websockets: bool = Field(
        True, description="off: no WebSockets; event streams and polling stay"
    )
    enable_socketio: bool = Field(
        True, description="off: no Socket.IO at /socket.io/; everything else stays"
    )
    max_websocket_connections_per_user: int = Field(
        5, ge=1, description="live connections of a user"
    )
    max_websocket_connections: int = Field(10_000, ge=1, description="live connections in all")
    websocket_heartbeat_interval: float = Field(30.0, gt=0, description="seconds between signs")
    websocket_connection_timeout: float = Field(
        300.0, gt=0, description="seconds after which a silent peer is closed"
    )
    websocket_message_rate_limit: int = Field(10, ge=1, description="messages a second, inbound")
    websocket_max_message_size: int = Field(1024, ge=128, description="bytes, inbound")
    websocket_compression: bool = Field(
        False, description="permessage-deflate for clients that offer it"
    )
    durable_name_days: int = Field(
        30, ge=1, description="days after which a client's unused name is forgotten"
    )

    log_retention_days: int = Field(
        0, ge=0, description="days after which an ended job's events are removed; 0 is never"
    )
    log_retention_bytes: int = Field(
        0, ge=0, description="above this size of the log the oldest ended jobs' go; 0 is no limit"
    )
    export_days: int = Field(
        7, ge=0, description="days after which the file of an export is removed; 0 is never"
    )
    export_quota_bytes: int = Field(
        10 * GIB, ge=0, description="above this a user's oldest exports go; 0 is no limit"
    )
    audit_days: int = Field(90, ge=1, description="days for which the audit log is kept")

    requests_per_minute: int = Field(
        6000, ge=1, description="HTTP requests of one user, or one share link"
    )
    anonymous_requests_per_minute: int = Field(
        600, ge=1, description="HTTP requests of one address that is not signed in"
    )
    trusted_proxies: tuple[str, ...] = Field(
        (), description="addresses or networks whose X-Forwarded-For is believed, comma separated"
    )

    allow_private_targets: bool = Field(
        False,
        description="webhooks, notifications and fetched addresses may reach this machine and"
        " private networks",
    )

    session_days: int = Field(30, ge=1, description="days until a browser has to sign in again")
    min_password_length: int = Field(8, ge=1, description="characters")

    @field_validator("allowed_origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if not ORIGIN.fullmatch(origin):  # no browser would ever send it
                raise ValueError(f"{origin!r} is no origin; one looks like https://app.example.org")
        return origins

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in proxies:
            ipaddress.ip_network(proxy, strict=False)
        return proxies

    @field_validator("models")
    @classmethod
    def _are_models(cls, models: tuple[str, ...]) -> tuple[str, ...]:
        model_names(models)
        return models

    @field_validator("phrase_model")
    @classmethod
    def _is_model(cls, model: str) -> str:
        model_names([model] if model else [])
        return model

    @field_validator("model_base_url")
    @classmethod
    def _is_address(cls, address: str) -> str:
        check_address(address)
        return address

    @property
    def database_path(self) -> Path:
        return self.data_dir / "livetrail.db"

    @property
    def records_path(self) -> Path:
        return self.data_dir / "records.db"

    @property
    def files_dir(self) -> Path:
        """The content-addressed store: files/ab/cd/<sha256>."""
        return self.data_dir / "files"

    @property
    def incoming_dir(self) -> Path:
        """Uploads that are still arriving, as <id>.part."""
        return self.data_dir / "incoming"

    @property
    def exports_dir(self) -> Path:
        """Where the files of exports are."""
        return self.data_dir / "exports"

    @property
    def pictures_dir(self) -> Path:
        """Pictures of pages that were looked at: pages/<sha256>/<number>.png."""
        return self.data_dir / "pages"

    @property
    def plugins_dir(self) -> Path:
        """The operator's own plugins: NAME.py, or a folder NAME with an __init__.py."""
        return self.data_dir / "plugins"

    @property
    def work_dir(self) -> Path:
        """What steps leave for later steps: work/<job id>/."""
        return self.data_dir / "work"


Sources = dict[str, str]


def load_settings(
    flags: Mapping[str, Any],
    environ: Mapping[str, str],
    default_file: Path = Path("livetrail.toml"),
) -> tuple[Settings, Sources]:
    """Return the settings and, for each, where its value came from.

    flags         values given on the command line, by setting name; None means not given
    environ       the environment; LIVETRAIL_CONFIG names the file
    default_file  read when it exists and LIVETRAIL_CONFIG is not set

    Raises SettingsError for an unknown key or an impossible value, naming where it stands.
    """
    values: dict[str, Any] = {}
    sources: Sources = dict.fromkeys(Settings.model_fields, "default")
    for origin, found in (
        _from_file(environ.get("LIVETRAIL_CONFIG"), default_file),
        ("environment", _from_environment(environ)),
        ("flag", {k: v for k, v in flags.items() if v is not None}),
    ):
        for key, value in found.items():
            if key not in Settings.model_fields:
                known = ", ".join(sorted(Settings.model_fields))
                raise SettingsError(f"unknown setting {key!r} ({origin}); known are: {known}")
            values[key] = value
            sources[key] = origin
    try:
        return Settings.model_validate(values), sources
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0])
        raise SettingsError(
            f"the setting {key!r} ({sources.get(key, 'default')}) can not be"
            f" {first['input']!r}: {first['msg']}"
        ) from error


def _from_file(named: str | None, default_file: Path) -> tuple[str, dict[str, Any]]:
    path = Path(named) if named else default_file
    if not named and not path.exists():
        return "file", {}
    try:
        with path.open("rb") as stream:
            return f"file {path}", tomllib.load(stream)
    except (OSError, ValueError) as error:  # ValueError: it is not TOML, or not UTF-8
        raise SettingsError(f"the settings file {path} can not be read: {error}") from error


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in environ.items():
        if not name.startswith(PREFIX) or name in NOT_SETTINGS:
            continue
        key = name.removeprefix(PREFIX).lower()
        field = Settings.model_fields.get(key)
        if field is not None and field.annotation == tuple[str, ...]:
            found[key] = tuple(part.strip() for part in value.split(",") if part.strip())
        else:
            found[key] = value
    return found
