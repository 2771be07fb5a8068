"""What a process that runs code for strangers' files, or a plugin's, knows of the environment."""

import os
import re

# Where libraries are, and the language. Keys and passwords that somebody set for the server are
# nothing for such code; so whole names, since LANGCHAIN_API_KEY is no language.
PASSED_ON = re.compile(
    r"PATH|HOME|TMPDIR|TZ|LANG|LANGUAGE|LC_[A-Z]+|VIRTUAL_ENV|PYTHON[A-Z0-9]+"
    r"|LD_LIBRARY_PATH|LD_PRELOAD|DYLD_[A-Z_]+_PATH|DYLD_INSERT_LIBRARIES"
)
# A worker is one of several processes on few cores: its linear algebra stays on one thread, and
# the fork server has no threads that a fork would lose.
ONE_THREAD = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "JOBLIB_MULTIPROCESSING": "0",  # it may start no process, and need not try
}
QUIET = {"ORT_DISABLE_TELEMETRY": "1"}  # a library of ours would tell its maker how it is used


def passed_on() -> dict[str, str]:
    """Return the environment of such a process."""
    kept = {key: value for key, value in os.environ.items() if PASSED_ON.fullmatch(key)}
    return {**kept, **ONE_THREAD, **QUIET}
