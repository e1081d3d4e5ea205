"""Batch normalisation in the four steps of Algorithm 1, and in the slide's one line."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from layerlab.studio.command_error import CommandError
from layerlab.studio.layer_pages.numbers import Matrix, Number, Request, Vector

__all__ = ["Normalised", "Normalising", "batch_normalization"]


class Normalising(Request):
    """A batch, a row for each example and a column for each feature."""

    batch: Matrix
    gamma: Vector
    beta: Vector
    epsilon: Annotated[Number, Field(gt=0, le=10)] = 1e-5


class Normalised(BaseModel):
    """Every step: mean and variance (features,), the normalised batch and the output (examples, features)."""

    mean: list[float]
    variance: list[float]
    normalized: list[list[float]]
    output: list[list[float]]
    slide: list[list[float]]
    """The lecture's line, which divides by var + epsilon where the algorithm divides by its square root."""


def batch_normalization(request: Normalising) -> Normalised:
    """Normalise every feature over the batch, then scale and shift it."""
    import torch

    from layerlab.layers import batch_normalize

    features = len(request.batch[0])
    if not len(request.gamma) == len(request.beta) == features:
        raise CommandError(
            "layers.error.gamma",
            f"{features} features need as many gammas and betas, not {len(request.gamma)} and {len(request.beta)}",
            features=features,
            gammas=len(request.gamma),
            betas=len(request.beta),
        )
    if len(request.batch) < 2:
        raise CommandError("layers.error.batch", "a batch of one example has no variance: give at least two")
    x, gamma, beta = (
        torch.tensor(numbers, dtype=torch.float64) for numbers in (request.batch, request.gamma, request.beta)
    )
    mean, variance = x.mean(0), x.var(0, correction=0)
    return Normalised(
        mean=mean.tolist(),
        variance=variance.tolist(),
        normalized=batch_normalize(x, epsilon=request.epsilon).tolist(),
        output=batch_normalize(x, gamma, beta, request.epsilon).tolist(),
        slide=((x - mean) / (variance + request.epsilon) * gamma + beta).tolist(),
    )
