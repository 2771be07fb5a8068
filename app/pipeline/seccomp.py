"""seccomp: a process gives up the calls of the kernel that reading a file never needs.

No new program, process or socket, no look into or signal to another process, nothing about the
machine, and no change of who may open a file. Each answers "not permitted", so that a library
that only tried goes on. x86-64 and 64-bit ARM; elsewhere nothing is given up.

A file's times may be changed: what makes a file by touching it, or writes workbooks, needs that.
"""

import ctypes
import errno
import os
import platform
import struct
import sys

PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 22, 38
MODE_FILTER = 2
CLONE_THREAD = 0x1_0000

# The kernel's names of the machines, for a filter that knows whose numbers it is asked about.
MACHINES = {"x86_64": (0xC000_003E, 0), "aarch64": (0xC000_00B7, 1)}
FIRST_X32_CALL = 0x4000_0000  # a second set of numbers on x86-64, which nobody uses

# By name: its number on x86-64, and on 64-bit ARM (None where there is none).
REFUSED: dict[str, tuple[int, int | None]] = {
    # other programs and processes
    "execve": (59, 221),
    "execveat": (322, 281),
    "fork": (57, None),
    "vfork": (58, None),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "setpriority": (141, 140),
    "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118),
    "sched_setattr": (314, 274),
    "ioprio_set": (251, 30),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    # the network, and the ring that makes calls by itself
    "socket": (41, 198),
    "connect": (42, 203),
    "bind": (49, 200),
    "listen": (50, 201),
    "accept": (43, 202),
    "accept4": (288, 242),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    # memory and messages that would outlive the worker, and watching what others do with files
    "shmget": (29, 194),
    "shmat": (30, 196),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "inotify_init": (253, None),
    "inotify_init1": (294, 26),
    # cutting a file by its name, which Landlock watches from version 3 on
    "truncate": (76, 45),
    # who may open a file, which Landlock does not watch
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "setxattrat": (463, 463),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "removexattrat": (466, 466),
    "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264),
    # the machine
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "setns": (308, 268),
    "unshare": (272, 97),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "fanotify_init": (300, 262),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "syslog": (103, 116),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "iopl": (172, None),
    "ioperm": (173, None),
    "modify_ldt": (154, None),
    "personality": (135, 92),
    "vhangup": (153, 58),
}
CLONE, CLONE3 = (56, 220), (435, 435)
# Only at oneself: a library that gives up sends itself SIGABRT.
AT_ONESELF = ((62, 129), (234, 131), (302, 261))  # kill, tgkill, prlimit64

# The filter's own small language: load a word, compare and jump ahead, answer.
LOAD, EQUAL, AT_LEAST, ANY_BIT, ANSWER = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, MACHINE, FIRST_VALUE = 0, 4, 16  # places in what is asked
ALLOW, REFUSE, KILL = 0x7FFF_0000, 0x0005_0000, 0x8000_0000


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_void_p))


def offered() -> bool:
    """Tell whether there is a filter for this machine; the kernel may still refuse it."""
    return sys.platform == "linux" and platform.machine() in MACHINES and sys.maxsize > 2**32


def restrict() -> None:
    """Give up the calls, for this thread and all that it makes. Raises OSError.

    The filter knows this process by its id: each worker makes its own.
    """
    program = _filter(*MACHINES[platform.machine()], os.getpid())
    steps = ctypes.create_string_buffer(program, len(program))
    asked = _Program(len(program) // 8, ctypes.cast(steps, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    if (
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
        or libc.prctl(PR_SET_SECCOMP, MODE_FILTER, ctypes.byref(asked), 0, 0) != 0
    ):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _filter(machine: int, column: int, own_pid: int) -> bytes:
    refuse = _step(ANSWER, REFUSE | errno.EPERM)
    allow = _step(ANSWER, ALLOW)
    steps = [
        _step(LOAD, MACHINE),
        _step(EQUAL, machine, then=1),
        _step(ANSWER, KILL),
        _step(LOAD, NUMBER),
        _step(AT_LEAST, FIRST_X32_CALL, otherwise=1),
        refuse,
    ]
    for numbers in REFUSED.values():
        if (number := numbers[column]) is not None:
            steps += [_step(EQUAL, number, otherwise=1), refuse]
    # Without it threads are made by the older call, whose flags can be seen here.
    steps += [
        _step(EQUAL, CLONE3[column], otherwise=1),
        _step(ANSWER, REFUSE | errno.ENOSYS),
        _step(EQUAL, CLONE[column], otherwise=4),
        _step(LOAD, FIRST_VALUE),
        _step(ANY_BIT, CLONE_THREAD, otherwise=1),
        allow,
        refuse,
    ]
    for at in AT_ONESELF:
        steps += [
            _step(EQUAL, at[column], otherwise=5),
            _step(LOAD, FIRST_VALUE),
            _step(EQUAL, own_pid, then=2),
            # 0 is oneself to prlimit64, and one's own process group to kill.
            _step(EQUAL, 0, then=1),
            refuse,
            allow,
        ]
    return b"".join([*steps, allow])


def _step(code: int, value: int, *, then: int = 0, otherwise: int = 0) -> bytes:
    """Return one step; `then` and `otherwise` are how many of the next to pass over."""
    return struct.pack("=HBBI", code, then, otherwise, value)
