"""Training: Adam on the squared error of the large pixels, its rate falling along a cosine."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import framework
import framework.nn.functional as F
from framework import Tensor, optim
from zoo.common.batches import Epochs
from zoo.common.checkpoint import Checkpoint
from zoo.common.errors import UserError
from zoo.common.flags import TrainFlags, find_device
from zoo.common.progress import Progress
from zoo.common.run import Run
from zoo.datasets import photographs
from zoo.super_resolution.brightness import pair
from zoo.super_resolution.evaluate import compare, scores
from zoo.super_resolution.model import CONTEXT, ESPCN, scaled

LOG_EVERY = 20  # steps
SIDE = 17  # small pixels: of the patch that is enlarged; around it CONTEXT more are seen
WATCHED = 10  # of the test photographs, scored after each epoch


@dataclass(frozen=True, kw_only=True)
class Config(TrainFlags):
    """The paper's network on more photographs, with Adam."""

    upscale: int = 3
    """How many times as wide and as high the pictures become."""
    epochs: int = 16
    """Passes over the patches."""
    patches: int = 16000
    """Patches cut from the training photographs, at random places, turned and mirrored at random."""
    batch_size: int = 8
    """Patches a step."""
    lr: float = 2e-3
    """Adam's learning rate in the first epoch; half a cosine takes it to 0."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.upscale not in (2, 3, 4):
            raise UserError(f"--upscale {self.upscale}: expected 2, 3 or 4")


def turned(patch: np.ndarray, symmetry: int) -> np.ndarray:
    """A square patch in one of its eight positions, 0 … 7: turned by quarters, and from the fourth on mirrored."""
    return np.rot90(patch if symmetry < 4 else patch.T, symmetry)


def cut(paths: Sequence[Path], count: int, upscale: int, seed: int) -> tuple[Tensor, Tensor]:
    """``count`` patches, as many from each photograph: small ones (P, 1, 25, 25) float32, large ones (P, 1, 17·r, 17·r) uint8."""
    random = np.random.default_rng(seed)
    seen = SIDE + 2 * CONTEXT
    inputs = np.empty((count, 1, seen, seen), np.float32)
    targets = np.empty((count, 1, SIDE * upscale, SIDE * upscale), np.uint8)
    for path, owned in zip(paths, np.array_split(np.arange(count), len(paths)), strict=True):
        small, large = pair(path, upscale, seen)
        for index in owned:
            top, left = random.integers(small.shape[0] - seen + 1), random.integers(small.shape[1] - seen + 1)
            y, x = (top + CONTEXT) * upscale, (left + CONTEXT) * upscale
            symmetry = random.integers(8)
            inputs[index, 0] = turned(small[top : top + seen, left : left + seen], symmetry)
            targets[index, 0] = turned(large[y : y + SIDE * upscale, x : x + SIDE * upscale], symmetry)
    return framework.from_numpy(inputs), framework.from_numpy(targets)


def train(config: Config) -> None:
    """Train on BSDS300's 200 photographs, or on the three built-in ones."""
    config = config.shortened(data="builtin", epochs=1, patches=1200)
    device = find_device(config.device)
    found = photographs.load(config.data, config.data_dir)

    # data: patches on the device once, scaled batch by batch
    inputs, targets = (patches.to(device) for patches in cut(found.train, config.patches, config.upscale, config.seed))
    sets = photographs.benchmarks(config.data_dir) | {"test": found.test}  # to be scored at the end
    watched = found.test[:WATCHED]
    run = Run("super_resolution", config, found)  # only now: pictures may be unreadable or too small

    # model
    framework.manual_seed(config.seed)
    model = ESPCN(config.upscale).to(device)
    optimizer = optim.Adam(model.parameters(), lr=config.lr)
    scheduler = optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.5 * (1 + math.cos(math.pi * epoch / config.epochs)))

    @config.compiled
    def step(batch: Tensor) -> Tensor:
        """One step on the patches of these numbers (B,): its loss."""
        optimizer.zero_grad()
        loss = F.mse_loss(model(scaled(inputs[batch])), scaled(targets[batch]))
        loss.backward()
        optimizer.step()
        return loss

    # loop
    checkpoint = Checkpoint(run, model=model, optimizer=optimizer, scheduler=scheduler)
    at = checkpoint.restore(step=0)
    epochs = Epochs(len(inputs), config)
    print(f"training on {len(inputs):,} patches of {found.name}, {epochs.steps - at.step} steps on {device}, into {run.path}")
    with Progress(epochs.steps, at.step) as progress:
        for epoch, batches in epochs.after(at):
            for batch in batches:
                checkpoint.save_if_due(at)
                loss = step(batch.to(device))
                at.step += 1
                if at.step % LOG_EVERY == 0:
                    run.log(epoch=epoch, step=at.step, train_loss=loss.item())
                    progress.update(at.step, loss.item())
            if at.step % epochs.length == 0:  # else --max-steps cut the epoch short
                scheduler.step()
            reached = compare(model, config.upscale, watched)
            run.log(epoch=epoch, step=at.step, watched_psnr=reached["psnr"], bicubic_psnr=reached["psnr_bicubic"])
            progress.say(f"epoch {epoch + 1}/{config.epochs}  PSNR {reached['psnr']:.2f} dB, bicubic {reached['psnr_bicubic']:.2f} dB")
            checkpoint.save(at)

    run.finish(model, scores(model, config.upscale, sets), falling="train_loss", then=["upscale IMAGE"])
