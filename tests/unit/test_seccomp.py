"""The filter of calls, run step by step as the kernel runs it: what it answers to every call."""

import errno
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pipeline import seccomp
from app.pipeline.seccomp import (
    ALLOW,
    AT_ONESELF,
    CLONE,
    CLONE3,
    CLONE_THREAD,
    KILL,
    MACHINES,
    REFUSE,
    REFUSED,
)

OWN = 4711
NOT_PERMITTED = REFUSE | errno.EPERM
EVERYWHERE = tuple(MACHINES.values())
machines = pytest.mark.parametrize("machine", EVERYWHERE, ids=list(MACHINES))

# What a reader needs, by its number on x86-64 and on 64-bit ARM.
NEEDED = {
    "read": (0, 63), "write": (1, 64), "close": (3, 57), "mmap": (9, 222), "brk": (12, 214),
    "openat": (257, 56), "futex": (202, 98), "exit_group": (231, 94), "getrandom": (318, 278),
}  # fmt: skip
# The ways out that are known best: none of them may be forgotten.
WAYS_OUT = frozenset(
    (
        "execve", "execveat", "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd",
        "socket", "connect", "bind", "io_uring_setup", "io_uring_enter", "fchmodat", "fchownat",
        "fsetxattr", "open_by_handle_at", "mount", "move_mount", "fsmount", "pivot_root", "chroot",
        "setns", "unshare", "kexec_load", "init_module", "finit_module", "bpf", "perf_event_open",
        "userfaultfd", "keyctl", "add_key", "reboot", "clock_settime", "personality", "tkill",
        "truncate",
    )
)  # fmt: skip


def answer(machine: tuple[int, int], number: int, value: int = 0, *, asked_as: int = 0) -> int:
    """Return the filter's answer to a call; `asked_as` is the machine whose numbers are used."""
    arch, column = machine
    program = seccomp._filter(arch, column, OWN)
    call = struct.pack("=iIQQ", number, asked_as or arch, 0, value)
    steps = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
    at = loaded = 0
    while True:
        code, then, otherwise, operand = steps[at]
        at += 1
        match code:
            case seccomp.LOAD:
                loaded = struct.unpack_from("=I", call, operand)[0]
            case seccomp.ANSWER:
                return int(operand)
            case seccomp.EQUAL:
                at += then if loaded == operand else otherwise
            case seccomp.AT_LEAST:
                at += then if loaded >= operand else otherwise
            case seccomp.ANY_BIT:
                at += then if loaded & operand else otherwise


@machines
def test_every_dangerous_call_is_refused_and_the_needed_ones_are_not(
    machine: tuple[int, int],
) -> None:
    column = machine[1]
    refused = {name: numbers[column] for name, numbers in REFUSED.items()}
    assert {answer(machine, n) for n in refused.values() if n is not None} == {NOT_PERMITTED}
    assert {name for name in WAYS_OUT if refused.get(name) is None} == set()
    assert {answer(machine, numbers[column]) for numbers in NEEDED.values()} == {ALLOW}


@machines
@given(number=st.integers(0, 600))
def test_nothing_else_is_refused(machine: tuple[int, int], number: int) -> None:
    column = machine[1]
    special = {CLONE[column], CLONE3[column], *(numbers[column] for numbers in AT_ONESELF)}
    if number not in special:
        listed = number in {numbers[column] for numbers in REFUSED.values()}
        assert answer(machine, number) == (NOT_PERMITTED if listed else ALLOW)


@pytest.mark.parametrize("column", [0, 1])
def test_no_number_stands_for_two_calls(column: int) -> None:
    numbers = [n[column] for n in (*REFUSED.values(), CLONE, CLONE3, *AT_ONESELF, *NEEDED.values())]
    known = [number for number in numbers if number is not None]
    assert len(set(known)) == len(known)


@machines
def test_a_thread_may_be_made_and_a_process_may_not(machine: tuple[int, int]) -> None:
    column = machine[1]
    assert answer(machine, CLONE[column], CLONE_THREAD | 0x100) == ALLOW
    assert answer(machine, CLONE[column], 17) == NOT_PERMITTED
    assert answer(machine, CLONE3[column]) == REFUSE | errno.ENOSYS


@machines
@pytest.mark.parametrize("call", AT_ONESELF, ids=["kill", "tgkill", "prlimit64"])
def test_a_signal_goes_to_oneself_alone(machine: tuple[int, int], call: tuple[int, int]) -> None:
    number = call[machine[1]]
    assert [answer(machine, number, pid) for pid in (OWN, 0)] == [ALLOW, ALLOW]
    others = (1, OWN + 1, 2**32 - 1)  # the last one is everybody, as kill has it
    assert {answer(machine, number, pid) for pid in others} == {NOT_PERMITTED}


@machines
def test_the_numbers_of_another_machine_end_the_process(machine: tuple[int, int]) -> None:
    (other,) = {arch for arch, _ in EVERYWHERE} - {machine[0]}
    assert answer(machine, 0, asked_as=other) == KILL
    assert answer(machine, 0, asked_as=0x4000_0003) == KILL  # 32 bits


def test_the_second_numbers_of_x86_are_refused() -> None:
    assert answer(MACHINES["x86_64"], 0x4000_0000 | 59) == NOT_PERMITTED
    assert answer(MACHINES["x86_64"], 0x4000_0000) == NOT_PERMITTED
