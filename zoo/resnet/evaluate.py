"""Evaluation: how many of the test images a trained network names, at once or among its five best guesses."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

import framework
import framework.nn.functional as F
from framework import Tensor, nn
from zoo.common.files import write_json
from zoo.common.flags import DataDir, Device, RunDirectory, find_device
from zoo.common.pictures import write_figure
from zoo.common.run import load_weights, reopen
from zoo.resnet.data import InFiles, InMemory, batches_of, load, normalize
from zoo.resnet.model import MODELS

TABLE = 20  # classes: with more, no table of confusions fits a screen


def answer(model: nn.Module, batches: InMemory | InFiles, batch_size: int) -> tuple[Tensor, Tensor]:
    """The network's scores (M, classes) of the test images, and their labels (M,)."""
    model.eval()
    with framework.no_grad():
        answers = [(model(normalize(images)), labels) for images, labels in batches.test(batch_size)]
    scores, labels = map(framework.cat, zip(*answers, strict=True))
    return scores, labels


def measure(scores: Tensor, labels: Tensor) -> dict[str, float]:
    """The shares of images whose class scores highest, and among the five highest; and the cross entropy, mean −log p(label)."""
    guesses = scores.topk(min(5, scores.shape[1]), dim=1).indices  # (M, 5), the best first
    correct = (guesses == labels.unsqueeze(1)).float()
    return {
        "test_accuracy": correct[:, 0].sum().item() / len(labels),
        "test_top5_accuracy": correct.sum().item() / len(labels),
        "test_loss": F.cross_entropy(scores, labels).item(),
    }


def evaluate(run: RunDirectory, *, device: Device = "cpu", data_dir: DataDir = None) -> None:
    """Score the network of a run on its data set's test images, and show which classes it confuses."""
    config, data = reopen(run, "resnet", load, data_dir)
    target = find_device(device)
    model = MODELS[config["flags"]["model"]](len(data.classes)).to(target)
    load_weights(run, model)
    batches = batches_of(data, target)
    scores, labels = answer(model, batches, config["flags"]["test_batch_size"])
    figures = measure(scores, labels)
    probabilities, labels = scores.softmax(1).cpu().numpy(), labels.cpu().numpy()
    count = len(data.classes)
    confusion = np.bincount(count * labels + probabilities.argmax(1), minlength=count**2).reshape(count, count).tolist()
    write_json(run / "evaluation.json", {"data": data.name, **figures, "confusion": confusion if count <= TABLE else None})
    print(
        f"{len(labels):,} test images of {data.name}: accuracy {figures['test_accuracy']:.2%}, "
        f"top 5 {figures['test_top5_accuracy']:.2%}, cross entropy {figures['test_loss']:.4f}"
    )
    if count <= TABLE:
        show(confusion, data.classes)
    draw_mistakes(run / "samples" / "mistakes.png", probabilities, labels, batches, data.classes)


def show(confusion: list[list[int]], classes: tuple[str, ...]) -> None:
    """Print how often each class was taken for each."""
    matrix = Table(title="row: the class, column: what it was taken for", box=SIMPLE, pad_edge=False)  # ten classes fit into 80 columns
    for name in ("", *(name[:4] for name in classes)):
        matrix.add_column(name, justify="right", no_wrap=True)
    for row, (name, counts) in enumerate(zip(classes, confusion, strict=True)):
        matrix.add_row(name, *(f"[bold]{count}" if column == row else str(count or "·") for column, count in enumerate(counts)))
    Console().print(matrix)


def draw_mistakes(
    path: Path, probabilities: np.ndarray, labels: np.ndarray, batches: InMemory | InFiles, classes: tuple[str, ...], count: int = 24
) -> None:
    """Draw the test images the network was most wrong about, each with what it took it for and how surely."""
    surprise = -np.log(probabilities[np.arange(len(labels)), labels] + 1e-12)  # (M,)
    wrong = np.flatnonzero(probabilities.argmax(1) != labels)
    worst = wrong[np.argsort(-surprise[wrong], kind="stable")][:count]
    figure = Figure(figsize=(12, 5.4), layout="constrained")
    for axis, index in zip(figure.subplots(3, 8).flat, [*worst, *[None] * (count - len(worst))], strict=True):
        axis.axis("off")
        if index is not None:
            taken_for = probabilities[index].argmax()
            axis.imshow(batches.test_image(index))
            axis.set_title(f"{classes[labels[index]]} →\n{classes[taken_for]}  {probabilities[index, taken_for]:.0%}", fontsize=9)
    write_figure(path, figure)
    print(f"the images it was most wrong about: {path}")
