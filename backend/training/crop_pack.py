"""Training terrain in one small file: tiles of 16-bit heights, what they are worth in meters, and the licenses they came under.

A pack travels to a machine that has no library of elevation models and little room. Tiles are larger than crops, so that a
crop still has a random place; all drawing happens in tensors on the training device, which a GPU would otherwise wait for.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from ..networks.terrain import MIN_SCALE_SLOPE
from ..networks.terrain_unet import BLOCK
from .terrain_crops import CROP, LEAST_SLOPE, CropStream, Source

TILE = 384
"""Side of a tile in cells: a crop of 256 has 129 x 129 places in it."""
COUNTS = 60_000
"""Counts that the relief of a tile is spread over: 5 cm for 3000 m, far below the noise of the sources."""
MAGIC = b"terrain crops 1\n"


@dataclass(frozen=True)
class CropPack:
    """tiles: int16 (n, 384, 384).   scale_m: float32 (n,), meters a count.   dx_m, unit_m: float32 (n,), spacing and relief scale
    of the region.   held_heights, held_told: validation crops (m, 1, 256, 256) in relief scales and their conditions (m, 2).
    manifest: seed, sources with license, region and tiles, and the sources of the validation crops.
    """

    tiles: np.ndarray
    scale_m: np.ndarray
    dx_m: np.ndarray
    unit_m: np.ndarray
    held_heights: np.ndarray
    held_told: np.ndarray
    manifest: dict[str, Any]

    def held_back(self) -> tuple[np.ndarray, np.ndarray]:
        """Validation crops as float32, as `CropStream.batch` gives them."""
        return self.held_heights.astype(np.float32), self.held_told.astype(np.float32)

    @classmethod
    def load(cls, path: Path) -> CropPack:
        """Read a pack.   Raises ValueError when the file is no pack or damaged."""
        raw = path.read_bytes()
        try:
            if not raw.startswith(MAGIC):
                raise ValueError("no such header")
            length = int.from_bytes(raw[len(MAGIC) : len(MAGIC) + 4], "little")
            at = len(MAGIC) + 4 + length
            header = json.loads(raw[len(MAGIC) + 4 : at])
            blocks = []
            for size in header["blocks"]:
                blocks.append(raw[at : at + size])
                at += size
            with ThreadPoolExecutor() as pool:
                tiles = np.stack(list(pool.map(_restored, blocks)))
            held = np.frombuffer(lzma.decompress(raw[at:]), np.float16).reshape(-1, 1, CROP, CROP)
        except (ValueError, KeyError, lzma.LZMAError) as problem:
            raise ValueError(f"{path.name} is no pack of crops, or it is damaged: {problem}") from problem
        numbers = [np.array(header[name], np.float32) for name in ("scale_m", "dx_m", "unit_m", "held_told")]
        scale_m, dx_m, unit_m, told = numbers
        return cls(tiles, scale_m, dx_m, unit_m, held, told, header["manifest"])


def pack_tiles(sources: list[Source], held_back: CropStream, validation_crops: int, budget_bytes: int, seed: int,
               describe: Callable[[str], dict[str, str]], most: int = 4000) -> tuple[CropPack, list[bytes]]:
    """Draw tiles from `sources` by their weights until the file would exceed `budget_bytes`, or `most` are drawn.

    describe: name of a source -> its license and region, for the manifest.   Returns the pack and its compressed tiles.
    """
    rng = np.random.default_rng(seed)
    heights, told = held_back.batch(validation_crops)
    held = heights.astype(np.float16)
    spent = len(lzma.compress(held.tobytes())) + 400_000
    usable = [s for s in sources if min(s.heights.shape) >= TILE]
    odds = np.array([s.weight for s in usable])
    tiles: list[np.ndarray] = []
    blocks, numbers, names, failures = [], [], [], 0
    while len(tiles) < most and failures < 1000:
        source = usable[rng.choice(len(usable), p=odds / odds.sum())]
        r, c = (int(rng.integers(0, n - TILE + 1)) for n in source.heights.shape)
        crop = source.heights[r : r + TILE, c : c + TILE]
        if not np.isfinite(crop).all() or float(np.ptp(crop)) < LEAST_SLOPE * 32 * source.dx_m:
            failures += 1
            continue
        scale = max(float(np.ptp(crop)) / COUNTS, 0.01)
        tile = np.rint((crop - 0.5 * (crop.max() + crop.min())) / scale).astype(np.int16)
        block = _squeezed(tile)
        if spent + len(block) > budget_bytes:
            break
        spent += len(block)
        failures = 0
        tiles.append(tile)
        blocks.append(block)
        numbers.append((scale, source.dx_m, source.scale_m))
        names.append(source.name)
    if not tiles:
        raise ValueError("No tile fits: the budget is too small, or every source is smaller than a tile.")
    sources_used = [{"name": name, "tiles": names.count(name), **describe(name)} for name in sorted(set(names))]
    held_names = [{"name": name, **describe(name)} for name in sorted({s.name for s in held_back.sources})]
    scale_m, dx_m, unit_m = np.array(numbers, np.float32).T
    manifest = {"seed": seed, "sources": sources_used, "validation": held_names}
    return CropPack(np.stack(tiles), scale_m, dx_m, unit_m, held, told, manifest), blocks


def write(path: Path, pack: CropPack, blocks: Iterable[bytes]) -> None:
    """Write a pack whose tiles are compressed already."""
    blocks = list(blocks)
    header = {"blocks": [len(b) for b in blocks], "manifest": pack.manifest, "held_told": pack.held_told.tolist(),
              **{name: getattr(pack, name).tolist() for name in ("scale_m", "dx_m", "unit_m")}}
    text = json.dumps(header).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    held = lzma.compress(pack.held_heights.tobytes())
    partial.write_bytes(b"".join([MAGIC, len(text).to_bytes(4, "little"), text, *blocks, held]))
    partial.replace(path)


class PackStream:
    """Endless seeded batches from a pack, drawn in tensors on `device`; the same kinds of crops as `CropStream`."""

    def __init__(self, pack: CropPack, device: str = "cpu", seed: int = 0):
        self.tiles = torch.from_numpy(pack.tiles).to(device)
        self.scale, self.dx, self.unit = (torch.from_numpy(a).to(device) for a in (pack.scale_m, pack.dx_m, pack.unit_m))
        self.random = torch.Generator(device).manual_seed(seed)

    def reseed(self, seed: list[int]) -> None:
        """Go on with other draws."""
        self.random.manual_seed(int(np.random.SeedSequence(seed).generate_state(1)[0]))

    def batch(self, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw `size` crops: heights (B, 1, 256, 256) in relief scales, mean 0, and conditions (B, 2)."""
        drawn: list[tuple[torch.Tensor, torch.Tensor]] = []
        while sum(len(told) for _, told in drawn) < size:
            drawn.append(self._some(size))
        heights, told = (torch.cat(parts)[:size] for parts in zip(*drawn, strict=True))
        return heights, told

    def _some(self, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Up to `size` crops: those that are too calm, or too unlike their region, are left out."""
        which = self._integers(len(self.tiles), size)
        axis = torch.arange(CROP, device=self.tiles.device)
        rows, cols = (self._integers(TILE - CROP + 1, size)[:, None] + torch.where(
            self._uniform(size)[:, None] < 0.5, axis, CROP - 1 - axis) for _ in range(2))
        crops = self.tiles[which[:, None, None], rows[:, :, None], cols[:, None, :]].float() * self.scale[which, None, None]
        crops = torch.where(self._uniform(size)[:, None, None] < 0.5, crops, crops.transpose(1, 2))
        crops = crops - crops.mean((1, 2), keepdim=True)
        dx, own = self.dx[which], relief_scales(crops, self.dx[which])
        share = self._uniform(size)
        unit = (share * own.log() + (1 - share) * self.unit[which].log() + 0.15 * self._normal(size)).exp()
        steeper = (np.log(0.7) + (np.log(1.5) - np.log(0.7)) * self._uniform(size)).exp()
        told_dx = dx * 2.0 ** (0.3 * self._normal(size))
        told = torch.stack([(told_dx.log2() - 4.5) / 2.0, (unit * steeper / told_dx / 4.0).log() / 0.6], 1)
        relief = crops.amax((1, 2)) - crops.amin((1, 2))
        good = (relief >= LEAST_SLOPE * 32 * dx) & (unit <= 8.0 * own) & (own <= 4.0 * unit)
        return (crops / unit[:, None, None])[good][:, None], told[good]

    def _integers(self, end: int, size: int) -> torch.Tensor:
        return torch.randint(end, (size,), generator=self.random, device=self.tiles.device)

    def _uniform(self, size: int) -> torch.Tensor:
        return torch.rand(size, generator=self.random, device=self.tiles.device)

    def _normal(self, size: int) -> torch.Tensor:
        return torch.randn(size, generator=self.random, device=self.tiles.device)


def relief_scales(crops: torch.Tensor, dx_m: torch.Tensor) -> torch.Tensor:
    """`networks.terrain.relief_scale` of every crop (B, h, w) m at spacings (B,) m, in tensors: (B,) m."""
    means = functional.avg_pool2d(crops[:, None], BLOCK)[:, 0]
    squares = torch.cat([means.diff(dim=1).square().flatten(1), means.diff(dim=2).square().flatten(1)], 1)
    return BLOCK * torch.maximum(squares.mean(1).sqrt(), MIN_SCALE_SLOPE * BLOCK * dx_m)


def _squeezed(tile: np.ndarray) -> bytes:
    """Differences along both axes, high and low bytes apart, LZMA. Differences wrap around in 16 bits, so nothing is lost."""
    bits = tile.view(np.uint16)
    bits = np.diff(np.diff(bits, axis=0, prepend=np.uint16(0)), axis=1, prepend=np.uint16(0))
    zigzag = np.where(bits >> 15, ~(bits << 1), bits << 1).astype("<u2")
    planes = np.stack([zigzag & 255, zigzag >> 8]).astype(np.uint8)
    return lzma.compress(planes.tobytes(), preset=6)


def _restored(block: bytes) -> np.ndarray:
    low, high = np.frombuffer(lzma.decompress(block), np.uint8).reshape(2, TILE, TILE).astype(np.uint16)
    zigzag = low | (high << 8)
    bits = np.where(zigzag & 1, ~(zigzag >> 1), zigzag >> 1).astype(np.uint16)
    return np.cumsum(np.cumsum(bits, axis=1, dtype=np.uint16), axis=0, dtype=np.uint16).view(np.int16)
