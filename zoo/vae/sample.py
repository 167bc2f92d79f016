"""Sampling: digits from the prior, test digits beside their reconstructions, and the plane of a code of two numbers."""

import numpy as np

import framework
from framework import Tensor
from zoo.common.errors import UserError
from zoo.common.flags import DataDir, Device, RunDirectory, Seed, find_device
from zoo.common.pictures import grid, write
from zoo.common.run import load_weights, reopen
from zoo.datasets import mnist
from zoo.vae.model import SIZE, VAE, binarized, intensities

COLUMNS = 16  # digits in a row of the pictures


def sample(run: RunDirectory, *, count: int = 128, seed: Seed = 0, device: Device = "cpu", data_dir: DataDir = None) -> None:
    """Draw COUNT digits from codes z ~ N(0, 1), reconstruct test digits, and, where codes have two numbers, draw their plane."""
    if count < 1:
        raise UserError(f"--count {count}: expected one or more")
    config, digits = reopen(run, "vae", mnist.load, data_dir)
    target = find_device(device)
    flags = config["flags"]
    model = VAE(flags["latent"], flags["hidden"]).to(target)
    load_weights(run, model)
    noise = framework.Generator(target).manual_seed(seed)
    originals = framework.from_numpy(digits.test_images[: 4 * COLUMNS])  # (64, 28, 28) uint8
    if flags["binarize"]:
        originals = binarized(originals)
    with framework.no_grad():
        pictures = {
            "prior": grid(decoded(model, framework.randn(count, model.latent, generator=noise, device=target)), COLUMNS),
            "reconstructions": beside(originals.numpy(), decoded(model, model.encode(intensities(originals.to(target)))[0])),
        }
        if model.latent == 2:
            side = 20
            pictures["manifold"] = grid(decoded(model, plane(side).to(target)), side, gap=0)
    for name, picture in pictures.items():
        write(run / "samples" / f"{name}.png", picture)
        print(f"{name}: {run / 'samples' / f'{name}.png'}")


def decoded(model: VAE, z: Tensor) -> np.ndarray:
    """The probability that a pixel is white, as greys (N, 28, 28) uint8, for codes z (N, latent)."""
    return (255 * model.decode(z).sigmoid()).round().to(framework.uint8).reshape(-1, SIZE, SIZE).cpu().numpy()


def beside(originals: np.ndarray, reconstructions: np.ndarray) -> np.ndarray:
    """Rows of originals (N, 28, 28), N a multiple of COLUMNS, each above its reconstructions."""
    pairs = np.stack([each.reshape(-1, COLUMNS, SIZE, SIZE) for each in (originals, reconstructions)], axis=1)  # (N / 16, 2, 16, 28, 28)
    return grid(pairs.reshape(-1, SIZE, SIZE), COLUMNS)


def plane(side: int) -> Tensor:
    """The quantiles of the prior, Φ⁻¹((i + ½) / side) in both directions: side² codes (side², 2), equally probable."""
    quantiles = framework.distributions.Normal(0.0, 1.0).icdf((framework.arange(side) + 0.5) / side)
    across, up = framework.meshgrid(quantiles, quantiles.flip(0), indexing="xy")
    return framework.stack([across.flatten(), up.flatten()], 1)
