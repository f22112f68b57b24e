"""Depth and mask metrics: AbsRel and delta < 1.25 after alignment, intersection over union."""

from __future__ import annotations

import numpy as np


def align_scale_shift(predicted: np.ndarray, truth: np.ndarray, rounds: int = 20) -> np.ndarray:
    """Scale and shift of `predicted` depths (N,) that minimize the mean relative error |a p + b - t| / t.

    Iteratively reweighted least squares; the relative L1 error is what AbsRel measures and what MoGe aligns by
    (Wang et al. 2024, section 3.2). Returns the aligned depths, never below 1 % of the median truth.
    """
    design = np.stack([predicted, np.ones_like(predicted)], 1).astype(np.float64)
    weight = 1.0 / truth**2
    target = truth.astype(np.float64)
    solution = np.array([np.median(truth) / np.median(predicted), 0.0])
    for _ in range(rounds):
        left = design * weight[:, None]
        solution = np.linalg.lstsq(left.T @ design, left.T @ target, rcond=None)[0]
        residual = np.abs(design @ solution - target) / truth
        weight = 1.0 / (truth**2 * np.maximum(residual, 1e-3))
    return np.maximum(design @ solution, 0.01 * float(np.median(truth)))


def align_log(log_predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Depths after removing the median difference of logs: one free scale, no shift."""
    return np.exp(log_predicted + np.median(np.log(truth) - log_predicted))


def abs_rel(aligned: np.ndarray, truth: np.ndarray) -> float:
    """Mean of |d - t| / t."""
    return float(np.mean(np.abs(aligned - truth) / truth))


def delta_125(aligned: np.ndarray, truth: np.ndarray) -> float:
    """Share of pixels whose ratio to the truth is below 1.25 either way."""
    return float(np.mean(np.maximum(aligned / truth, truth / aligned) < 1.25))


def intersection_over_union(a: np.ndarray, b: np.ndarray) -> float:
    """IoU of two bool masks; 1 where both are empty."""
    union = (a | b).sum()
    return float((a & b).sum() / union) if union else 1.0
