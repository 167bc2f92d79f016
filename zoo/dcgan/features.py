"""Features: what pictures are compared by, the last hidden layer of a network that reads digits."""

from pathlib import Path
from typing import Annotated, Any

import tyro

import framework
import framework.nn.functional as F
from framework import Tensor, nn, optim
from zoo.common.batches import shuffled
from zoo.common.errors import UserError
from zoo.common.run import load_weights, read_config, weights_sha256
from zoo.datasets import mnist, squares

KEPT = "features.safetensors"  # in a run directory: the weights of what its pictures are compared by
READING_EPOCHS = 2

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
        return F.adaptive_avg_pool2d(pictures.float() / 255, 8).flatten(1)


def find_features(run: Path | None, wanted: Path | None, channels: int, device: framework.device) -> nn.Module:
    """What pictures are compared by: of the mnist_cnn run ``wanted``, else what is kept in ``run``, else trained on the built-in digits."""
    if channels == 3 and wanted:
        raise UserError(f"--features {wanted}: pictures in colour are compared by their mean colours, not as digits")
    if channels == 3:
        return MeanColours()
    framework.manual_seed(0)
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
    """Train the network on the 4,000 built-in digits: some seconds, after which it reads 94 % of MNIST's test digits."""
    digits = mnist.load("builtin")
    images = framework.from_numpy(squares.framed(digits.train_images, 32)).to(device)  # (4000, 1, 32, 32) uint8
    labels = framework.tensor(digits.train_labels).to(device)
    optimizer = optim.Adadelta(reader.parameters(), lr=1.0)
    for epoch in range(READING_EPOCHS):
        for batch in shuffled(len(images), 64, seed=0, epoch=epoch):
            batch = batch.to(device)
            optimizer.zero_grad()
            F.cross_entropy(reader.fc2(reader(images[batch])), labels[batch]).backward()
            optimizer.step()


def describe(features: nn.Module, run: Path | str | None) -> dict[str, Any]:
    """For the record, as distances in other features are other distances: the network, the run it is from, and its weights' sha256."""
    return {"network": type(features).__name__, "run": run and str(run), "sha256": weights_sha256(features)}
