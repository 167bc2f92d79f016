"""Learning curves: metrics.jsonl as a picture."""

import itertools
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from zoo.common.files import read_rows
from zoo.common.pictures import write_figure

# Okabe and Ito's colours, told apart with any kind of colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
UNITS = {"psnr": "dB"}
MANY = 200  # points: more are drawn faintly, and over them their running mean
WIDE = 100  # times the least value: a panel whose lines reach so high has a logarithmic axis


def draw(run: Path) -> None:
    """Draw curves.png: a panel for each quantity over steps, a line for each of its sources, smoothed if it has many points.

    A column of metrics.jsonl is called source_quantity: train_loss and test_loss are two lines of the panel "loss".
    """
    panels = _panels(run / "metrics.jsonl")
    figure = Figure(figsize=(5 * len(panels), 3.5), layout="constrained")
    colours = dict(zip(dict.fromkeys(itertools.chain(*panels.values())), COLOURS, strict=False))  # one a source
    axes = figure.subplots(1, len(panels), squeeze=False).flat
    for axis, (quantity, sources) in zip(axes, panels.items(), strict=True):
        drawn = []
        for source, points in sources.items():
            look = {"color": colours.get(source), "marker": "o" if len(points) < 50 else None, "markersize": 4}
            line = np.array(points, float).T  # steps and values, (2, N)
            if len(points) > MANY:
                axis.plot(*line, **look, alpha=0.25, linewidth=0.8)
                window = np.full(len(points) // 40, 1 / (len(points) // 40))
                line = [np.convolve(each, window, "valid") for each in line]
            axis.plot(*line, **look, label=source)
            drawn.extend(line[1])
        if min(drawn) > 0 and max(drawn) > WIDE * min(drawn):
            axis.set_yscale("log")
        axis.set(title=quantity.replace("_", " "), xlabel="step", ylabel=UNITS.get(quantity))
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
