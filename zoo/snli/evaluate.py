"""Evaluation: how many pairs are labelled rightly, which labels are confused, and where the network is most wrong."""

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
from zoo.datasets import snli
from zoo.datasets.snli import LABELS
from zoo.snli.model import Net


def on_device(part: snli.Part, device: framework.device) -> tuple[Tensor, Tensor, Tensor]:
    """Premises (N, S), hypotheses (N, T) and labels (N,) of one part of the data."""
    return tuple(framework.from_numpy(array).to(device) for array in (part.premises, part.hypotheses, part.labels))


def log_probabilities(model: Net, premises: Tensor, hypotheses: Tensor, batch_size: int) -> Tensor:
    """The network's answers (N, 3) to N pairs, with dropout off."""
    model.eval()
    batches = zip(premises.split(batch_size), hypotheses.split(batch_size), strict=True)
    with framework.no_grad():
        return framework.cat([F.log_softmax(model(*batch), dim=1) for batch in batches])


def scores(answers: Tensor, labels: Tensor, part: str) -> dict[str, float]:
    """The mean negative log likelihood −log p(label), and the share of pairs whose label is the most probable."""
    correct = (answers.argmax(1) == labels).sum().item()
    return {f"{part}_loss": F.nll_loss(answers, labels).item(), f"{part}_accuracy": correct / len(labels)}


def confuse(taken_for: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """How often each label (row) was taken for each (column)."""
    return np.bincount(len(LABELS) * labels + taken_for, minlength=len(LABELS) ** 2).reshape(len(LABELS), -1)


def evaluate(run: RunDirectory, *, device: Device = "cpu", data_dir: DataDir = None) -> None:
    """Score the network of a run on its data set's dev and test pairs, and show what it confuses."""
    config, pairs = reopen(run, "snli", snli.load, data_dir)
    target, flags = find_device(device), config["flags"]
    model = Net(framework.from_numpy(pairs.vectors), flags["dropout"], flags["plain"]).to(target)
    load_weights(run, model)
    figures = {}
    for name in ("dev", "test"):
        premises, hypotheses, labels = on_device(getattr(pairs, name), target)
        answers = log_probabilities(model, premises, hypotheses, flags["test_batch_size"])
        figures |= scores(answers, labels, name)
    probabilities = answers.exp().cpu().numpy()  # (N, 3), of the test pairs
    confusion = confuse(probabilities.argmax(1), pairs.test.labels)
    write_json(run / "evaluation.json", {"data": pairs.name, **figures, "confusion": confusion.tolist()})
    accuracy, loss = figures["test_accuracy"], figures["test_loss"]
    title = f"{len(labels):,} test pairs of {pairs.name}: accuracy {accuracy:.2%}, mean negative log likelihood {loss:.4f}"
    show(title, confusion, probabilities, pairs)
    draw(run / "samples" / "confusion.png", confusion)


def show(title: str, confusion: np.ndarray, probabilities: np.ndarray, pairs: snli.Pairs, count: int = 6) -> None:
    """Print the scores, how often each label was taken for each, and the pairs it was most wrong about, as it reads them."""
    console = Console()
    matrix = Table("", *LABELS, title="row: the label, column: what it was taken for")
    for label, row in zip(LABELS, confusion, strict=True):
        matrix.add_row(label, *(f"[bold]{n}" if LABELS[column] == label else str(n) for column, n in enumerate(row)))
    console.print(title, soft_wrap=True)
    console.print(matrix)
    surprise = -np.log(probabilities[np.arange(len(probabilities)), pairs.test.labels] + 1e-12)  # (N,)
    print("most wrong about:")
    for index in np.argsort(-surprise, kind="stable")[:count]:
        sentences = pairs.test.premises[index], pairs.test.hypotheses[index]
        premise, hypothesis = (" ".join(pairs.words[word] for word in words if word != snli.PADDING) for words in sentences)
        taken_for = probabilities[index].argmax()
        label = LABELS[pairs.test.labels[index]]
        print(f"  {premise}\n  {hypothesis}\n    {label}, taken for {LABELS[taken_for]} ({probabilities[index, taken_for]:.0%})")


def draw(path: Path, confusion: np.ndarray) -> None:
    """Draw the shares of each label's pairs that were taken for each label."""
    shares = confusion / confusion.sum(1, keepdims=True)
    figure = Figure(figsize=(5.4, 3.8), layout="constrained")
    axis = figure.subplots()
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axis.set(xticks=range(3), yticks=range(3), xticklabels=LABELS, yticklabels=LABELS, xlabel="taken for", ylabel="label")
    for (row, column), share in np.ndenumerate(shares):
        axis.text(column, row, f"{share:.0%}", ha="center", va="center", color="white" if share > 0.5 else "black")
    write_figure(path, figure)
    print(f"what was taken for what: {path}")
