"""The benchmark's own parts: terrains, referees, the process of an adapter, tables. No times."""

import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio

from benchmarks import kernel_quality, kernel_summary, terrains
from benchmarks.kernel_peers import PEERS, TASKS
from benchmarks.kernel_race import OURS, race, start
from benchmarks.kernels import by_memory, chosen
from benchmarks.peers import geotiff


@pytest.mark.parametrize("kind", sorted(terrains.KINDS))
def test_terrains_repeat_and_have_depressions(kind):
    heights = terrains.make(kind, 64)
    assert heights.dtype == np.float32 and heights.shape == (64, 64) and np.isfinite(heights).all()
    assert (heights == terrains.make(kind, 64)).all()
    assert (heights != terrains.make(kind, 64, seed=8)).any()
    assert kernel_quality.stuck(heights) > 0


def test_plateau_is_made_of_steps():
    heights = terrains.make("plateau", 64)
    assert (heights == np.rint(heights)).all()
    with pytest.raises(ValueError, match="at least 8"):
        terrains.make("ridged", 4)


def test_stuck_counts_flats_and_pits_but_not_the_border():
    slope = np.add.outer(np.arange(6.0), np.zeros(5))
    assert kernel_quality.stuck(slope) == 0
    slope[3, 2] = -1.0
    assert kernel_quality.stuck(slope) == 1
    assert kernel_quality.stuck(np.zeros((5, 6))) == 3 * 4


def test_breached_terrain_is_described():
    heights = np.full((5, 5), 3.0, np.float32)
    lower = heights.copy()
    lower[2, 2] -= 1.0
    lower[1, 1] += 1.0
    words = kernel_quality.breached(heights, lower)
    assert "1 raised" in words and "mean cut 0.04 m" in words


def test_exact_bound_behind_a_wall():
    heights = np.zeros((9, 41), np.float32)
    heights[:, 10] = 5.0
    cells = np.array([4 * 41 + 12, 4 * 41 + 9, 4 * 41 + 1])
    bound = kernel_quality.exact_bound(heights, 4, 0, 10.0, 1.0, cells)
    assert bound[0] == pytest.approx(10.0 - 0.5 * 12)  # a ray over the wall's top falls 5 in 10
    assert bound[1] == pytest.approx(10.0 - 10.0 / 8 * 9)  # only flat ground before it, the last cell the steepest
    assert bound[2] == -np.inf


def test_marched_shadow_of_a_wall():
    heights = np.zeros((8, 40), np.float32)
    heights[:, 20] = 6.0
    cells = 4 * 40 + np.array([17, 15, 10, 25])
    dark = kernel_quality.marched_shadow(heights, cells, 1.0, np.pi / 2, 1.0)  # sun in the east, 45 degrees high
    assert dark.tolist() == [True, True, False, False]


def test_geotiff_is_read_as_written(tmp_path):
    heights = terrains.make("crater", 16)[:, :11]
    geotiff.write(str(tmp_path / "a b.tif"), heights, 10.0)
    with rasterio.open(tmp_path / "a b.tif") as file:
        assert (file.read(1) == heights).all()
        assert file.transform.a == 10.0 and file.transform.f == 160.0 and file.crs.to_epsg() == 32632


def test_ours_runs_in_a_process_of_its_own(tmp_path):
    heights = terrains.make("ridged", 64)
    np.save(tmp_path / "terrain.npy", heights)
    words = {"threads": 1, "runs": 2, "budget_s": 10.0, "device": "", "keep": tmp_path}
    (runner,) = race([], tmp_path, "breach", tmp_path / "terrain.npy", **words)
    assert not runner.trouble and len(runner.runs) == 2
    assert runner.runs[-1]["workspace"] > 0 and runner.best > 0
    assert kernel_quality.judge("breach", heights, tmp_path / "ours.npy").startswith("0 stuck, 0 raised")


def test_a_process_that_cannot_do_the_task_says_so(tmp_path):
    np.save(tmp_path / "terrain.npy", terrains.make("ridged", 64))
    runner = start(PEERS[-1], Path(sys.executable), "fill", tmp_path / "terrain.npy", 1)  # no such package here
    runner.hear()
    runner.end()
    assert "fastflow" in runner.trouble



def test_peers_share_memory_in_groups():
    peers = [peer for peer in PEERS if "breach" in peer.tasks]
    groups, too_large = by_memory("breach", peers, 10**12)
    assert groups == [[]] and too_large == peers
    groups, too_large = by_memory("breach", peers, 64)
    assert groups == [peers] and not too_large
    assert set(TASKS) >= {task for peer in PEERS for task in peer.tasks}
    assert OURS.name == "ours" and chosen(["none"]) == []
    with pytest.raises(SystemExit, match="no peer"):
        chosen(["nobody"])


def test_tables_take_the_best_measurement():
    def line(name, seconds, workspace=None):
        runs = [{"seconds": seconds, "cores": 1.0, "workspace": workspace}]
        return {"task": "fill", "terrain": "ridged", "cells": 4096, "name": name, "version": name, "trouble": "", "runs": runs}

    warm = [line("ours", 0.5, 4096), line("ours", 0.025, 8192), line("peer", 0.1)]
    speed, cold = kernel_summary.tables([*warm, {"cold": {"fill compiles": 3.0, "fill cached": 0.5}}])
    assert "| fill | ridged 64^2 | 0.025 | peer 0.10 (4.0x; 4.0x) | 2.0 |" in speed
    assert "| first call: fill | 3.0 | 0.50 |" in cold
