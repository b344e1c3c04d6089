"""Classification with trained Sketch-a-Nets: scores fused over scales, joined features, linear, nearest neighbours.

After Yu et al. 2015, sections 3.3 and 4. They fuse by joining the features of the nets of all SCALES and comparing them
by the joint Bayesian metric; `voted` takes that metric or the cosine.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dreamvid.media import opencv
from dreamvid.models.net import activations
from dreamvid.models.sketch_a_net import SIDE, SketchANet

SCALES = (256, 128, 64, 32, 16)  # pixels a side to which sketches are reduced for the paper's five nets
Features = NDArray[np.float32]
Labels = NDArray[np.int64]
Similarity = Callable[[Features, Features], NDArray[np.floating[Any]]]  # (M, F), (N, F) to (M, N)


def at_scale(pictures: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Reduce pictures (N, C, S, S) to `side` pixels and enlarge them again: the same size, less detail."""
    cv2, full = opencv.load(), pictures.shape[-1]

    def blurred(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(small, (full, full), interpolation=cv2.INTER_CUBIC))

    if side >= full:
        return pictures
    return np.stack([np.stack([blurred(channel) for channel in picture]) for picture in pictures])


def fused(logits: Sequence[Tensor], weights: Sequence[float] | None = None) -> Tensor:
    """Average the probabilities of several nets or scales, from logits (N, classes) each; return (N, classes).

    `weights`: one per net or scale, such as its accuracy on held-out sketches; they need not sum to one.
    """
    shares = torch.tensor(weights if weights is not None else [1.0] * len(logits))
    probabilities = torch.stack([some.softmax(dim=1) for some in logits])
    return torch.tensordot(shares / shares.sum(), probabilities, dims=1)


def views(pictures: Tensor) -> Tensor:
    """Return ten crops of each picture (N, C, H, W), (N, 10, C, 225, 225): corners and centre, and all mirrored."""
    height, width = pictures.shape[-2:]
    low, right = height - SIDE, width - SIDE
    corners = [(0, 0), (0, right), (low, 0), (low, right), (low // 2, right // 2)]
    crops = [pictures[..., row : row + SIDE, col : col + SIDE] for row, col in corners]
    return torch.stack([*crops, *(crop.flip(-1) for crop in crops)], dim=1)


@torch.no_grad()
def features(net: SketchANet, crops: Tensor, layer: str = "conv7") -> Features:
    """Return a layer's activations for crops (N, C, 225, 225) in [-1, 1], averaged over positions: (N, channels)."""
    parts = [activations(net, some, frozenset({layer}))[layer].mean(dim=(2, 3)) for some in crops.split(64)]
    return np.asarray(torch.cat(parts).numpy(), dtype=np.float32)


def joined(parts: Sequence[Features]) -> Features:
    """Concatenate features (N, ...) of several nets or scales, each scaled to unit length so that all count alike."""
    return np.concatenate([part / np.linalg.norm(part, axis=1, keepdims=True).clip(1e-8) for part in parts], axis=1)


def linear(known: Features, labels: Labels, unknown: Features) -> Labels:
    """Classify `unknown` (M, F) by logistic regression on `known` (N, F); return classes (M,)."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return np.asarray(classifier.fit(known, labels).predict(unknown))


def cosine(some: Features, others: Features) -> NDArray[np.floating[Any]]:
    """Return the cosine similarity of features (M, F) and (N, F): (M, N)."""
    from sklearn.metrics.pairwise import cosine_similarity

    return np.asarray(cosine_similarity(some, others))


def joint_bayesian(known: Features, labels: Labels, rounds: int = 5) -> Similarity:
    """Return the joint Bayesian metric (Chen et al. 2012, section 3): log-likelihood ratio of one class against two.

    A feature is the sum of a class mean and a deviation, both Gaussian; their covariances are estimated from `known`
    (N, F) by expectation maximisation (eqs. 7, 8), with a ridge of 1 % that keeps those of small sets invertible.
    """
    centre = known.mean(axis=0)
    classes = [known[labels == label] - centre for label in np.unique(labels)]
    own = np.stack([members.mean(axis=0) for members in classes])
    for _ in range(rounds):
        apart = np.concatenate([members - mean for members, mean in zip(classes, own, strict=True)])
        between, within = own.T @ own / len(own), apart.T @ apart / len(apart)
        within += (0.01 * np.trace(within) / len(within) + 1e-9) * np.eye(len(within))
        own = np.stack([
            len(members) * between @ np.linalg.solve(len(members) * between + within, members.mean(axis=0))
            for members in classes
        ])  # fmt: skip
    cross = -np.linalg.solve(2 * between + within, between) @ np.linalg.inv(within)  # G of eq. 6
    square = np.linalg.inv(between + within) - np.linalg.inv(within) - cross  # A of eq. 5

    def ratio(some: Features, others: Features) -> NDArray[np.floating[Any]]:
        left, right = some - centre, others - centre
        squares = ((side @ square * side).sum(axis=1) for side in (left, right))
        return next(squares)[:, None] + next(squares)[None] - 2 * left @ cross @ right.T

    return ratio


def voted(
    known: Features, labels: Labels, unknown: Features, neighbours: int = 5, alike: Similarity = cosine
) -> Labels:
    """Classify `unknown` (M, views, F): the `neighbours` of `known` (N, F) most similar to each view vote.

    Returns classes (M,). A tie goes to the lower class number.
    """
    found = np.argsort(-alike(unknown.reshape(-1, unknown.shape[-1]), known), axis=1, kind="stable")[:, :neighbours]
    votes = labels[found].reshape(len(unknown), -1)
    return np.array([np.bincount(ballot).argmax() for ballot in votes])
