"""Upscaling: any picture, in colour, r times as wide and as high."""

from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

import framework
from zoo.common import pictures
from zoo.common.errors import UserError
from zoo.common.flags import Device, RunDirectory, find_device
from zoo.common.run import load_weights, read_config
from zoo.super_resolution.bicubic import resize
from zoo.super_resolution.brightness import to_rgb, to_ycbcr
from zoo.super_resolution.model import CONTEXT, ESPCN, scaled, unscaled

BAND = 1 << 18  # small pixels at once: 64 channels of them are 67 MB

Picture = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="IMAGE", help="A picture of any size.")]


def upscale(run: RunDirectory, image: Picture, *, output: Path | None = None, device: Device = "cpu") -> None:
    """Enlarge IMAGE as the network of a run has learned it, and write it as a PNG: IMAGE-x3.png, or --output."""
    factor = read_config(run, "super_resolution")["flags"]["upscale"]
    output = output or image.with_name(f"{image.stem}-x{factor}.png")
    if output.suffix.lower() != ".png":
        raise UserError(f"--output {output}: expected a name that ends with .png")
    model = ESPCN(factor).to(find_device(device))
    load_weights(run, model)
    colours = pictures.read(image)  # (h, w, 3)
    large = enlarge_colours(model, colours, factor)  # (r·h, r·w, 3)
    pictures.write(output, large)
    print(f"{colours.shape[1]} × {colours.shape[0]} → {large.shape[1]} × {large.shape[0]}: {output}")


def enlarge(model: ESPCN, small: np.ndarray) -> np.ndarray:
    """Brightness (h, w) as the network has it at (r·h, r·w), from 0 to 255; its last pixels are repeated beyond its edges."""
    device = model.conv1.weight.device
    padded = np.pad(small, CONTEXT, mode="edge").astype(np.float32)  # (h + 8, w + 8)
    rows = max(1, BAND // padded.shape[1])
    bands = []
    with framework.no_grad():
        for top in range(0, len(small), rows):
            band = framework.from_numpy(padded[top : top + rows + 2 * CONTEXT]).to(device)
            bands.append(unscaled(model(scaled(band)[None, None]))[0, 0].cpu().numpy())
    return np.concatenate(bands).clip(0, 255)


def enlarge_colours(model: ESPCN, colours: np.ndarray, factor: int) -> np.ndarray:
    """A picture (h, w, 3) as (r·h, r·w, 3), uint8: its brightness by the network, its colours by bicubic interpolation."""
    y, *differences = np.moveaxis(to_ycbcr(colours), -1, 0)  # three (h, w)
    large = [resize(difference, factor * y.shape[0], factor * y.shape[1]) for difference in differences]
    return to_rgb(np.stack([enlarge(model, y), *large], axis=-1))
