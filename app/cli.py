"""The command line: serve, demo, user, token, config, doctor, and what commands.py adds."""

import argparse
import getpass
import os
import secrets
import sqlite3
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from app.commands import add_commands, talk, talk_in_thread, unread
from app.core.errors import AppError, NotFound
from app.core.permissions import SCOPES
from app.settings import Settings, SettingsError, Sources, load_settings
from app.store.database import DatabaseTooNew

PRIVATE = 0o077  # what is made in the data folder is nobody else's on this machine
SECRET_SETTINGS = frozenset({"model_api_key"})
DESCRIPTION = "Drop files in, watch every step live, lose nothing."


def main(arguments: Sequence[str]) -> int:
    """Run one command and return the exit code. Errors are one sentence on standard error."""
    options = _parser().parse_args(arguments)
    os.umask(PRIVATE)
    flags = {key: getattr(options, key, None) for key in ("host", "port", "data_dir")}
    try:
        settings, sources = load_settings(flags, os.environ)
        code = int(options.run(options, settings, sources))
        sys.stdout.flush()
        return code
    except SettingsError as error:
        return _complain(str(error), 2)
    except NotFound as error:
        return _complain(f"There is no such {error.facts['what']} in {settings.data_dir}.", 1)
    except AppError as error:
        body = error.body()
        return _complain(f"{body['title']}. {body['hint']}", 1)
    except DatabaseTooNew as error:
        return _complain(f"{error}.", 1)
    except BrokenPipeError:
        return unread()
    except (OSError, sqlite3.Error) as error:
        return _complain(f"{error}. Check the data folder and start again.", 1)


def _complain(sentence: str, status: int) -> int:
    print(f"livetrail: {sentence}", file=sys.stderr)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 run.py",
        description=DESCRIPTION,
        epilog="Also: test (runs the test suite) and bench [NAME] (prints the benchmarks).",
    )
    parser.set_defaults(run=_serve)
    commands = parser.add_subparsers(metavar="COMMAND")

    serve = commands.add_parser("serve", help="start the server (the default)")
    serve.set_defaults(run=_serve)
    demo = commands.add_parser("demo", help="start it with a throw-away data folder")
    demo.set_defaults(run=_demo)
    for command in (serve, demo):
        command.add_argument("--host", help="address to listen on")
        command.add_argument("--port", help="port to listen on; 0 takes a free one")
    _data_dir(serve)

    user = commands.add_parser("user", help="accounts").add_subparsers(
        metavar="ACTION", required=True
    )
    add = user.add_parser("add", help="add a user; the first one owns the instance")
    add.set_defaults(run=_add_user)
    add.add_argument("name")
    add.add_argument("--admin", action="store_true", help="may operate the server")
    add.add_argument("--password-stdin", action="store_true", help="read it from standard input")
    _data_dir(add)

    reset = user.add_parser("reset", help="give a user a new password; signs every browser out")
    reset.set_defaults(run=_reset_password)
    reset.add_argument("name")
    reset.add_argument("--password-stdin", action="store_true", help="read it from standard input")
    _data_dir(reset)

    token = commands.add_parser("token", help="API tokens").add_subparsers(
        metavar="ACTION", required=True
    )
    create = token.add_parser("create", help="make a token; printed alone on the last line")
    create.set_defaults(run=_create_token)
    create.add_argument("--user", required=True, metavar="NAME")
    create.add_argument("--label", default="command line", help="what the token is for")
    create.add_argument(
        "--scope",
        action="append",
        choices=SCOPES,
        help="what it may be used for, once for each; by default all that the user may do",
    )
    create.add_argument("--days", type=_days, help="until it ends; by default never")
    _data_dir(create)

    config = commands.add_parser("config", help="settings").add_subparsers(
        metavar="ACTION", required=True
    )
    show = config.add_parser("show", help="every setting, and where its value came from")
    show.set_defaults(run=_show_config)
    _data_dir(show)

    doctor = commands.add_parser("doctor", help="whether this machine has all that is needed")
    doctor.set_defaults(run=_doctor)
    doctor.add_argument("--sizes", action="store_true", help="also what each package takes")
    for flag in ("--host", "--port"):
        doctor.add_argument(flag, help="as for serve")
    _data_dir(doctor)

    add_commands(commands, _talk)
    simulate = commands.choices["simulate"]
    simulate.add_argument("--here", action="store_true", help="to a throw-away server of its own")
    simulate.add_argument("--port", help="of that server; 0 takes a free one")
    return parser


