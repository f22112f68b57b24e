"""Train the scene network on renders of real terrain.

    python -m backend.training.train_scene --library ../shared/data/dem --out DIR --minutes 90
    python -m backend.training.train_scene --library FILE --out DIR --minutes 25 --device cuda --workers 14 --batch 96 --pool 1500

Render workers (`render_shards`) fill DIR/shards while the network trains on what is there; pictures are reused for as
long as they stay in memory. The learning rate follows wall time, so that the run ends when told. Run the same command
again to resume from DIR/checkpoint.pt. --library is the folder of elevation models or a pack of crops (`pack_crops`), for a
machine with a GPU and little else; there bfloat16 is used, and rendering takes the cores one gives it. The averaged
weights are written to DIR/scene.safetensors, and to --export where given, at every validation;
backend/networks/weights/scene.md states what this gave.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backend.evaluation.scene_scores import score_pictures, summary_line
from backend.networks.efficientnet_lite import imagenet_state
from backend.networks.scene import CENTER, UNIT, SceneModule, SceneNetwork

from .elevation_data import DEFAULT_LIBRARY
from .landscape_render import LabeledPicture, random_pictures
from .marked_photos import MarkedPhotos
from .packed_elevation import elevation_files
from .shard_pool import ShardPool

SCALES, EARLY_ODDS, LATE_ODDS = (0.67, 0.83, 1.0, 1.33), (0.55, 0.3, 0.15, 0.0), (0.25, 0.3, 0.3, 0.15)
TERRAIN_IGNORE = 255


def targets_of(truth: Tensor) -> Tensor:
    """(B, 4) pitch, fov_x, slope, log relief in radians and log meters to the units of the camera head."""
    raw = torch.stack([truth[:, 0], torch.log(torch.tan(truth[:, 1] / 2)), truth[:, 2], truth[:, 3]], 1)
    return (raw - raw.new_tensor(CENTER)) / raw.new_tensor(UNIT)


def depth_loss(predicted: Tensor, log_depth: Tensor) -> tuple[Tensor, Tensor]:
    """Scale-free L1 and multi-scale gradient L1 of log depth; NaN targets count for nothing. (B, h, w) each."""
    known = torch.isfinite(log_depth)
    difference = predicted - torch.nan_to_num(log_depth)
    centered = difference.detach().masked_fill(~known, float("nan")).flatten(1).nanmedian(1).values
    residual = torch.where(known, difference - torch.nan_to_num(centered)[:, None, None], 0.0)
    count = known.sum().clamp(min=1)
    plain = F.smooth_l1_loss(residual, torch.zeros_like(residual), beta=0.1, reduction="sum") / count
    gradient = residual.new_zeros(())
    for step in (1, 2, 4, 8, 16):
        both = known[:, :, step:] & known[:, :, :-step]
        gradient = gradient + ((residual[:, :, step:] - residual[:, :, :-step]).abs() * both).sum() / both.sum().clamp(min=1)
        both = known[:, step:] & known[:, :-step]
        gradient = gradient + ((residual[:, step:] - residual[:, :-step]).abs() * both).sum() / both.sum().clamp(min=1)
    return plain, gradient / 10


def losses(module: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """All terms of the loss, weighted."""
    with torch.autocast("cuda", torch.bfloat16, enabled=batch["rgb"].is_cuda):
        logits, log_depth, camera = (out.float() for out in module(batch["rgb"]))
    size = logits.shape[-2:]
    labels = F.interpolate(batch["classes"][:, None].float(), size, mode="nearest")[:, 0].long()
    known = F.interpolate(batch["log_depth"][:, None], size, mode="nearest")[:, 0]
    plain, gradient = depth_loss(log_depth, known)
    rendered = torch.isfinite(batch["truth"][:, 0])  # photographs teach masks only
    error = (camera[rendered, :4] - targets_of(batch["truth"][rendered])).abs()
    spread = camera[rendered, 4:].clamp(-4, 3)
    likelihood = error * torch.exp(-spread) + spread  # Laplace
    return {
        "class": F.cross_entropy(logits, labels, ignore_index=TERRAIN_IGNORE),
        "depth": plain,
        "gradient": 1.5 * gradient,
        "camera": 0.15 * (likelihood.sum(1).mean() + error.sum(1).mean()),
    }


def make_batch(
    rng: np.random.Generator, arrays: dict[str, np.ndarray], progress: float = 1.0, device: str = "cpu"
) -> dict[str, Tensor]:
    """Tensors on `device` at a random scale (smaller early on, for speed), sides multiples of 32, with a little random color."""
    height, width = arrays["picture"].shape[1:3]
    scale = rng.choice(SCALES, p=EARLY_ODDS if progress < 0.6 else LATE_ODDS)
    size = tuple(max(96, round(side * scale / 32) * 32) for side in (height, width))
    tensors = {name: torch.from_numpy(array).to(device) for name, array in arrays.items()}
    rgb = tensors["picture"].permute(0, 3, 1, 2).float() / 255
    if size != (height, width):
        rgb = F.interpolate(rgb, size, mode="bilinear", antialias=scale < 1, align_corners=False).clamp(0, 1)
    gain = torch.from_numpy(np.exp(rng.normal(0, 0.08, (len(rgb), 3, 1, 1)))).float()
    rgb = (rgb * gain.to(device)).clamp(0, 1).contiguous(memory_format=torch.channels_last)
    return {"rgb": rgb, "classes": tensors["classes"], "truth": tensors["truth"], "log_depth": tensors["log_depth"].float()}


class Average:
    """Exponential moving average of a module's parameters; buffers are copied."""

    def __init__(self, module: SceneModule, device: str = "cpu") -> None:
        self.module = SceneModule().to(device)
        self.module.load_state_dict(module.state_dict())
        self.module.eval()

    @torch.no_grad()
    def update(self, module: SceneModule, step: int) -> None:
        """Follow the module, fast at first."""
        decay = min(0.998, (1 + step) / (10 + step))
        for mean, new in zip(self.module.parameters(), module.parameters(), strict=True):
            mean.lerp_(new, 1 - decay)
        for kept, now in zip(self.module.buffers(), module.buffers(), strict=True):
            kept.copy_(now)


