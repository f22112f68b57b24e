"""Pictures in memory for training: loads shards as they appear, draws batches of one size, forgets the oldest."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np


class ShardPool:
    """The newest shards of a folder, at most `capacity` of them."""

    def __init__(self, folder: Path, capacity: int = 170, at_least: int = 4) -> None:
        self.folder, self.capacity, self.at_least = folder, capacity, at_least
        self._shards: dict[str, dict[str, np.ndarray]] = {}
        self._looked = 0.0

    def __len__(self) -> int:
        return sum(len(s["truth"]) for s in self._shards.values())

    def _refresh(self) -> None:
        for path in sorted(self.folder.glob("shard_*.npz"))[-self.capacity :]:
            if path.name not in self._shards:
                try:
                    with np.load(path) as shard:
                        self._shards[path.name] = {name: shard[name] for name in shard.files}
                except FileNotFoundError:  # deleted between the listing and now
                    continue
        for name in sorted(self._shards)[: -self.capacity]:
            del self._shards[name]
        self._looked = time.time()

    def draw(self, rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
        """`count` pictures of one size from up to eight shards; waits until there are some."""
        while time.time() - self._looked > 10 or len(self._shards) < self.at_least:
            self._refresh()
            if len(self._shards) < self.at_least:
                time.sleep(2)
        names = sorted(self._shards)
        shape = self._shards[names[int(rng.integers(len(names)))]]["picture"].shape[1:3]
        alike = [n for n in names if self._shards[n]["picture"].shape[1:3] == shape]
        chosen = [(alike[int(rng.integers(len(alike)))]) for _ in range(min(8, count))]
        parts = []
        for k, name in enumerate(chosen):
            shard = self._shards[name]
            size = count // len(chosen) + (k < count % len(chosen))
            parts.append((shard, rng.permutation(len(shard["truth"]))[:size]))
        return {key: np.concatenate([shard[key][index] for shard, index in parts]) for key in parts[0][0]}
