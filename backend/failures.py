"""Every failure gets its name: what a job raises is one of contract/errors.py, whatever it was inside."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from . import outputs
from .contract.errors import InternalError, OutOfMemory, TerrainError
from .memory import needed_gb, total_and_free_gb


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
        raise outputs.not_writable(folder, problem) from problem
    except MemoryError as problem:
        raise OutOfMemory(needed_gb(resolution), total_and_free_gb()[1]) from problem
    except Exception as problem:
        raise InternalError(f"Something failed ({type(problem).__name__}); the log has the details.") from problem
