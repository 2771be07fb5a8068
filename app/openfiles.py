"""How many files and connections the system lets this process have open."""

import logging
import resource

logger = logging.getLogger(__name__)

BESIDE = 4096  # those of ordinary requests, uploads, workers and databases


def allow_open_files(connections: int) -> int:
    """Ask the system for enough descriptors for `connections`; return how many there may be.

    Says in the log what it means when the system allows less.
    """
    wanted = connections + BESIDE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft != resource.RLIM_INFINITY and soft < wanted:
        logger.warning(
            "the system allows few open files: allowed=%d wanted=%d; raise its limit (ulimit -n,"
            " LimitNOFILE), or lower LIVETRAIL_MAX_WEBSOCKET_CONNECTIONS",
            soft,
            wanted,
        )
    return soft
