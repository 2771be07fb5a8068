"""Landlock: a process gives up the file system, all but what it names. Linux 5.13 and newer.

What is given up stays so for every thread and child it makes afterwards. Three calls of the
kernel, by number (the same on every machine), since no library of the system has them.
"""

import ctypes
import os
import sys
from collections.abc import Iterable
from enum import IntFlag
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
VERSION_FLAG, PATH_BENEATH = 1, 1
PR_SET_NO_NEW_PRIVS = 38


class Right(IntFlag):
    """What may be done to a file or below a folder; the kernel's bits."""

    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_DIR = 1 << 3
    REMOVE_DIR = 1 << 4
    REMOVE_FILE = 1 << 5
    MAKE_CHAR = 1 << 6
    MAKE_DIR = 1 << 7
    MAKE_REG = 1 << 8
    MAKE_SOCK = 1 << 9
    MAKE_FIFO = 1 << 10
    MAKE_BLOCK = 1 << 11
    MAKE_SYM = 1 << 12
    REFER = 1 << 13
    TRUNCATE = 1 << 14
    IOCTL_DEV = 1 << 15


OF_FILES = Right.EXECUTE | Right.WRITE_FILE | Right.READ_FILE | Right.TRUNCATE | Right.IOCTL_DEV
EVERYTHING = sum(Right)
TCP_BIND_AND_CONNECT = 0b11
ABSTRACT_SOCKETS, SIGNALS = 0b01, 0b10


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("files", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def version() -> int:
    """Return the version of Landlock that this kernel offers; 0 where it has none."""
    if sys.platform != "linux":
        return 0
    return max(_syscall(CREATE_RULESET, None, 0, VERSION_FLAG), 0)


def restrict(
    rules: Iterable[tuple[Path, int]],
    *,
    network: int = TCP_BIND_AND_CONNECT,
    scoped: int = ABSTRACT_SOCKETS | SIGNALS,
) -> None:
    """Give up everything but `rules`; paths that are not there are passed over.

    network  what is given up of it, from version 4 on
    scoped   what is given up towards processes outside, from version 6 on

    Whoever has given up anything looks into no process outside either. Raises OSError.
    """
    offered = version()
    handled = _handled(offered)
    ruleset = _Ruleset(
        handled,
        network if offered >= 4 else 0,
        scoped if offered >= 6 else 0,
    )
    size = 24 if offered >= 6 else 16 if offered >= 4 else 8
    fd = _checked(_syscall(CREATE_RULESET, ctypes.byref(ruleset), size, 0))
    try:
        for path, rights in rules:
            _allow(fd, path, rights & handled)
        _checked(_LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        _checked(_syscall(RESTRICT_SELF, fd, 0))
    finally:
        os.close(fd)


def _handled(offered: int) -> int:
    """Return the rights that this version knows; the kernel refuses any other."""
    every = sum(Right)
    for right, since in ((Right.REFER, 2), (Right.TRUNCATE, 3), (Right.IOCTL_DEV, 5)):
        if offered < since:
            every &= ~right
    return every


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # not there, or closed to us already
        return
    try:
        if not os.path.isdir(f"/proc/self/fd/{fd}"):  # noqa: PTH112 - of an open file
            rights &= OF_FILES
        rule = _PathBeneath(rights, fd)
        _checked(_syscall(ADD_RULE, ruleset, PATH_BENEATH, ctypes.byref(rule), 0))
    finally:
        os.close(fd)


_LIBC = ctypes.CDLL(None, use_errno=True)


def _syscall(number: int, *values: object) -> int:
    arguments = [ctypes.c_long(value) if isinstance(value, int) else value for value in values]
    return int(_LIBC.syscall(ctypes.c_long(number), *arguments))


def _checked(answer: int) -> int:
    if answer < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return answer
