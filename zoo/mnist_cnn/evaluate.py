"""Evaluation: how many of the test digits a trained network names, and with what confidence."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

import framework
import framework.nn.functional as F
from framework import Tensor
from zoo.common.files import write_json
from zoo.common.flags import DataDir, Device, RunDirectory, find_device
from zoo.common.pictures import write_figure
from zoo.common.run import load_weights, reopen
from zoo.datasets import mnist
from zoo.mnist_cnn.model import Net, normalize


def log_probabilities(model: Net, images: Tensor, batch_size: int) -> Tensor:
    """The network's answers (M, 10) to images (M, 28, 28) in bytes, with dropout off."""
    model.eval()
    with framework.no_grad():
        return framework.cat([model(normalize(batch)) for batch in images.split(batch_size)])


def scores(answers: Tensor, labels: Tensor) -> dict[str, float]:
    """The mean negative log likelihood −log p(label) and the share of digits whose label is the most probable."""
    correct = (answers.argmax(1) == labels).sum().item()
    return {"test_loss": F.nll_loss(answers, labels).item(), "test_accuracy": correct / len(labels)}


def evaluate(run: RunDirectory, *, device: Device = "cpu", data_dir: DataDir = None) -> None:
    """Score the network of a run on its data set's test digits, and show which it confuses."""
    config, digits = reopen(run, "mnist_cnn", mnist.load, data_dir)
    target = find_device(device)
    model = Net().to(target)
    load_weights(run, model)
    images = framework.from_numpy(digits.test_images).to(target)  # (M, 28, 28) uint8
    labels = framework.tensor(digits.test_labels).to(target)  # (M,)
    answers = log_probabilities(model, images, config["flags"]["test_batch_size"])
    figures = scores(answers, labels)
    taken_for = answers.argmax(1).cpu().numpy()  # (M,)
    confusion = np.bincount(10 * digits.test_labels + taken_for, minlength=100).reshape(10, 10).tolist()
    write_json(run / "evaluation.json", {"data": digits.name, **figures, "confusion": confusion})
    show(figures, confusion, f"{len(labels):,} test digits of {digits.name}")
    draw_mistakes(run / "samples" / "mistakes.png", answers.exp().cpu().numpy(), digits)


def show(figures: dict[str, float], confusion: list[list[int]], title: str) -> None:
    """Print the scores, and a table of how often each digit was taken for each."""
    console = Console()
    matrix = Table(title="row: the digit, column: what it was taken for")
    matrix.add_column("")
    for digit in range(10):
        matrix.add_column(str(digit), justify="right")
    for digit, row in enumerate(confusion):
        cells = (f"[bold]{count}" if column == digit else str(count or "·") for column, count in enumerate(row))
        matrix.add_row(str(digit), *cells)
    accuracy, loss = figures["test_accuracy"], figures["test_loss"]
    console.print(f"{title}: accuracy {accuracy:.2%}, mean negative log likelihood {loss:.4f}", soft_wrap=True)
    console.print(matrix)


def draw_mistakes(path: Path, probabilities: np.ndarray, digits: mnist.Digits, count: int = 24) -> None:
    """Draw the test digits the network was most wrong about, each with what it took it for and how surely."""
    surprise = -np.log(probabilities[np.arange(len(probabilities)), digits.test_labels] + 1e-12)  # (M,)
    wrong = np.flatnonzero(probabilities.argmax(1) != digits.test_labels)
    worst = wrong[np.argsort(-surprise[wrong], kind="stable")][:count]
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    for axis, index in zip(figure.subplots(3, 8).flat, [*worst, *[None] * (count - len(worst))], strict=True):
        axis.axis("off")
        if index is not None:
            taken_for = probabilities[index].argmax()
            axis.imshow(digits.test_images[index], cmap="gray_r")
            axis.set_title(f"{digits.test_labels[index]} → {taken_for}  {probabilities[index, taken_for]:.0%}", fontsize=9)
    write_figure(path, figure)
    print(f"the digits it was most wrong about: {path}")
