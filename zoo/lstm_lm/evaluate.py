"""Evaluation: how surprised the model is by each word of a text it has not read."""

import math
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

import framework
import framework.nn.functional as F
from framework import Tensor
from zoo.common.errors import UserError
from zoo.common.files import write_json
from zoo.common.flags import DataDir, Device, RunDirectory, find_device
from zoo.common.pictures import write_figure
from zoo.common.run import load_weights, reopen
from zoo.datasets import text
from zoo.lstm_lm.model import LanguageModel

BATCH_SIZE, LENGTH = 10, 35  # texts side by side and words at once: the longer memory of either is not needed here
RANKS = (100, 1000, 10000)  # how frequent a word is: the table's rows


def columns(words: np.ndarray, count: int) -> Tensor:
    """A text (N,) cut into ``count`` pieces of equal length, side by side: (N // count, count); up to count − 1 words are left over."""
    length = len(words) // count
    return framework.from_numpy(words[: length * count]).reshape(count, length).mT.contiguous()


def surprises(model: LanguageModel, words: np.ndarray, device: framework.device) -> Tensor:
    """−log p of each word given all before it in its piece of the text: (N − 1, B), as nothing is before a piece's first word."""
    pieces = columns(words, min(BATCH_SIZE, len(words) // 2)).to(device)  # (N, B)
    model.eval()
    hidden, found = None, []
    with framework.no_grad():
        for start in range(0, len(pieces) - 1, LENGTH):
            targets = pieces[start + 1 : start + 1 + LENGTH]  # (T, B)
            scores, hidden = model(pieces[start : start + len(targets)], hidden)
            found.append(F.cross_entropy(scores.flatten(0, 1), targets.flatten(), reduction="none").reshape(targets.shape))
    return framework.cat(found)


def perplexity(found: Tensor) -> float:
    """exp(−mean log p): among how many equally probable words it would be as unsure as it is. Every word weighs the same."""
    mean = found.double().mean().item()
    if not mean < 700:  # not a number, or too large for exp
        raise UserError(f"the mean of −log p is {mean:g}: the training has diverged, try a smaller --lr")
    return math.exp(mean)


def evaluate(run: RunDirectory, *, device: Device = "cpu", data_dir: DataDir = None) -> None:
    """Score the model of a run on its text's test part, and show where it was surprised."""
    config, corpus = reopen(run, "lstm_lm", text.load, data_dir)
    flags, target = config["flags"], find_device(device)
    model = LanguageModel(len(corpus.vocabulary), flags["hidden"], flags["dropout"], tied=not flags["untied"]).to(target)
    load_weights(run, model)
    test, valid = (surprises(model, part, target) for part in (corpus.test, corpus.valid))
    figures = {"test_perplexity": perplexity(test), "valid_perplexity": perplexity(valid)}
    found, words = test.cpu().numpy(), columns(corpus.test, test.shape[1])[1:].numpy()  # (N − 1, B)
    write_json(run / "evaluation.json", {"data": corpus.name, "words": words.size, **figures})
    show(figures, found, words, f"{words.size:,} words of {corpus.name}'s test text")
    draw_surprise(run / "samples" / "surprise.png", found[:, 0], words[:, 0], corpus)


def show(figures: dict[str, float], found: np.ndarray, words: np.ndarray, title: str) -> None:
    """Print the perplexity, of all words and of those of a frequency."""
    table = Table("words, the most frequent first", "share of the text", "perplexity", box=None)
    for first, last in zip((0, *RANKS), (*RANKS, math.inf), strict=True):
        chosen = (first <= words) & (words < last)
        if chosen.any():
            name = f"{first + 1:,} to {last:,}" if last < math.inf else f"{first + 1:,} on"
            table.add_row(name, f"{chosen.mean():.1%}", f"{math.exp(found[chosen].mean()):,.1f}")
    console = Console()
    console.print(f"{title}: perplexity {figures['test_perplexity']:.1f} (valid: {figures['valid_perplexity']:.1f})", soft_wrap=True)
    console.print(table)


def draw_surprise(path: Path, found: np.ndarray, words: np.ndarray, corpus: text.Text, count: int = 260) -> None:
    """Draw the first words of the test text, each on a ground that is the darker the more it came as a surprise."""
    figure = Figure(figsize=(9, 1), layout="constrained")
    axis = figure.subplots()
    axis.axis("off")
    x, y = 0.0, 0
    for word, surprise in zip(words[:count], found[:count], strict=False):
        name = "¶" if corpus.vocabulary[word] == text.END else corpus.vocabulary[word]
        width = len(name) + 1.3
        if x + width > 140:
            x, y = 0.0, y - 1
        colour = colormaps["Oranges"](min(surprise / 12, 1) * 0.8)
        axis.text(x, y, name.replace("$", r"\$"), family="monospace", size=7.5, bbox={"facecolor": colour, "edgecolor": "none", "pad": 1.5})
        x += width
    axis.set(xlim=(0, 140), ylim=(y - 0.5, 0.5))
    figure.set_figheight(0.3 * (1 - y))
    write_figure(path, figure)
    print(f"the first words of the test text, the darker the more surprising: {path}")
