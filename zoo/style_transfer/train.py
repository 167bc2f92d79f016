"""Training: Adam on the distance of the painting's features from the photograph's, and of their correlations from the style's."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

import framework
from framework import Tensor, optim
from zoo.common import pictures
from zoo.common.batches import Epochs
from zoo.common.checkpoint import Checkpoint
from zoo.common.errors import UserError
from zoo.common.flags import TrainFlags, find_device
from zoo.common.progress import Progress
from zoo.common.run import Run, weights_sha256
from zoo.datasets import photographs
from zoo.style_transfer import features
from zoo.style_transfer.evaluate import Goal, as_picture, cut, paint, scores, without_network
from zoo.style_transfer.model import TransformerNet

BUILTIN_STYLE = Path(photographs.__file__).parent / "builtin" / "style" / "strokes.png"


@dataclass(frozen=True, kw_only=True)
class Config(TrainFlags):
    """The recipe of PyTorch's example, one photograph at a time, and for so few of them a tenth of its weight for the style."""

    style: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """The picture whose style is learned; by default one of our own, of swirling strokes."""
    style_size: int = 256
    """Pixels of its shorter side: the smaller, the finer are the strokes."""
    features: str = "auto"
    """What pictures are compared by: vgg16, squeezenet, own, or auto for the first that is there."""
    epochs: int = 6
    """Passes over the photographs."""
    batch_size: int = 1
    """Photographs a step."""
    size: int = 256
    """Pixels a side of what is cut out of each."""
    width: int = 32
    """Maps of the first layer; twice and four times as many in the next."""
    lr: float = 1e-3
    """Adam's learning rate."""
    content_weight: float = 1e5
    """Weight of what is to be seen."""
    style_weight: float = 1e9
    """Weight of how it is to be painted."""


def train(config: Config) -> None:
    """Learn one picture's style on BSDS300, on the four built-in photographs, or on a folder of pictures."""
    config = config.shortened(data="builtin", features="own", epochs=10, size=64, style_size=64, width=8, lr=1e-2)
    if config.size % 4 or config.size < 32:
        raise UserError(f"--size {config.size}: expected a multiple of 4, 32 or more")
    device = find_device(config.device)
    data = photographs.load(config.data, config.data_dir)
    perception = features.load(config.features, config.data_dir).to(device)
    kept = config.out / "style.png" if config.resume else None
    style = pictures.read(kept if kept and kept.exists() else config.style or BUILTIN_STYLE)  # (H, W, 3) uint8

    # data: bytes in memory once, cut out anew in every epoch
    photos = [pictures.read(path) for path in data.train]  # each (H, W, 3) uint8
    tests = framework.cat([cut(pictures.read(path), config.size) for path in data.test]).to(device)  # (M, 3, S, S)
    goal = Goal(perception, style, config.style_size, config.content_weight, config.style_weight)
    seen_by = {"name": perception.name, "sha256": weights_sha256(perception.network)}
    run = Run("style_transfer", config, data, features=seen_by)  # only now: pictures may be unreadable
    pictures.write(run.path / "style.png", style)

    # model
    framework.manual_seed(config.seed)
    model = TransformerNet(config.width).to(device)
    optimizer = optim.Adam(model.parameters(), lr=config.lr)

    @config.compiled
    def step(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One step on pictures (B, 3, S, S): the loss, of content and of style."""
        optimizer.zero_grad()
        content_loss, style_loss = goal(model(x), x)
        loss = content_loss + style_loss
        loss.backward()
        optimizer.step()
        return loss, content_loss, style_loss

    # loop
    checkpoint = Checkpoint(run, model=model, optimizer=optimizer)
    at = checkpoint.restore(step=0, tested={})
    epochs = Epochs(len(photos), config)
    print(f"training on {len(photos):,} photographs of {data.name}, {epochs.steps - at.step} steps on {device}, into {run.path}")
    with Progress(epochs.steps, at.step) as progress:
        for epoch, batches in epochs.after(at):
            for batch in batches:
                checkpoint.save_if_due(at)
                x = framework.cat([cut(photos[i], config.size, (config.seed, epoch, i)) for i in batch.tolist()]).to(device)
                loss, content_loss, style_loss = step(x)
                at.step += 1
                losses = {"train_loss": loss.item(), "content_loss": content_loss.item(), "style_loss": style_loss.item()}
                run.log(epoch=epoch, step=at.step, **losses)
                progress.update(at.step, losses["train_loss"])
            at.tested = scores(model, goal, tests)
            run.log(epoch=epoch, step=at.step, test_loss=at.tested["test_loss"])
            progress.say(f"epoch {epoch + 1}/{config.epochs}  test loss {at.tested['test_loss']:.4g}")
            before_and_after = np.concatenate([as_picture(tests[:1]), as_picture(paint(model, tests[:1]))], 1)
            pictures.write(run.path / "samples" / "test.png", before_and_after)
            checkpoint.save(at)

    metrics = {"baseline_steps": without_network(model, goal, tests[:1])["baseline_steps"], **at.tested}
    run.finish(model, metrics, falling="train_loss", then=["stylize IMAGE…"])
