"""Painting: any picture, of any size, large ones tile by tile with no seams between."""

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
    target = find_device(device)
    model = TransformerNet(config["flags"]["width"]).to(target)
    load_weights(run, model)
    for path in images:
        picture = Image.fromarray(pictures.read(path))
        if size:
            scale = size / max(picture.size)
            picture = picture.resize([max(1, round(side * scale)) for side in picture.size], Image.Resampling.LANCZOS)
        x = framework.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float().to(target)  # (1, 3, H, W)
        place = output or run / "samples" / f"{path.stem}.png"
        pictures.write(place, as_picture(paint_large(model, x, tile)))
        print(f"{path} painted: {place}")


def paint_large(model: TransformerNet, x: Tensor, tile: int) -> Tensor:
    """What the network makes of a picture (1, 3, H, W), in squares of ``tile`` pixels if it is larger."""
    height, width = x.shape[2:]
    x = mirrored(x, 0, 0, -height % 4, -width % 4)
    with framework.no_grad():
        if max(x.shape[2:]) <= tile:
            return model(x)[..., :height, :width]
        hold_statistics(model, F.interpolate(x, scale_factor=tile / max(x.shape[2:]), mode="area"))
        step = tile - 2 * REACH
        x = mirrored(x, REACH, REACH, REACH, REACH)
        rows = []
        for top in range(0, height, step):
            row = []
            for left in range(0, width, step):
                square = x[..., top : top + tile, left : left + tile]
                row.append(model(square)[..., REACH:-REACH, REACH:-REACH])
            rows.append(framework.cat(row, -1))
        return framework.cat(rows, -2)[..., :height, :width]


def mirrored(x: Tensor, top: int, left: int, bottom: int, right: int) -> Tensor:
    """A picture made larger by its own mirror image, again and again where it is smaller than what is wanted."""
    height, width = x.shape[2:]
    rows, columns = (np.pad(np.arange(n), pad, mode="reflect") for n, pad in ((height, (top, bottom)), (width, (left, right))))
    return x[:, :, framework.from_numpy(rows).to(x.device)][..., framework.from_numpy(columns).to(x.device)]


def hold_statistics(model: TransformerNet, whole: Tensor) -> None:
    """Let every instance norm use, for each tile, the means and variances of the ``whole`` picture made small.

    With those of its own each tile would have its own contrast, and the borders between them would show.
    """

    statistics = {}

    def measure(norm: nn.InstanceNorm2d, inputs: tuple[Tensor]) -> None:
        statistics[norm] = inputs[0].mean((0, 2, 3)), inputs[0].var((0, 2, 3), correction=0)

    norms = [each for each in model.modules() if isinstance(each, nn.InstanceNorm2d)]
    hooks = [norm.register_forward_pre_hook(measure) for norm in norms]
    model(whole[..., : whole.shape[2] // 4 * 4, : whole.shape[3] // 4 * 4])
    for hook, norm in zip(hooks, norms, strict=True):
        hook.remove()
        norm.running_mean, norm.running_var = statistics[norm]
        norm.track_running_stats = True
    model.eval()