def training_mode(module: SceneModule) -> None:
    """Train with the backbone's ImageNet statistics kept: photographs are closer to those than renders are."""
    module.train()
    module.encoder.eval()


def start_worker(options: argparse.Namespace, shards: Path, number: int) -> subprocess.Popen:
    """One render worker on one thread."""
    one = dict.fromkeys(("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    command = [
        sys.executable,
        "-m",
        "backend.training.render_shards",
        "--library",
        str(options.library),
        "--shards",
        str(shards),
        "--seed",
        str(options.seed + number),
        "--keep",
        str(max(200, options.pool + 30)),
        "--parent",
        str(os.getpid()),
        "--pace",
        str(options.pace),
    ]
    return subprocess.Popen(command, env={**os.environ, **one})


def validation_pictures(library: Path, count: int) -> list[LabeledPicture]:
    """A fixed set of views of the validation regions, the same for every run."""
    files, cache = elevation_files(library, validation=True)
    rng = np.random.default_rng(20_000)
    out: list[LabeledPicture] = []
    while len(out) < count:
        out += random_pictures(rng, files, cache, 1, (192, 288))
    return out


def learning_rate(progress: float) -> float:
    """Warm up over 3 % of the time, then a cosine down to 1 %."""
    return min(1.0, progress / 0.03 + 0.05) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0))))


