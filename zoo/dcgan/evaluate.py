"""Evaluation: the Fréchet distance between generated and real pictures, beside that of noise and of real ones."""

from functools import partial
from typing import Any

from rich.console import Console
from rich.table import Table

import framework
from framework import Tensor, linalg, nn
from zoo.common.files import write_json
from zoo.common.flags import DataDir, Device, RunDirectory, find_device
from zoo.common.run import load_weights, read_config, reopen
from zoo.datasets import squares
from zoo.dcgan.features import Features, describe, find_features
from zoo.dcgan.model import DCGAN, generate, noise


def moments(features: nn.Module, pictures: Tensor, batch_size: int = 500) -> tuple[Tensor, Tensor]:
    """Mean (D,) and covariance (D, D), in float64, of the features of pictures (N, C, S, S)."""
    with framework.no_grad():
        x = framework.cat([features(batch) for batch in pictures.split(batch_size)]).double()  # (N, D)
    mean = x.mean(0)
    x = x - mean
    return mean, x.mT @ x / (len(x) - 1)


def frechet_distance(one: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor]) -> float:
    """The squared distance between two normal distributions: ‖μ1 − μ2‖² + tr(Σ1 + Σ2 − 2 (Σ1 Σ2)^½)  (Fréchet, 1957).

    Σ1 Σ2 has the eigenvalues of the symmetric Σ1^½ Σ2 Σ1^½, which are the squares of the singular values of Σ1^½ Σ2^½. The
    sum of these is the trace of the root, without the root of a difference that is 0 but for rounding.
    """
    (mean1, cov1), (mean2, cov2) = one, other
    trace_of_root = linalg.matrix_norm(square_root(cov1) @ square_root(cov2), "nuc")
    return ((mean1 - mean2).square().sum() + cov1.trace() + cov2.trace() - 2 * trace_of_root).item()


def square_root(covariance: Tensor) -> Tensor:
    """Q Λ^½ Qᵀ of a covariance Q Λ Qᵀ, with what rounding left below 0 as 0."""
    values, vectors = linalg.eigh(covariance)
    return vectors * values.clamp(min=0).sqrt() @ vectors.mT


def evaluate(run: RunDirectory, *, features: Features = None, device: Device = "cpu", data_dir: DataDir = None) -> None:
    """Measure how far a run's pictures are from its data set's test pictures, and how far noise and real ones are."""
    flags = read_config(run, "dcgan")["flags"]
    _, pictures = reopen(run, "dcgan", partial(squares.load, size=flags["size"]), data_dir)
    target = find_device(device)
    real = framework.from_numpy(pictures.test).to(target)  # (M, C, S, S) uint8
    count, channels = real.shape[:2]
    network = find_features(run, features, channels, target)
    framework.manual_seed(flags["seed"])
    model = DCGAN(channels, flags["size"], flags["width"]).to(target)
    z = noise(count, flags["seed"]).to(target)
    untrained = generate(model.generator, z)
    load_weights(run, model)
    compared = {
        "frechet_distance": generate(model.generator, z),
        "untrained": untrained,
        "noise": framework.randint(0, 256, real.shape, dtype=framework.uint8, device=target),
        "real": framework.from_numpy(pictures.train[:count]).to(target),
    }
    test = moments(network, real)
    distances = {name: frechet_distance(moments(network, each), test) for name, each in compared.items()}
    about = describe(network, features or flags["features"])
    write_json(run / "evaluation.json", {"data": pictures.name, "pictures": count, "features": about, **distances})
    show(distances, f"Fréchet distance to the {count:,} test pictures of {pictures.name}", about)


def show(distances: dict[str, float], title: str, about: dict[str, Any]) -> None:
    """Print the distances of the run's pictures and of those to compare them with."""
    table = Table()
    table.add_column("of as many pictures")
    table.add_column("distance", justify="right")
    names = ("of this generator", "of the same generator, untrained", "of random pixels", "of the training set, real")
    for name, distance in zip(names, distances.values(), strict=True):
        table.add_row(name, f"{distance:,.2f}")
    console = Console()
    console.print(title, soft_wrap=True)
    console.print(table)
    console.print(f"in the features of {about['network']}, weights {about['sha256'][:8]}", soft_wrap=True)
