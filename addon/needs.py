"""What Blender's own Python must bring along. Standard library only: this module tells what is missing."""

from __future__ import annotations

import sys


def what_is_missing() -> str | None:
    """One sentence for the artist, None where nothing is missing.

    Blender from blender.org holds numpy. Linux distributions build Blender with the system's Python, where it may be left out.
    """
    try:
        import numpy  # noqa: F401
    except ImportError as problem:
        reason = (str(problem).strip().splitlines() or [type(problem).__name__])[0]
        version = ".".join(map(str, sys.version_info[:2]))
        return (f"Blender's Python {version} cannot load numpy, which Photo to Terrain needs ({reason}): install it for that "
                "Python (on Debian and Ubuntu: sudo apt install python3-numpy) or take Blender from blender.org.")
    return None
