"""The whole way: the installed zip, the real operator, the real backend, the bundled photograph; saved, reopened, rendered."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
from pathlib import Path

import bpy
import numpy as np
import pytest

from blender_tests.conftest import PICTURE

RESOLUTION = 256
"""Low, because this runs once in each Blender on a small machine."""

WIDTH, HEIGHT = 400, 300

SKYLINE_PX = 12.0
"""Median distance of the rendered skyline from the photo's at 1000 pixels; a coarse grid's cells are a few pixels wide."""


@pytest.fixture(scope="module")
def job(addon, python, tmp_path_factory) -> dict[str, Path]:
    """One real run in background mode, saved. Gives the .blend file and the folder of the results."""
    place = tmp_path_factory.mktemp("real ⛰ é")
    jobs = importlib.import_module(f"{addon.__name__}.addon.jobs")
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    ours = bpy.context.scene.photo_to_terrain
    ours.picture, ours.folder, ours.settings.resolution = str(PICTURE), str(place), RESOLUTION
    try:
        assert bpy.ops.photo_to_terrain.generate() == {"FINISHED"}
    finally:
        jobs.stop_all()
    saved = place / "scene.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(saved), compress=True)
    return {"blend": saved, "folder": next(place.glob("picos_de_europa-*"))}


@pytest.fixture
def reopened(job) -> Path:
    """The saved file, opened again. Gives the folder of the results."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.wm.open_mainfile(filepath=str(job["blend"]))
    return job["folder"]


def test_the_reopened_terrain_is_the_backends(reopened):
    stored = np.load(reopened / "terrain.npy")
    assert stored.shape == (RESOLUTION, RESOLUTION)
    mesh = bpy.data.objects["Terrain"].data
    points = np.empty(stored.size * 3, np.float32)
    mesh.vertices.foreach_get("co", points)
    assert np.array_equal(points.reshape(-1, 3)[:, 2], stored.ravel())
    evidence = np.empty(stored.size, np.int32)
    mesh.attributes["evidence"].data.foreach_get("value", evidence)
    assert np.array_equal(evidence, np.load(reopened / "evidence.npy").ravel())
    assert {0, 1} <= set(np.unique(evidence))
    report = json.loads((reopened / "report.json").read_text(encoding="utf-8"))
    assert report["metrics"]["mdd_m"] <= 0.05
    assert bpy.context.scene.camera.data.background_images[0].image.packed_file


def test_the_render_has_the_skyline_of_the_photo(reopened, python, addon, tmp_path):
    seen = render(tmp_path / "render.png")
    colors, alpha = seen[..., :3], seen[..., 3] > 0.5
    assert 0.2 < alpha.mean() < 0.98
    assert colors[alpha].std() > 0.03    # lit ground, not one flat color
    photo = sky_of_photo(reopened, python, Path(addon.__path__[0]))
    off = skyline_distances(alpha, photo)
    assert len(off) > 0.3 * WIDTH, "too little of the skyline is terrain"
    assert np.median(off) * 1000 / WIDTH < SKYLINE_PX


def render(path: Path) -> np.ndarray:
    """float32 (HEIGHT, WIDTH, 4), first row on top: the scene through its camera, sky transparent."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.device, scene.cycles.use_denoising = 4, "CPU", False
    scene.render.film_transparent = True
    scene.render.resolution_x, scene.render.resolution_y = WIDTH, HEIGHT
    scene.render.threads_mode, scene.render.threads = "FIXED", 2
    scene.render.image_settings.file_format, scene.render.image_settings.color_mode = "PNG", "RGBA"
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(str(path))
    pixels = np.empty(WIDTH * HEIGHT * 4, np.float32)
    image.pixels.foreach_get(pixels)
    return pixels.reshape(HEIGHT, WIDTH, 4)[::-1]


def sky_of_photo(folder: Path, python: Path, root: Path) -> dict[str, np.ndarray]:
    """The backend's masks; a second run with --keep-stages finds everything in the cache of the first."""
    command = [python, "-m", "backend", "run", PICTURE, "--out", folder, "--resolution", str(RESOLUTION), "--keep-stages"]
    subprocess.run(list(map(str, command)), cwd=root, check=True, timeout=300, capture_output=True,
                   env=os.environ | {"PYTHONPATH": str(root), "PYTHONUTF8": "1"})
    with np.load(folder / "segmentation.npz") as masks:
        return dict(masks)


def skyline_distances(alpha: np.ndarray, masks: dict[str, np.ndarray]) -> np.ndarray:
    """Rows between the rendered skyline and the photo's, at the render's size, where the photo's is terrain against sky."""
    height, width = masks["sky"].shape
    columns = ((np.arange(WIDTH) + 0.5) * width / WIDTH).astype(int)
    below_sky = ~masks["sky"][:, columns]
    top = below_sky.argmax(axis=0)
    is_terrain = below_sky.any(axis=0) & (top > 0) & masks["terrain"][top, columns] & alpha.any(axis=0)
    return np.abs(alpha.argmax(axis=0) - top * HEIGHT / height)[is_terrain]
