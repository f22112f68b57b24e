"""Pack training terrain into one file for a machine without the library of elevation models, such as one with a GPU.

    python -m backend.training.pack_crops --library ../shared/data/dem --out runs/terrain.pack

Tiles of 384 x 384 cells at one to four times the spacing of their file, drawn by the same weights as in training from the
library, as many as fit. Prints the manifest: seed, tiles and license of every source.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from .crop_pack import pack_tiles, write
from .elevation_data import DEFAULT_LIBRARY, list_elevation_files
from .terrain_crops import CropStream, load_sources

LARGEST_MIB = 50.0
VALIDATION_CROPS = 24


def pack(library: Path, out: Path, mebibytes: float = LARGEST_MIB, seed: int = 0, tiles: int = 4000,
         validation_crops: int = VALIDATION_CROPS) -> dict[str, object]:
    """Write `out` and return its manifest."""
    files = list_elevation_files(library)
    facts = {file.path.stem: {"license": file.license, "region": file.region} for file in files}
    held_back = CropStream(load_sources(f for f in files if f.validation), np.random.default_rng(1))
    packed, blocks = pack_tiles(load_sources(f for f in files if not f.validation), held_back, validation_crops,
                                int(mebibytes * 2**20), seed, facts.__getitem__, tiles)
    write(out, packed, blocks)
    return packed.manifest


def main() -> None:
    """Read the command line and pack."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--library", type=Path, default=DEFAULT_LIBRARY)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--mebibytes", type=float, default=LARGEST_MIB, help="size of the file, at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tiles", type=int, default=4000, help="at most")
    a = parser.parse_args()
    manifest = pack(a.library, a.out, a.mebibytes, a.seed, a.tiles)
    print(json.dumps(manifest, indent=1))
    print(f"{a.out}: {a.out.stat().st_size / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()
