"""Learning curves of a group of runs as pictures that stand in the page: SVG, drawn by Matplotlib."""

import io
import re
from collections.abc import Iterator
from html import escape
from itertools import cycle

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from zoo.common.curves import COLOURS
from zoo.reports.records import Record

STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))  # for those who print in grey
POINTS = 200  # on a curve, at most
LOOK = {
    "svg.fonttype": "none",  # text stays text
    "text.parse_math": False,
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#888",
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.grid": True,
    "axes.formatter.limits": (-3, 4),
    "grid.color": "#e4e4e4",
    "legend.frameon": False,
}


def draw(runs: list[Record]) -> Iterator[str]:
    """For each quantity, such as loss, a picture over steps and one over wall time, with a line for each of its sources.

    A line is the mean of the finished runs, or of all if none is, at each step; its band goes from the lowest to the highest.
    """
    runs = [run for run in runs if run.finished] or runs
    columns = dict.fromkeys(column for run in runs for column in run.columns)
    sources, quantities = (dict.fromkeys(column.partition("_")[part] for column in columns) for part in (0, 2))
    for quantity in quantities:
        lines = []
        for source, colour, style in zip(sources, cycle(COLOURS), cycle(STYLES), strict=False):
            series = [run.columns[column] for run in runs if (column := f"{source}_{quantity}") in run.columns]
            if series:
                lines.append((*average(series), {"label": source, "color": colour, "linestyle": style}))
        for x, label in enumerate(("step", "wall time (s)")):
            with rc_context({**LOOK, "svg.hashsalt": f"{runs[0].path} {quantity} {label}"}):
                figure = Figure(figsize=(4.4, 2.7))
                axes = figure.add_axes((0.12, 0.16, 0.85, 0.74), title=quantity.replace("_", " "), xlabel=label)
                for *places, middle, low, high, look in lines:
                    axes.plot(places[x], middle, marker="o" if len(middle) < 30 else None, markersize=3, **look)
                    if len(runs) > 1:
                        axes.fill_between(places[x], low, high, alpha=0.18, linewidth=0, color=look["color"])
                axes.locator_params(nbins=5)
                axes.legend()
                yield _element(figure, f"{quantity.replace('_', ' ')} over {label}")


def average(series: list[np.ndarray]) -> np.ndarray:
    """Steps, and the mean seconds, mean, lowest and highest value (5, N) of the curves (3, n) that have got that far; NaN if one is NaN."""
    steps = np.unique(np.concatenate([each[0] for each in series]))
    steps = steps[np.linspace(0, len(steps) - 1, min(len(steps), POINTS)).round().astype(int)]
    seconds, values = (np.array([np.interp(steps, each[0], each[part]) for each in series]) for part in (1, 2))
    values[~np.isfinite(values)] = np.nan
    reached = {"axis": 0, "where": np.array([(steps >= each[0, 0]) & (steps <= each[0, -1]) for each in series])}
    low, high = values.min(**reached, initial=np.inf), values.max(**reached, initial=-np.inf)
    return np.stack([steps, seconds.mean(**reached), values.mean(**reached), low, high])


def _element(figure: Figure, label: str) -> str:
    """The drawing as an element of HTML: without a file's header, and with coordinates as fine as a screen shows."""
    stream = io.StringIO()
    figure.savefig(stream, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    element = re.sub(r"(\.\d\d)\d{4}\b", r"\1", stream.getvalue().partition("<svg ")[2])
    element = re.sub(r'<g id="[^"]*"', "<g", element)  # they name what is drawn, and would clash
    return f'<svg role="img" aria-label="{escape(label)}" {element}'
