"""Render worker of the scene network: writes shards of labeled pictures until it is ended, oldest shards deleted.

    python -m backend.training.render_shards --library DIR --shards DIR --seed N

A shard is an .npz of pictures of one size; it appears under its name only when complete. Several workers may share a folder:
the name holds the shard's number and the worker's seed. --library may be a pack of crops (`pack_crops`).
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np

from .elevation_data import DEFAULT_LIBRARY
from .landscape_render import SIZES, LabeledPicture, random_pictures
from .packed_elevation import elevation_files

PICTURES = 48


def pack(pictures: list[LabeledPicture]) -> dict[str, np.ndarray]:
    """Pictures of one size to arrays: picture uint8, classes uint8, log_depth float16, truth float32 (N, 4)."""
    return {
        "picture": np.stack([p.picture for p in pictures]),
        "classes": np.stack([p.classes for p in pictures]),
        "log_depth": np.stack([p.log_depth for p in pictures]).astype(np.float16),
        "truth": np.array([p.truth for p in pictures], np.float32),
    }


def write_shard(path: Path, pictures: list[LabeledPicture]) -> None:
    """Write beside, then rename."""
    beside = path.with_suffix(f".partial{os.getpid()}")
    with beside.open("wb") as file:
        np.savez(file, **pack(pictures))  # type: ignore[arg-type]
    beside.replace(path)


def main() -> None:
    """Parse the command and render until ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", type=Path, default=DEFAULT_LIBRARY)
    parser.add_argument("--shards", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=int, default=200, help="shards kept on disk")
    parser.add_argument(
        "--pace", type=float, default=0.0, help="seconds a shard takes at least, to leave the processor to others"
    )
    parser.add_argument("--parent", type=int, default=0, help="end when this process is gone")
    options = parser.parse_args()
    options.shards.mkdir(parents=True, exist_ok=True)
    files, cache = elevation_files(options.library, validation=False)
    number = 1 + max((int(p.stem.split("_")[1]) for p in options.shards.glob("shard_*.npz")), default=-1)
    while not options.parent or os.getppid() == options.parent:
        began, rng = time.time(), np.random.default_rng([options.seed, number])
        size = SIZES[int(rng.integers(len(SIZES)))]
        pictures: list[LabeledPicture] = []
        while len(pictures) < PICTURES:
            pictures += random_pictures(rng, files, cache, 4, size)
        write_shard(options.shards / f"shard_{number:06d}_{options.seed}.npz", pictures[:PICTURES])
        number += 1
        for old in sorted(options.shards.glob("shard_*.npz"))[: -options.keep]:
            old.unlink(missing_ok=True)  # another worker may have been faster
        time.sleep(max(0.0, began + options.pace - time.time()))


if __name__ == "__main__":
    main()
