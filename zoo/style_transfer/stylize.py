"""Painting: any picture, of any size, large ones tile by tile with no seams between."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from PIL import Image

import framework
import framework.nn.functional as F
from framework import Tensor, nn
from zoo.common import pictures
from zoo.common.errors import UserError
from zoo.common.flags import Device, RunDirectory, find_device
from zoo.common.run import load_weights, read_config
from zoo.style_transfer.evaluate import as_picture
from zoo.style_transfer.model import TransformerNet

REACH = 64  # pixels around a point that what is painted there depends on: 4 + 1 + 2 + 10 · 4 + 2 + 1 + 4, and to a multiple of 4
LEAST = 8  # pixels a side: fewer cannot be mirrored as far as the first convolution reaches

Images = Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="IMAGE…", help="Pictures to paint.")]


def stylize(
    run: RunDirectory,
    images: Images,
    *,
    output: Annotated[Path | None, tyro.conf.arg(help="Where to write, for one IMAGE; by default samples/ of the run.")] = None,
    size: Annotated[int | None, tyro.conf.arg(help="Pixels of the longer side, to paint a larger or a smaller picture.")] = None,
    tile: Annotated[int, tyro.conf.arg(help="Larger pictures are painted in squares of this many pixels.")] = 512,
    device: Device = "cpu",
) -> None:
    """Paint pictures in the style that a run has learned."""
    config = read_config(run, "style_transfer")
    if not images or output and len(images) > 1:
        raise UserError("expected one IMAGE or more after the run directory, and one only with --output")
    if tile < 4 * REACH or tile % 4 or size is not None and size < 16:
        raise UserError(f"expected --tile to be a multiple of 4, {4 * REACH} or more, and --size 16 or more")
    places = [output or run / "samples" / f"{path.stem}.png" for path in images]
    if len(set(places)) < len(places):
        twice = max(places, key=places.count)
        raise UserError(f"two pictures of one name would both be written to {twice}: paint them one by one, with --output")
    if output and output.suffix.lower() != ".png":
        raise UserError(f"--output {output}: expected a name that ends with .png")
    target = find_device(device)
    model = TransformerNet(config["flags"]["width"]).to(target)
    load_weights(run, model)
    for path, place in zip(images, places, strict=True):
        picture = Image.fromarray(pictures.read(path))
        if size:
            scale = size / max(picture.size)
            picture = picture.resize([max(1, round(side * scale)) for side in picture.size], Image.Resampling.LANCZOS)
        x = framework.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float().to(target)  # (1, 3, H, W)
        pictures.write(place, as_picture(paint_large(model, x, tile)))
        print(f"{path} painted: {place}")


def paint_large(model: TransformerNet, x: Tensor, tile: int) -> Tensor:
    """What the network makes of a picture (1, 3, H, W), in squares of ``tile`` pixels if it is larger."""
    height, width = x.shape[2:]
    x = mirrored(x, 0, 0, *(max(LEAST - side, -side % 4) for side in (height, width)))
    with framework.no_grad():
        if max(x.shape[2:]) <= tile:
            return model(x)[..., :height, :width]
        step = tile - 2 * REACH
        rows = []
        with same_statistics(model, shrunk(x, tile)):
            x = mirrored(x, REACH, REACH, REACH, REACH)
            for top in range(0, height, step):
                row = []
                for left in range(0, width, step):
                    square = x[..., top : top + tile, left : left + tile]
                    row.append(model(square)[..., REACH:-REACH, REACH:-REACH])
                rows.append(framework.cat(row, -1))
        return framework.cat(rows, -2)[..., :height, :width]


def shrunk(x: Tensor, longest: int) -> Tensor:
    """A picture (1, 3, H, W) made so small that its longer side has ``longest`` pixels, both sides multiples of 4."""
    scale = longest / max(x.shape[2:])
    return F.interpolate(x, [max(LEAST, int(side * scale) // 4 * 4) for side in x.shape[2:]], mode="area")


def mirrored(x: Tensor, top: int, left: int, bottom: int, right: int) -> Tensor:
    """A picture made larger by its own mirror image, again and again where it is smaller than what is wanted."""
    height, width = x.shape[2:]
    rows, columns = (np.pad(np.arange(n), pad, mode="reflect") for n, pad in ((height, (top, bottom)), (width, (left, right))))
    return x[:, :, framework.from_numpy(rows).to(x.device)][..., framework.from_numpy(columns).to(x.device)]


@contextmanager
def same_statistics(model: TransformerNet, whole: Tensor) -> Iterator[None]:
    """In here every instance norm uses, for each tile, the means and variances of the ``whole`` picture made small.

    With those of its own each tile would have its own contrast, and the borders between them would show.
    """
    norms = [each for each in model.modules() if isinstance(each, nn.InstanceNorm2d)]
    statistics = {}

    def measure(norm: nn.InstanceNorm2d, inputs: tuple[Tensor]) -> None:
        statistics[norm] = inputs[0].mean((0, 2, 3)), inputs[0].var((0, 2, 3), correction=0)

    hooks = [norm.register_forward_pre_hook(measure) for norm in norms]
    model(whole)
    for hook, norm in zip(hooks, norms, strict=True):
        hook.remove()
        norm.running_mean, norm.running_var = statistics[norm]
        norm.track_running_stats = True
    model.eval()
    try:
        yield
    finally:  # the next picture has statistics of its own
        for norm in norms:
            norm.running_mean = norm.running_var = None
            norm.track_running_stats = False
        model.train()
