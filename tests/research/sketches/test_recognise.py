"""Fusion, joined features, the linear classifier and the vote."""

import numpy as np
import pytest
import torch

from dreamvid.models.sketch_a_net import SketchANet
from dreamvid.research.sketches.recognise import (
    Features,
    Labels,
    Similarity,
    at_scale,
    cosine,
    features,
    fused,
    joined,
    joint_bayesian,
    linear,
    views,
    voted,
)


@pytest.fixture(scope="module")
def clusters() -> tuple[Features, Labels]:
    """Three classes of 30 features in 6 dimensions, the last three of which are loud and tell nothing."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 30)
    told, noise = np.eye(3)[labels] * 2 + rng.normal(0, 0.25, (90, 3)), rng.normal(0, 3, (90, 3))
    return np.concatenate([told, noise], axis=1).astype(np.float32), labels


def test_scales_keep_size_and_lose_detail() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (2, 3, 64, 64)).astype(np.uint8)
    spread = [at_scale(pictures, side).astype(float).std() for side in (64, 32, 8)]
    assert at_scale(pictures, 8).shape == pictures.shape
    assert np.array_equal(at_scale(pictures, 64), pictures)
    assert spread[0] > spread[1] > spread[2] > 0


def test_fused_scores_are_probabilities_weighted() -> None:
    sure, other = torch.tensor([[9.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    even = fused([sure, other])
    torch.testing.assert_close(even.sum(dim=1), torch.ones(1))
    torch.testing.assert_close(even, (sure.softmax(1) + other.softmax(1)) / 2)
    torch.testing.assert_close(fused([sure, other], [0.0, 3.0]), other.softmax(1))
    assert fused([sure, other], [1.0, 9.0]).argmax() == 1 != even.argmax()


def test_ten_views_are_corners_middle_and_mirror_images() -> None:
    picture = torch.arange(256 * 256).view(1, 1, 256, 256).float()
    ten = views(picture)
    assert ten.shape == (1, 10, 1, 225, 225)
    assert torch.equal(ten[:, 3], picture[..., 31:, 31:]) and torch.equal(ten[:, 4], picture[..., 15:240, 15:240])
    assert torch.equal(ten[:, 5:], ten[:, :5].flip(-1))


def test_features_are_a_layer_s_means_and_join_evenly() -> None:
    net = SketchANet(3, width=0.02).eval()
    crops = torch.rand(3, 1, 225, 225, generator=torch.Generator().manual_seed(0))
    early, late = features(net, crops, "conv2"), features(net, crops)
    assert early.shape == late.shape == (3, 8)
    both = joined([early, 100 * late])
    assert both.shape == (3, 16)
    np.testing.assert_allclose(np.linalg.norm(both[:, :8], axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(both, joined([early, late]), rtol=1e-5)


def test_a_linear_classifier_finds_what_tells(clusters: tuple[Features, Labels]) -> None:
    known, labels = clusters
    assert (linear(known[::2], labels[::2], known[1::2]) == labels[1::2]).mean() > 0.9


@pytest.mark.parametrize(("metric", "least"), [("cosine", 0.34), ("joint Bayesian", 0.9)])
def test_neighbours_vote_over_views(clusters: tuple[Features, Labels], metric: str, least: float) -> None:
    known, labels = clusters
    alike: Similarity = cosine if metric == "cosine" else joint_bayesian(known[::2], labels[::2])
    unknown = known[1::2, None] + np.random.default_rng(1).normal(0, 0.1, (45, 4, 6)).astype(np.float32)
    assert (voted(known[::2], labels[::2], unknown, alike=alike) == labels[1::2]).mean() > least


def test_the_majority_of_views_decides() -> None:
    known, labels = np.eye(2, dtype=np.float32), np.array([7, 3])
    unknown = np.array([[[1, 0.1], [1, 0.2], [0, 1]], [[0, 1], [0.1, 1], [1, 0]]], dtype=np.float32)
    assert voted(known, labels, unknown, neighbours=1).tolist() == [7, 3]


def test_the_joint_bayesian_metric_is_symmetric_and_likes_its_own(clusters: tuple[Features, Labels]) -> None:
    known, labels = clusters
    ratio = joint_bayesian(known, labels)(known, known)
    np.testing.assert_allclose(ratio, ratio.T, atol=1e-6 * np.abs(ratio).max())
    alike = labels[:, None] == labels[None]
    assert ratio[alike].mean() > ratio[~alike].mean() + 1


def test_features_that_never_vary_do_not_stop_the_metric() -> None:
    known, labels = np.zeros((6, 4), dtype=np.float32), np.array([0, 0, 0, 1, 1, 1])
    assert np.isfinite(joint_bayesian(known, labels)(known, known)).all()
