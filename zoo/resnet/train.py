"""Training: stochastic gradient descent with momentum on the cross entropy, its rate up a short ramp and down a long one."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import tyro

import framework
import framework.nn.functional as F
from framework import Tensor, optim
from zoo.common.batches import Epochs
from zoo.common.checkpoint import Checkpoint
from zoo.common.files import write_json
from zoo.common.flags import TrainFlags, find_device
from zoo.common.progress import Progress
from zoo.common.run import Run
from zoo.datasets.cifar import SmallImages
from zoo.resnet.data import batches_of, load, normalize
from zoo.resnet.evaluate import answer, measure
from zoo.resnet.model import MODELS
from zoo.resnet.weights import begin_with

LOG_EVERY = 10  # steps
WARM_UP = 0.1  # of all steps: the learning rate rises


@dataclass(frozen=True, kw_only=True)
class Config(TrainFlags):
    """The recipe of He et al. for CIFAR-10, with a schedule for 30 epochs."""

    model: Annotated[Literal["auto", *MODELS], tyro.conf.arg(metavar="NAME")] = "auto"
    """The network: resnet20, 32, 44 or 56 for small images; resnet18, 34, 50, 101 or 152 for photographs; auto: the first of those."""
    weights: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Begin with the weights in this file, .pth or .safetensors, such as torchvision's."""
    epochs: int = 30
    """Passes over the training images."""
    batch_size: int = 128
    """Images a step."""
    test_batch_size: int = 250
    """Images at once when testing."""
    lr: float = 0.1
    """The highest learning rate."""
    momentum: float = 0.9
    """What remains of the last step in the next."""
    weight_decay: float = 5e-4
    """Pull of every weight towards 0; the paper, with 164 epochs, has 1e-4."""


def train(config: Config) -> None:
    """Train on CIFAR-10, on built-in digits, or on a folder of photographs."""
    config = config.shortened(data="builtin", epochs=1, max_steps=40, batch_size=32)
    device = find_device(config.device)
    data = load(config.data, config.data_dir)
    if config.model == "auto":
        config = replace(config, model="resnet20" if isinstance(data, SmallImages) else "resnet18")
    run = Run("resnet", config, data)

    # data
    batches = batches_of(data, device)
    write_json(run.path / "classes.json", {"classes": data.classes, "size": batches.size})

    # model
    framework.manual_seed(config.seed)
    model = MODELS[config.model](len(data.classes))
    if config.weights:
        begin_with(config.weights, model)
    model.to(device)
    epochs = Epochs(batches.count, config)
    last = config.epochs * epochs.length
    optimizer = optim.SGD(model.parameters(), lr=config.lr, momentum=config.momentum, weight_decay=config.weight_decay)
    scheduler = optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step, last))

    @config.compiled
    def step(images: Tensor, labels: Tensor) -> Tensor:
        """One step on images (B, 3, S, S) and their classes (B,): its loss."""
        optimizer.zero_grad()
        loss = F.cross_entropy(model(normalize(images)), labels)
        loss.backward()
        optimizer.step()
        return loss

    # loop
    checkpoint = Checkpoint(run, model=model, optimizer=optimizer, scheduler=scheduler)
    at = checkpoint.restore(step=0, tested={})
    learned = f"{batches.count:,} images of {data.name}"
    print(f"training {config.model} on {learned}, {epochs.steps - at.step} steps on {device}, into {run.path}")
    with Progress(epochs.steps, at.step) as progress:
        for epoch, order in epochs.after(at):
            model.train()
            for images, labels in batches.train(order, seed=config.seed, epoch=epoch):
                checkpoint.save_if_due(at)
                loss = step(images, labels)
                scheduler.step()
                at.step += 1
                if at.step % LOG_EVERY == 0:
                    run.log(epoch=epoch, step=at.step, train_loss=loss.item())
                    progress.update(at.step, loss.item())
            at.tested = measure(*answer(model, batches, config.test_batch_size))
            run.log(epoch=epoch, step=at.step, **at.tested)
            accuracy, test_loss = at.tested["test_accuracy"], at.tested["test_loss"]
            progress.say(f"epoch {epoch + 1}/{config.epochs}  test accuracy {accuracy:.2%}  test loss {test_loss:.4f}")
            checkpoint.save(at)

    run.finish(model, at.tested, falling="train_loss", then=["predict IMAGE…"])


def rate(step: int, steps: int) -> float:
    """The learning rate in shares of the highest: straight up over the first tenth of all steps, then straight down to 0."""
    warm = WARM_UP * steps
    return min((step + 1) / (warm + 1), (steps - step) / (steps - warm))
