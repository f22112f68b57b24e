"""Every failure gets its name: what a job raises is one of contract/errors.py, whatever it was inside."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from . import outputs
from .contract.errors import InternalError, TerrainError
from .memory import is_shortage, shortage


@contextlib.contextmanager
def named_failures(folder: Path, resolution: int) -> Iterator[None]:
    """Raises TerrainError for anything that goes wrong inside of the block; the original is its __cause__.

    folder: the job's, which a failing file operation concerns.   resolution: of the terrain, which says what memory is needed.
    """
    try:
        yield
    except TerrainError:
        raise
    except OSError as problem:
        if problem.errno == errno.ENOMEM:
            raise shortage(problem, resolution) from problem
        raise outputs.not_writable(folder, problem) from problem
    except Exception as problem:
        if is_shortage(problem):
            raise shortage(problem, resolution) from problem
        raise InternalError(f"Something failed ({type(problem).__name__}); the log has the details.") from problem
