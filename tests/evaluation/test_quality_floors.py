"""Floors just under today's quality, so that a regression is caught. Data of the repository first; more where it lies beside."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from backend.completion.diffusion import fast_bfloat16
from backend.context import Context
from backend.contract.settings import TerrainSettings
from backend.estimation import segmentation
from backend.evaluation import paper_figures
from backend.evaluation.marked_pictures import depth_order, marked_pictures, mask_scores
from backend.evaluation.options import DEFAULT_PICTURES, MASKS
from backend.evaluation.relief_statistics import compare
from backend.evaluation.terrain_samples import regions, sample
from backend.networks.scene import SceneNetwork
from backend.networks.terrain import TerrainNetwork
from backend.picture import load
from backend.training.elevation_data import DEFAULT_LIBRARY

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "picos_de_europa.jpg"


def scores_of(path: Path, marks: np.ndarray) -> dict[str, float]:
    picture = load(path)
    return mask_scores(marks, segmentation.segment(picture, SceneNetwork.load().predict(picture.rgb), TerrainSettings(), Context()))


def test_masks_of_the_bundled_photograph():
    (item,) = marked_pictures(EXAMPLE.parent, MASKS)
    assert item.marks is not None
    scores = scores_of(EXAMPLE, item.marks)
    assert scores["terrain_iou"] > 0.96 and scores["sky_iou"] > 0.92
    assert scores["skyline_px"] <= 2.0


def test_masks_of_photographs_never_trained_on():
    if not DEFAULT_PICTURES.is_dir():
        pytest.skip("no test pictures at ../shared/data/photos")
    names = ("glen_coe", "grand_canyon", "zhangye_danxia", "tateyama_murodo")
    items = marked_pictures(DEFAULT_PICTURES, MASKS, names)
    scores = [scores_of(item.path, item.marks) for item in items if item.marks is not None]
    assert len(scores) == len(names)
    assert min(score["terrain_iou"] for score in scores) > 0.95
    assert np.median([score["skyline_px"] for score in scores]) <= 2.0


def test_a_crater_opens_under_guidance_and_stays_closed_without():
    """Figure 10 of the paper: guided at most half of the unguided water, and no new trench deeper than the wall was high."""
    torch.set_num_threads(1)
    rows, _ = paper_figures.flow_guidance(TerrainNetwork.load(half=fast_bfloat16("cpu")))
    assert rows["unguided"]["mdd_m"] > 0.5
    assert rows["guided"]["mdd_m"] < 0.5 * rows["unguided"]["mdd_m"]
    assert rows["guided"]["lowered_at_most_m"] < 1.2 * rows["breached only"]["lowered_at_most_m"]


def test_samples_have_the_relief_of_real_ground_at_every_length():
    if not DEFAULT_LIBRARY.is_dir():
        pytest.skip("no elevation models at ../shared/data/dem")
    torch.set_num_threads(1)
    name, real, dx = next(place for place in regions(DEFAULT_LIBRARY) if place[0] == "os50_lake_district")
    row = compare(sample(real, dx, TerrainNetwork.load(half=fast_bfloat16("cpu"))), real, dx)
    assert all(0.9 < ratio < 1.1 for ratio in row["octave_ratio"]), name
    assert 0.9 < row["grain"] < 1.2
    assert row["slope_distance"] < 0.15 and row["curvature_distance"] < 0.2


def test_depth_order_counts_pairs_that_differ():
    log_depth = np.log(np.tile(np.linspace(100.0, 1000.0, 50, dtype=np.float32)[::-1, None], (1, 40)))
    points = np.array([[0.5, 0.1, 900.0], [0.5, 0.5, 500.0], [0.5, 0.9, 150.0]])
    assert depth_order(points, log_depth)["order_right"] == 1.0
    assert depth_order(points, -log_depth)["order_right"] == 0.0
    assert depth_order(points[:2], log_depth) == {}
