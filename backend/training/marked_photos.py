"""Real photographs with hand-corrected masks, mixed into training so that the masks learn real textures.

A folder holds `NAME.png` (or .jpg) beside `NAME_classes.png`, whose values are 0 sky, 1 terrain, 2 foreground, 255 unknown.
They teach masks only: their depth and camera are unknown. They stay out of the repository.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


class MarkedPhotos:
    """Random crops of the marked photographs of a folder."""

    def __init__(self, folder: Path) -> None:
        self.pairs = []
        for marks in sorted(folder.glob("*_classes.png")):
            stem = marks.name.removesuffix("_classes.png")
            picture = next(p for p in (folder / f"{stem}.png", folder / f"{stem}.jpg") if p.exists())
            self.pairs.append((Image.open(picture).convert("RGB"), Image.open(marks).convert("L")))
        if not self.pairs:
            raise FileNotFoundError(f"No marked photographs in {folder}.")

    def draw(self, rng: np.random.Generator, count: int, height: int, width: int) -> dict[str, np.ndarray]:
        """`count` crops in the format of `render_shards.pack`; depth and truth are NaN."""
        pictures, classes = [], []
        for _ in range(count):
            picture, marks = self.pairs[int(rng.integers(len(self.pairs)))]
            w, h = picture.size
            share = rng.uniform(0.55, 1.0)
            ratio = width / height * np.exp(rng.normal(0, 0.1))
            cw, ch = (w * share, w * share / ratio) if w / h < ratio else (h * share * ratio, h * share)
            x, y = rng.uniform(0, w - cw), rng.uniform(0, h - ch)
            box = (x, y, x + cw, y + ch)
            rgb = np.asarray(picture.resize((width, height), Image.Resampling.BOX, box), np.float32)
            label = np.asarray(marks.resize((width, height), Image.Resampling.NEAREST, box))
            if rng.random() < 0.2:
                rgb = np.repeat(rgb.mean(-1, keepdims=True), 3, -1)
            bright = 255 * (np.clip(rgb, 0, 255) / 255) ** rng.uniform(0.7, 1.4) * rng.uniform(0.85, 1.1)
            if rng.random() < 0.5:
                bright, label = bright[:, ::-1], label[:, ::-1]
            pictures.append(np.clip(bright, 0, 255).astype(np.uint8))
            classes.append(label)
        unknown = np.full((count, height, width), np.nan, np.float16)
        return {
            "picture": np.stack(pictures),
            "classes": np.stack(classes).astype(np.uint8),
            "log_depth": unknown,
            "truth": np.full((count, 4), np.nan, np.float32),
        }
