"""Prediction: pictures that a user drew, brought into the form that MNIST's digits have."""

from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from PIL import Image
from rich.console import Console
from rich.markup import escape
from rich.table import Table

import framework
from zoo.common.errors import UserError
from zoo.common.flags import RunDirectory
from zoo.common.pictures import open_upright
from zoo.common.run import load_weights, read_config
from zoo.mnist_cnn.evaluate import log_probabilities
from zoo.mnist_cnn.model import Net

SIZE, BOX = 28, 20  # pixels: the image, and the square in it that the digit fills
INK = 0.25  # of the darkest stroke: fainter is paper, shadow or noise
CONTRAST = 32  # levels of 255 between ground and strokes: below, the picture is blank

Images = Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="IMAGE…", help="Pictures of a digit.")]


def predict(run: RunDirectory, images: Images) -> None:
    """Name the digit in each IMAGE: one digit a picture, of any size and colour, on a light or a dark ground."""
    read_config(run, "mnist_cnn")
    if not images:
        raise UserError("which picture? give one or more after the run directory")
    model = Net()
    load_weights(run, model)
    table = Table(title="probability of each digit in %", box=None, padding=(0, 1, 0, 0))
    table.add_column("picture", overflow="fold")
    table.add_column("digit", justify="right", no_wrap=True)
    for digit in range(10):
        table.add_column(str(digit), justify="right", no_wrap=True, min_width=5)
    failures = []
    for path in images:
        try:
            image = framework.tensor(as_mnist(read_grey(path), path))  # (28, 28)
        except UserError as error:
            failures.append(str(error))
            continue
        probabilities = log_probabilities(model, image.unsqueeze(0), 1)[0].exp().tolist()
        best = max(range(10), key=probabilities.__getitem__)
        cells = (f"[bold]{100 * p:.1f}" if digit == best else f"{100 * p:.1f}" for digit, p in enumerate(probabilities))
        table.add_row(escape(path.name), f"[bold]{best}", *cells)
    if table.row_count:
        Console().print(table)
    if failures:
        raise UserError("; ".join(failures))


def read_grey(path: Path) -> np.ndarray:
    """The brightness (H, W) of a picture, from 0 to 255; UserError if it cannot be read."""
    upright = open_upright(path)
    papers = (Image.new("RGBA", upright.size, colour) for colour in ("white", "black"))
    on_paper = (Image.alpha_composite(paper, upright).convert("L") for paper in papers)
    # What is transparent is taken for the paper on which the strokes show; to an opaque picture it makes no difference.
    return max((np.asarray(grey, np.float32) for grey in on_paper), key=np.ptp)


def as_mnist(grey: np.ndarray, name: Path | str = "drawing") -> np.ndarray:
    """A drawing (H, W) as MNIST's makers would have it, (28, 28) uint8; UserError, with its name, if it is blank.

    Bright strokes on black, scaled with their proportions into 20 × 20 pixels, and so placed that their centre of mass
    is the image's centre (LeCun et al., Gradient-based learning applied to document recognition, 1998).
    """
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    ink = np.abs(grey - np.median(border))  # (H, W): the difference from the ground, be it light or dark
    if ink.max() < CONTRAST:
        raise UserError(f"{name}: the picture is blank")
    ink[ink < INK * ink.max()] = 0
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    digit = Image.fromarray(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    scale = BOX / max(digit.size)
    width, height = (max(1, round(side * scale)) for side in digit.size)
    digit = np.asarray(digit.resize((width, height), Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR))
    across, down = (np.average(np.indices(digit.shape)[axis], weights=digit) for axis in (1, 0))  # centre of mass
    left = int(np.clip(round((SIZE - 1) / 2 - across), 0, SIZE - width))
    top = int(np.clip(round((SIZE - 1) / 2 - down), 0, SIZE - height))
    image = np.zeros((SIZE, SIZE), np.uint8)
    image[top : top + height, left : left + width] = np.round(255 * digit / digit.max())
    return image