def main() -> None:
    """Parse the command, train, export."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", type=Path, default=DEFAULT_LIBRARY)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--export", type=Path, help="also write the averaged weights here")
    parser.add_argument("--minutes", type=float, required=True, help="wall time of the whole run, resumes included")
    parser.add_argument("--photos", type=Path, help="folder of marked photographs (see marked_photos); optional")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--pace", type=float, default=0.0, help="seconds a worker takes at least for a shard of 48 pictures")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--pool", type=int, default=170, help="shards of 48 pictures kept in memory (15 MB each)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--validate-minutes", type=float, default=6.0)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    shards, checkpoint = options.out / "shards", options.out / "checkpoint.pt"
    workers = [start_worker(options, shards, k) for k in range(options.workers)]
    module = SceneModule()
    module.encoder.load_imagenet(imagenet_state())
    module.to(options.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    encoder = list(module.encoder.parameters())
    known = {id(p) for p in encoder}
    rest = [p for p in module.parameters() if id(p) not in known]
    optimizer = torch.optim.AdamW([{"params": encoder, "peak": 3e-4}, {"params": rest, "peak": 1.5e-3}], lr=1e-3, weight_decay=0.01)
    average, step, spent = Average(module, options.device), 0, 0.0
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=options.device, weights_only=True)
        module.load_state_dict(state["module"])
        average.module.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        step, spent = state["step"], state["spent"]
    judged = validation_pictures(options.library, 64)
    photos = MarkedPhotos(options.photos) if options.photos else None
    pool, rng = ShardPool(shards, options.pool), np.random.default_rng([options.seed, step])
    began, last = time.time() - spent, time.time()
    mean: dict[str, float] = {}
    while (progress := (time.time() - began) / (60 * options.minutes)) < 1.0:
        for k, worker in enumerate(workers):
            if worker.poll() is not None:
                workers[k] = start_worker(options, shards, k)
        arrays = pool.draw(rng, options.batch - (2 if photos else 0))
        if photos:
            height, width = arrays["picture"].shape[1:3]
            marked = photos.draw(rng, 2, height, width)
            arrays = {name: np.concatenate([array, marked[name]]) for name, array in arrays.items()}
        training_mode(module)
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * learning_rate(progress)
        terms = losses(module, make_batch(rng, arrays, progress, options.device))
        total = torch.stack(list(terms.values())).sum()
        optimizer.zero_grad(set_to_none=True)
        total.backward()
        norm = nn.utils.clip_grad_norm_(module.parameters(), 5.0)
        if bool(torch.isfinite(norm)):
            optimizer.step()
        step += 1
        average.update(module, step)
        if step % 25 == 1 or options.device == "cpu":  # reading a term waits for the GPU
            for name, term in terms.items():
                mean[name] = 0.98 * mean.get(name, term.item()) + 0.02 * term.item()
        if step % 25 == 0:
            print(
                f"step {step} progress {progress:.3f} pictures {len(pool)} "
                + " ".join(f"{name} {value:.3f}" for name, value in mean.items()),
                flush=True,
            )
        if time.time() - last > 60 * options.validate_minutes:
            save(options, module, average, optimizer, step, time.time() - began)
            print(
                "validation",
                summary_line(score_pictures(SceneNetwork.load(options.out / "scene.safetensors"), judged)),
                flush=True,
            )
            last = time.time()
    save(options, module, average, optimizer, step, time.time() - began)
    for worker in workers:
        worker.terminate()
    print("final", summary_line(score_pictures(SceneNetwork.load(options.out / "scene.safetensors"), judged)), flush=True)


def save(
    options: argparse.Namespace,
    module: SceneModule,
    average: Average,
    optimizer: torch.optim.Optimizer,
    step: int,
    spent: float,
) -> None:
    """Checkpoint and averaged weights, each written beside and renamed."""
    beside = options.out / "checkpoint.partial"
    torch.save(
        {
            "module": module.state_dict(),
            "average": average.module.state_dict(),
            "optimizer": optimizer.state_dict(),
            "step": step,
            "spent": spent,
        },
        beside,
    )
    beside.replace(options.out / "checkpoint.pt")
    frozen = SceneModule()
    frozen.load_state_dict(average.module.state_dict())
    for path in filter(None, (options.out / "scene.safetensors", options.export)):
        SceneNetwork(frozen).save(path)


if __name__ == "__main__":
    main()
