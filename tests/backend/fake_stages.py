"""Stages that need no network and take no time, for tests of everything around them.

Used in-process and, through the hidden option `--stages tests.backend.fake_stages:NAME`, in a real child process. Each
run of a stage is counted in `calls` and, where the environment names a file in FAKE_STAGES_LOG, as a line there.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

from backend.camera import Camera
from backend.context import Context
from backend.contract.errors import NoTerrainFound, UnreadablePicture
from backend.contract.settings import TerrainSettings
from backend.picture import Picture
from backend.runner import Done, Stage
from backend.scene import Estimate, Pointmap, PosedScene, Prior, Segmentation, VisibleTerrain
from backend.terrain import EVIDENCE_INFERRED, EVIDENCE_VISIBLE, Grid, Terrain

calls: list[str] = []

WIDTH, HEIGHT = 120, 80


def _ran(name: str) -> None:
    calls.append(name)
    if log := os.environ.get("FAKE_STAGES_LOG"):
        with Path(log).open("a", encoding="utf-8") as target:
            target.write(name + "\n")


def picture(done: Done, settings: TerrainSettings, ctx: Context) -> Picture:
    path = Path(done["image"])
    if not path.is_file():
        raise UnreadablePicture(f"There is no file {path}.")
    if path.read_bytes().startswith(b"broken"):
        raise UnreadablePicture(f"{path.name} is broken.")
    _ran("picture")
    rgb = np.full((HEIGHT, WIDTH, 3), 0.5, np.float32)
    return Picture(rgb, path, "0" * 64, original_size=(WIDTH, HEIGHT))


def scene(done: Done, settings: TerrainSettings, ctx: Context) -> dict[str, float]:
    _ran("scene")
    ctx.choice("scene", "a fake", "test")
    return {"pitch": 0.02}


def segmentation(done: Done, settings: TerrainSettings, ctx: Context) -> Segmentation:
    _ran("segmentation")
    rows = np.arange(HEIGHT)[:, None] + np.zeros((1, WIDTH), int)
    return Segmentation(rows >= 30, rows < 28, np.zeros(rows.shape, bool), "fake")


def pointmap(done: Done, settings: TerrainSettings, ctx: Context) -> Pointmap:
    _ran("pointmap")
    mask = done["segmentation"].terrain
    points = np.where(mask[..., None], np.float32(1.0), np.float32(np.nan)) * np.ones((HEIGHT, WIDTH, 3), np.float32)
    return Pointmap(points, mask, 1.0, False, "fake")


def cleaning(done: Done, settings: TerrainSettings, ctx: Context) -> Pointmap:
    _ran("cleaning")
    return done["pointmap"]


def prior(done: Done, settings: TerrainSettings, ctx: Context) -> Prior:
    _ran("prior")
    relief = settings.elevation_range_m or 800.0
    return Prior(Estimate(0.4, 0.1, "fake"), Estimate(relief, 100.0, "fake"), Estimate(0.02, 0.1, "fake"))


def camera(done: Done, settings: TerrainSettings, ctx: Context) -> PosedScene:
    _ran("camera")
    n = settings.resolution
    grid = Grid(n, n, 8.0, (-4.0 * n, 8.0 * n))
    view = Camera(WIDTH, HEIGHT, 1.0, 0.02, 0.0, (0.0, 0.0, 300.0))
    return PosedScene(view, done["cleaning"].points, done["cleaning"].mask, grid, {"dx": "fake"})


def visible(done: Done, settings: TerrainSettings, ctx: Context) -> VisibleTerrain:
    _ran("visible")
    posed = done["camera"]
    grid = posed.grid
    distance = np.broadcast_to(grid.y()[:, None], grid.shape) / grid.y()[0]
    heights = (distance * done["prior"].elevation_range_m.value).astype(np.float32)
    mask = np.abs(np.broadcast_to(grid.x()[None, :], grid.shape)) < 0.25 * grid.cols * grid.dx_m
    heights = np.where(mask, heights, np.float32(np.nan))
    return VisibleTerrain(grid, posed.camera, heights, mask, np.zeros(grid.shape, bool))


def bound(done: Done, settings: TerrainSettings, ctx: Context) -> np.ndarray:
    _ran("bound")
    return np.full(done["visible"].grid.shape, np.inf, np.float32)


def start(done: Done, settings: TerrainSettings, ctx: Context) -> np.ndarray:
    _ran("start")
    seen = done["visible"]
    noise = ctx.rng("start").normal(0, 1, seen.grid.shape)
    slope = np.broadcast_to(seen.grid.y()[:, None] * 0.05, seen.grid.shape)
    return np.where(seen.mask, seen.heights, slope + noise).astype(np.float32)


def completed(done: Done, settings: TerrainSettings, ctx: Context) -> np.ndarray:
    _ran("completed")
    for step in range(settings.steps):
        ctx.progress(step / settings.steps, "denoising")
    return done["start"] * np.float32(1.0)


def polished(done: Done, settings: TerrainSettings, ctx: Context) -> Terrain:
    _ran("polished")
    seen = done["visible"]
    evidence = np.where(seen.mask, EVIDENCE_VISIBLE, EVIDENCE_INFERRED).astype(np.uint8)
    ctx.warning("polished", f"{settings.polish_rounds} rounds were fake.")
    layers = {"evidence": evidence, "visible": seen.heights, "bound": done["bound"]}
    return Terrain(seen.grid, done["completed"], layers)


def _patient(done: Done, settings: TerrainSettings, ctx: Context) -> np.ndarray:
    """Takes a minute and answers a cancel at once."""
    _ran("completed")
    for step in range(6000):
        ctx.progress(step / 6000, "waiting")
        time.sleep(0.01)
    return done["start"]


def _pondering(done: Done, settings: TerrainSettings, ctx: Context) -> Segmentation:
    """Masks that take a minute; answers a cancel at once."""
    _ran("segmentation")
    for step in range(6000):
        ctx.progress(step / 6000, "waiting")
        time.sleep(0.01)
    return segmentation(done, settings, ctx)


def _stubborn(done: Done, settings: TerrainSettings, ctx: Context) -> np.ndarray:
    """Three seconds in which nobody asks whether the user has cancelled."""
    _ran("completed")
    ctx.progress(0.5, "deaf")
    time.sleep(3.0)
    return done["start"]


def _barren(done: Done, settings: TerrainSettings, ctx: Context) -> Segmentation:
    raise NoTerrainFound("the picture shows a cat")


def _broken(done: Done, settings: TerrainSettings, ctx: Context) -> Segmentation:
    raise ZeroDivisionError("a defect")


def _noisy(done: Done, settings: TerrainSettings, ctx: Context) -> Segmentation:
    """A library that prints and writes to file descriptor 1."""
    print("a library says hello")
    os.write(1, b"from C\n")
    return segmentation(done, settings, ctx)


STAGES = [
    Stage("picture", picture, is_cached=False),
    Stage("scene", scene, lambda result: "fake network"),
    Stage("segmentation", segmentation), Stage("pointmap", pointmap), Stage("cleaning", cleaning),
    Stage("prior", prior), Stage("camera", camera), Stage("visible", visible), Stage("bound", bound),
    Stage("start", start),
    Stage("completed", completed), Stage("polished", polished),
]


def with_stage(name: str, run) -> list[Stage]:
    """The table with one stage replaced."""
    return [Stage(s.name, run, s.provider, s.is_cached) if s.name == name else s for s in STAGES]


def _start_of_region(done: Done, settings: TerrainSettings, ctx: Context) -> np.ndarray:
    """The terrain to change where a region is asked for."""
    return np.load(settings.base_path) if settings.region_path else start(done, settings, ctx)


def _region_polished(done: Done, settings: TerrainSettings, ctx: Context) -> Terrain:
    """The region is lifted by as many meters as its seed says, where the picture does not show it or that may change too."""
    terrain = polished(done, settings, ctx)
    if not settings.region_path:
        return terrain
    free = np.load(settings.region_path).astype(bool) & (settings.region_seen | ~done["visible"].mask)
    heights = np.where(free, done["start"] + np.float32(settings.region_seed), done["start"])
    return Terrain(terrain.grid, heights, {**terrain.layers, "region": free.astype(np.uint8)})


REGIONAL = [Stage(s.name, {"start": _start_of_region, "polished": _region_polished}.get(s.name, s.run), s.provider, s.is_cached)
            for s in STAGES]
PATIENT = with_stage("completed", _patient)
PONDERING = with_stage("segmentation", _pondering)
STUBBORN = with_stage("completed", _stubborn)
BARREN = with_stage("segmentation", _barren)
BROKEN = with_stage("segmentation", _broken)
NOISY = with_stage("segmentation", _noisy)
