"""One job a folder, over all processes of a machine: two Blenders may work on the same picture.

The lock is the system's own, on a file in the folder's cache: whoever holds it and dies, however suddenly, has given it back.
Standard library only.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

log = logging.getLogger(__name__)

LOCK_NAME = "lock"

ASK_AGAIN_S = 0.1

HELD_BY_ANOTHER = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)


@contextlib.contextmanager
def held(cache: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of a folder; `cache` is where its file lies, and is there.

    waiting: called every ASK_AGAIN_S as long as another process holds it; whatever it raises ends the waiting.
    Raises OSError when the file cannot be made. On a file system without locks nothing is held, and the log says so.
    """
    path = cache / LOCK_NAME
    handle = _take(path, waiting)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if sys.platform != "win32":
                _unlink_own(path, handle)
            os.close(handle)
            if sys.platform == "win32":    # an open file cannot be removed there; one that another has opened stays
                path.unlink(missing_ok=True)


def _take(path: Path, waiting: Callable[[], None]) -> int:
    """The open, locked file."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)    # the last holder may have taken an empty folder away
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if _lock(handle) and _is_at(path, handle):
                return handle
            waiting()
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
        time.sleep(ASK_AGAIN_S)


def _lock(handle: int) -> bool:
    """Lock an open file if nobody else does. Returns whether it is ours now."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as problem:
        if problem.errno in HELD_BY_ANOTHER:
            return False
        log.warning("This file system has no locks (%s): let no two Blenders make the same picture at once.", problem)
    return True


def _is_at(path: Path, handle: int) -> bool:
    """Whether this open file is still the one at `path`: the last holder removes it."""
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except OSError:
        return False


def _unlink_own(path: Path, handle: int) -> None:
    if _is_at(path, handle):
        path.unlink()
