"""Sampling: new pictures from noise, and what lies between them."""

from typing import Annotated

import tyro

import framework
from framework import Tensor
from zoo.common.errors import UserError
from zoo.common.flags import RunDirectory, Seed
from zoo.common.pictures import grid, write
from zoo.common.run import load_weights, read_config
from zoo.dcgan.model import DCGAN, as_arrays, generate, noise

COLUMNS = 8

Count = Annotated[int, tyro.conf.arg(help="How many pictures.")]
Interpolate = Annotated[bool, tyro.conf.arg(help="Let each row of eight go from one picture to another.")]


def sample(run: RunDirectory, *, count: Count = 64, seed: Seed = 1, interpolate: Interpolate = False) -> None:
    """Make new pictures with the generator of a run."""
    if count < 1:
        raise UserError(f"--count {count}: expected one or more")
    flags = read_config(run, "dcgan")["flags"]
    channels = framework.load(run / "model.safetensors")["discriminator.main.0.weight"].shape[1]
    model = DCGAN(channels, flags["size"], flags["width"])
    load_weights(run, model)
    rows = -(-count // COLUMNS)
    z = between(noise(rows, seed), noise(rows, seed + 1))[:count] if interpolate else noise(count, seed)
    path = run / "samples" / f"{'interpolation' if interpolate else 'sample'}-{seed}.png"
    write(path, grid(as_arrays(generate(model.generator, z)), COLUMNS))
    print(f"{count} pictures: {path}")


def between(a: Tensor, b: Tensor) -> Tensor:
    """Noise (8 R, 100, 1, 1) in eight equal steps on the arc from each of a (R, 100, 1, 1) to that of b, θ apart:

        z(t) = (sin((1 − t) θ) a + sin(t θ) b) / sin θ        t = 0, 1/7 … 1

    On the straight line half-way vectors would be shorter than noise ever is: in 100 dimensions its length is close to 10.
    """
    cosine = (a * b).sum(1, keepdim=True) / (a.norm(dim=1, keepdim=True) * b.norm(dim=1, keepdim=True))  # (R, 1, 1, 1)
    angle = cosine.acos()
    t = framework.linspace(0, 1, COLUMNS)  # (8,), against (R, 100, 1, 1): (R, 100, 1, 8)
    z = (((1 - t) * angle).sin() * a + (t * angle).sin() * b) / angle.sin()
    return z.permute(0, 3, 1, 2).reshape(-1, a.shape[1], 1, 1)
