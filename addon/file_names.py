"""Names of files and folders that every system takes. No bpy here."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 80
"""Letters of a name: whole paths may have 260 on Windows."""

_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f\ud800-\udfff]')
"""What Windows forbids in names, and bytes of a Linux name that are no text."""

_RESERVED = {"con", "prn", "aux", "nul", "conin$", "conout$"} | {
    port + digit for port in ("com", "lpt") for digit in "0123456789¹²³"}


def safe_name(name: str) -> str:
    """`name` without its suffix as that of a file or folder; accents and spaces are kept."""
    name = _FORBIDDEN.sub("_", unicodedata.normalize("NFC", name))[:LONGEST]
    name = name.strip().lstrip(".").rstrip(". ") or "picture"
    return f"_{name}" if name.split(".")[0].strip().casefold() in _RESERVED else name
