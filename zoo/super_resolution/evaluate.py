"""Evaluation: how near the enlarged pictures are to the originals, beside bicubic interpolation."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.ndimage import gaussian_filter

from zoo.common import pictures
from zoo.common.files import write_json
from zoo.common.flags import DataDir, Device, RunDirectory, find_device
from zoo.common.run import load_weights, reopen
from zoo.datasets import photographs
from zoo.super_resolution.bicubic import resize, resize_colours
from zoo.super_resolution.brightness import pair
from zoo.super_resolution.model import ESPCN
from zoo.super_resolution.upscale import enlarge, enlarge_colours

WINDOW = 11  # pixels: SSIM's


def psnr(picture: np.ndarray, original: np.ndarray) -> float:
    """The peak signal-to-noise ratio in decibels, 10 log₁₀(255² / mean squared difference)."""
    return float(10 * np.log10(255**2 / np.mean((picture - original) ** 2)))


def ssim(x: np.ndarray, y: np.ndarray) -> float:
    """The structural similarity of two pictures, 1 if they are equal (Wang et al., 2004).

    The mean over all places of (2 μx μy + C₁)(2 σxy + C₂) / ((μx² + μy² + C₁)(σx² + σy² + C₂)), where means μ, variances and the
    covariance σ are those in the 11 × 11 pixels around, weighted by a Gaussian of σ = 1.5.
    """
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    reach = WINDOW // 2

    def mean(values: np.ndarray) -> np.ndarray:
        return gaussian_filter(values, 1.5, radius=reach)[reach:-reach, reach:-reach]

    mx, my = mean(x), mean(y)
    vx, vy, cov = mean(x * x) - mx * mx, mean(y * y) - my * my, mean(x * y) - mx * my
    return float(np.mean((2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))))


def compare(model: ESPCN, upscale: int, paths: Iterable[Path]) -> dict[str, float]:
    """Mean PSNR and SSIM of photographs shrunk and enlarged again, by the network and by bicubic interpolation.

    As in the literature: of the brightness, in whole numbers, without a border of r pixels.
    """
    rows = []
    for path in paths:
        small, large = pair(path, upscale, WINDOW)
        enlarged = {"": enlarge(model, small), "_bicubic": resize(small, *large.shape)}
        inside = (slice(upscale, -upscale),) * 2
        row = {}
        for name, picture in enlarged.items():
            picture = picture.round().clip(0, 255)[inside]
            row |= {f"psnr{name}": psnr(picture, large[inside]), f"ssim{name}": ssim(picture, large[inside])}
        rows.append(row)
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def scores(model: ESPCN, upscale: int, sets: dict[str, Iterable[Path]]) -> dict[str, float]:
    """The figures of :func:`compare` for each set of photographs, under names such as set5_psnr."""
    return {f"{name}_{key}": figure for name, paths in sets.items() for key, figure in compare(model, upscale, paths).items()}


def evaluate(run: RunDirectory, *, device: Device = "cpu", data_dir: DataDir = None) -> None:
    """Score the network of a run on Set5 and Set14, if they are there, and on its data set's test photographs."""
    config, found = reopen(run, "super_resolution", photographs.load, data_dir)
    factor = config["flags"]["upscale"]
    model = ESPCN(factor).to(find_device(device))
    load_weights(run, model)
    sets = photographs.benchmarks(data_dir or config["flags"]["data_dir"]) | {"test": found.test}
    figures = scores(model, factor, sets)
    write_json(run / "evaluation.json", {"data": found.name, **figures})
    show(figures, {name: f"{name} ({len(paths)})" for name, paths in sets.items()}, factor)
    for path in next(iter(sets.values()))[:5]:
        draw(run / "samples" / f"{path.stem}.png", model, pictures.read(path), factor)
    print(f"bicubic interpolation, the network and the original side by side: {run / 'samples'}")


def show(figures: dict[str, float], titles: dict[str, str], factor: int) -> None:
    """Print a row for each set of photographs."""
    table = Table(title=f"enlarged {factor} times")
    for column in ("photographs", "PSNR in dB", "bicubic", "SSIM", "bicubic"):
        table.add_column(column, justify="left" if column == "photographs" else "right")
    for name, title in titles.items():
        psnrs = (f"{figures[f'{name}_psnr{kind}']:.2f}" for kind in ("", "_bicubic"))
        ssims = (f"{figures[f'{name}_ssim{kind}']:.4f}" for kind in ("", "_bicubic"))
        table.add_row(title, *psnrs, *ssims)
    Console().print(table)


def draw(path: Path, model: ESPCN, original: np.ndarray, factor: int) -> None:
    """Draw a photograph shrunk and enlarged again: by bicubic interpolation, by the network, and as it was."""
    height, width = (side // factor for side in original.shape[:2])
    original = original[: height * factor, : width * factor]
    small = resize_colours(original, height, width)
    bicubic = resize_colours(small, *original.shape[:2])
    pictures.write(path, pictures.grid(np.stack([bicubic, enlarge_colours(model, small, factor), original]), columns=3))