def _days(text: str) -> int:
    """Return a number of days. Raises ArgumentTypeError for what is none, or past a century."""
    is_short = text.isascii() and text.isdecimal() and len(text) <= 5
    if not is_short or not 1 <= int(text) <= 36_500:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days from 1 to 36500")
    return int(text)


def _data_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data-dir", type=Path, help="folder for databases, files and keys")


def _serve(options: argparse.Namespace, settings: Settings, sources: Sources) -> int:
    from app.serving import serve

    return serve(settings)


def _talk(options: argparse.Namespace, settings: Settings, sources: Sources) -> int:
    if not getattr(options, "here", False):
        return talk(options)
    from app.serving import serve_demo

    with tempfile.TemporaryDirectory(prefix="livetrail-demo-") as folder:
        return serve_demo(
            settings.model_copy(update={"data_dir": Path(folder)}), partial(talk_in_thread, options)
        )


def _demo(options: argparse.Namespace, settings: Settings, sources: Sources) -> int:
    from app.serving import serve_demo

    with tempfile.TemporaryDirectory(prefix="livetrail-demo-") as folder:
        return serve_demo(settings.model_copy(update={"data_dir": Path(folder)}))


def _add_user(options: argparse.Namespace, settings: Settings, sources: Sources) -> int:
    from app.store import offline

    user = offline.register_user(
        settings.database_path,
        options.name,
        _password(options),
        admin=options.admin,
        at_least=settings.min_password_length,
    )
    print(f"Added {user.name}, {user.role}.")
    return 0


def _reset_password(options: argparse.Namespace, settings: Settings, sources: Sources) -> int:
    from app.store import offline

    user = offline.reset_password(
        settings.database_path,
        options.name,
        _password(options),
        at_least=settings.min_password_length,
    )
    print(f"{user.name} has a new password.")
    return 0


def _password(options: argparse.Namespace) -> str:
    """Read the password from where it was promised, or make one and show it."""
    if options.password_stdin:
        return sys.stdin.readline().rstrip("\n")
    if sys.stdin.isatty():
        return getpass.getpass(f"Password for {options.name}: ")
    password = secrets.token_urlsafe(12)
    print(f"Password for {options.name}: {password}")
    return password


def _create_token(options: argparse.Namespace, settings: Settings, sources: Sources) -> int:
    from app.store import offline

    secret = offline.issue_token(
        settings.database_path, options.user, options.label, options.scope, options.days
    )
    print(f"Token for {options.user}, shown only this once:", file=sys.stderr)
    print(secret)
    return 0


def _show_config(options: argparse.Namespace, settings: Settings, sources: Sources) -> int:
    values: dict[str, Any] = settings.model_dump(mode="json")
    width = max(map(len, values))
    for key, value in values.items():
        shown = ",".join(value) if isinstance(value, list) else value
        if key in SECRET_SETTINGS and shown:
            shown = "(set, not shown)"
        print(f"{key:<{width}} = {shown!s:<20} ({sources[key]})")
    return 0


def _doctor(options: argparse.Namespace, settings: Settings, sources: Sources) -> int:
    from app.doctor import examine, installed

    worst = 0
    for finding in examine(settings):
        print(f"{finding.state:<4}  {finding.what}: {finding.detail}", flush=True)
        worst |= finding.state == "bad"
    if options.sizes:
        parts = installed()
        for name, version, size in parts:
            print(f"{size / 1e6:8.1f} MB  {name} {version}")
        print(f"{sum(size for _, _, size in parts) / 1e6:8.1f} MB  in all")
    return int(worst)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
