"""Writes the table of packages that the add-on shows before a set-up: `python -m release.package_table WHEELS DEVICE`.

WHEELS: a folder that `pip download` has filled for this platform and device. Sizes are those of the files, licenses those that
the wheels' own metadata names. Standard library only.
"""

from __future__ import annotations

import email.message
import email.parser
import json
import sys
import zipfile
from pathlib import Path

from addon.installation.devices import platform_tag
from addon.installation.package_table import FILE

LONGEST_LICENSE = 60


def license_in(metadata: email.message.Message) -> str:
    """The license a wheel's METADATA names: the expression, else the classifiers, else the first line of the old field."""
    expression = metadata.get("License-Expression")
    if expression:
        return expression.strip()
    named = [c.rpartition("::")[2].strip() for c in metadata.get_all("Classifier", []) if c.startswith("License ::")]
    named = [n for n in named if n != "OSI Approved"]
    if named:
        return ", ".join(named)
    lines = (metadata.get("License") or "").strip().splitlines()
    return lines[0][:LONGEST_LICENSE] if lines else "not named"


def describe(wheel: Path) -> tuple[dict[str, object], int]:
    """The table's row for a wheel, and its bytes once unpacked. Raises OSError, BadZipFile."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA") and n.count("/") == 1)
        metadata = email.parser.Parser().parsestr(archive.read(name).decode("utf-8", "replace"))
        unpacked = sum(entry.file_size for entry in archive.infolist())
    row = {"name": metadata["Name"], "version": metadata["Version"], "license": license_in(metadata),
           "mb": round(wheel.stat().st_size / 1e6, 1)}
    return row, unpacked


def main() -> int:
    """Put one platform's and device's list into the table."""
    if len(sys.argv) not in (3, 4):
        print("usage: python -m release.package_table WHEELS DEVICE [PLATFORM]", file=sys.stderr)
        return 2
    wheels = sorted(Path(sys.argv[1]).glob("*.whl"))
    rows = sorted((describe(wheel) for wheel in wheels), key=lambda row: str(row[0]["name"]).lower())
    table = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    key = f"{sys.argv[3] if len(sys.argv) == 4 else platform_tag()}-{sys.argv[2]}"
    table[key] = {"download_mb": round(sum(w.stat().st_size for w in wheels) / 1e6),
                  "installed_mb": round(sum(unpacked for _, unpacked in rows) / 1e6), "packages": [row for row, _ in rows]}
    text = json.dumps(dict(sorted(table.items())), indent=1, ensure_ascii=False)
    text = text.replace('{\n    "name"', '{"name"').replace(',\n    "', ', "').replace('\n   }', '}')
    FILE.write_text(text + "\n", encoding="utf-8")
    print(f"{key}: {len(rows)} packages, {table[key]['download_mb']} MB to download, {table[key]['installed_mb']} MB on the disk")
    return 0


if __name__ == "__main__":
    sys.exit(main())
