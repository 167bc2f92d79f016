"""Learning curves: metrics.jsonl as a picture."""

import itertools
from pathlib import Path

from matplotlib.figure import Figure

from zoo.common.files import read_rows
from zoo.common.pictures import write_figure

# Okabe and Ito's colours, told apart with any kind of colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")


def draw(run: Path) -> None:
    """Draw curves.png: a panel for each quantity over steps, a line for each of its sources.

    A column of metrics.jsonl is called source_quantity: train_loss and test_loss are two lines of the panel "loss".
    """
    panels = _panels(run / "metrics.jsonl")
    figure = Figure(figsize=(5 * len(panels), 3.5), layout="constrained")
    colours = dict(zip(dict.fromkeys(itertools.chain(*panels.values())), COLOURS, strict=False))  # one a source
    axes = figure.subplots(1, len(panels), squeeze=False).flat
    for axis, (quantity, sources) in zip(axes, panels.items(), strict=True):
        for source, points in sources.items():
            marker = "o" if len(points) < 50 else None
            steps, values = zip(*points, strict=True)
            axis.plot(steps, values, color=colours.get(source), marker=marker, markersize=4, label=source)
        axis.set(title=quantity.replace("_", " "), xlabel="step")
        axis.grid(alpha=0.3)
        axis.legend()
    write_figure(run / "curves.png", figure)


def _panels(metrics: Path) -> dict[str, dict[str, list[tuple[int, float]]]]:
    """Quantity → source → the points (step, value)."""
    panels: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for row in read_rows(metrics):
        for column, value in row.items():
            source, _, quantity = column.partition("_")
            if quantity:  # not "epoch" or "step"
                panels.setdefault(quantity, {}).setdefault(source, []).append((row["step"], value))
    return panels
