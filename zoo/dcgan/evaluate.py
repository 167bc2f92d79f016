"""Evaluation: the Fréchet distance between generated and real pictures, in the features of a network that reads digits."""

import hashlib
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console
from rich.table import Table

import framework
import framework.nn.functional as F
from framework import Tensor, linalg, nn, optim
from zoo.common.batches import shuffled
from zoo.common.errors import UserError
from zoo.common.flags import DataDir, Device, RunDirectory, find_device
from zoo.common.run import load_weights, read_config, reopen, write_json
from zoo.datasets import mnist, squares
from zoo.dcgan.model import DCGAN, generate, noise

KEPT = "features.safetensors"  # in a run directory: the weights of what its pictures are compared by
READING_EPOCHS = 3

Features = Annotated[
    Path | None,
    tyro.conf.arg(metavar="RUN", help="A run of mnist_cnn whose features to measure in; by default a network trained on 4,000 digits."),
]


class DigitReader(nn.Module):
    """The network of zoo/mnist_cnn, for its weights to fit: forward stops at its last hidden layer, the 128 features of a digit."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 3), nn.Conv2d(32, 64, 3)
        self.fc1, self.fc2 = nn.Linear(9216, 128), nn.Linear(128, 10)

    def forward(self, pictures: Tensor) -> Tensor:
        """Pictures (N, 1, S, S) in bytes, S = 32 or 64, to features (N, 128)."""
        x = F.avg_pool2d(pictures.float(), pictures.shape[-1] // 32)[..., 2:30, 2:30]  # (N, 1, 28, 28): without the frame
        x = (x / 255 - 0.1307) / 0.3081  # MNIST's mean and standard deviation
        x = F.relu(self.conv2(F.relu(self.conv1(x))))  # (N, 64, 24, 24)
        return F.relu(self.fc1(F.max_pool2d(x, 2).flatten(1)))


class MeanColours(nn.Module):
    """What a network that reads digits cannot describe, pictures in colour (N, 3, S, S): the means of 8 × 8 cells, (N, 192)."""

    def forward(self, pictures: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(pictures.float(), 8).flatten(1)


def find_features(run: Path | None, wanted: Path | None, channels: int, device: framework.device) -> nn.Module:
    """What pictures are compared by: of the mnist_cnn run ``wanted``, else what is kept in ``run``, else trained on the built-in digits."""
    if channels == 3 and wanted:
        raise UserError(f"--features {wanted}: pictures in colour are compared by their mean colours, not as digits")
    if channels == 3:
        return MeanColours()
    reader = DigitReader().to(device)
    if wanted:
        read_config(wanted, "mnist_cnn")
        load_weights(wanted, reader)
    elif run and (run / KEPT).exists():
        reader.load_state_dict(framework.load(run / KEPT))
    else:
        learn_to_read(reader, device)
    return reader


def learn_to_read(reader: DigitReader, device: framework.device) -> None:
    """Train the network, from weights of its own seed, on the 4,000 built-in digits: some seconds."""
    digits = mnist.load("builtin")
    images = framework.from_numpy(squares.framed(digits.train_images, 32)).to(device)  # (4000, 1, 32, 32) uint8
    labels = framework.tensor(digits.train_labels).to(device)
    framework.manual_seed(0)
    for layer in reader.children():
        layer.reset_parameters()
    optimizer = optim.Adadelta(reader.parameters(), lr=1.0)
    for epoch in range(READING_EPOCHS):
        for batch in shuffled(len(images), 64, seed=0, epoch=epoch):
            batch = batch.to(device)
            optimizer.zero_grad()
            F.cross_entropy(reader.fc2(reader(images[batch])), labels[batch]).backward()
            optimizer.step()


def describe(features: nn.Module, run: Path | str | None) -> dict[str, Any]:
    """For the record, as distances in other features are other distances: the network, the run it is from, and its weights' sha256."""
    digest = hashlib.sha256()
    for weights in features.state_dict().values():
        digest.update(weights.cpu().numpy().tobytes())
    return {"network": type(features).__name__, "run": run and str(run), "sha256": digest.hexdigest()}


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
    table = Table(title=title, caption=f"features: {about['network']} {about['run'] or ''}, weights {about['sha256'][:8]}")
    table.add_column("as many pictures")
    table.add_column("distance", justify="right")
    names = ("of this generator", "of the same generator, untrained", "of random pixels", "of the training set: real ones")
    for name, distance in zip(names, distances.values(), strict=True):
        table.add_row(name, f"{distance:,.2f}")
    Console().print(table)
