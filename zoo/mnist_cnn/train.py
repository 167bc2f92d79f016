"""Training: Adadelta on the negative log likelihood, its rate × 0.7 after every epoch."""

from dataclasses import dataclass

import framework
import framework.nn.functional as F
from framework import Tensor, optim
from zoo.common.batches import Epochs
from zoo.common.checkpoint import Checkpoint
from zoo.common.flags import TrainFlags, find_device
from zoo.common.progress import Progress
from zoo.common.run import Run
from zoo.datasets import mnist
from zoo.mnist_cnn.evaluate import log_probabilities, scores
from zoo.mnist_cnn.model import Net, normalize

LOG_EVERY = 10  # steps


@dataclass(frozen=True, kw_only=True)
class Config(TrainFlags):
    """The recipe of PyTorch's example."""

    epochs: int = 14
    """Passes over the training digits."""
    batch_size: int = 64
    """Digits a step."""
    test_batch_size: int = 1000
    """Digits at once when testing."""
    lr: float = 1.0
    """Adadelta's learning rate in the first epoch."""
    gamma: float = 0.7
    """Factor of the learning rate after each epoch."""


def train(config: Config) -> None:
    """Train on MNIST, or on the 4,000 built-in digits of it."""
    config = config.shortened(data="builtin", epochs=1, max_steps=60)
    device = find_device(config.device)
    digits = mnist.load(config.data, config.data_dir)
    run = Run("mnist_cnn", config, digits)

    # data: bytes on the device once, normalized batch by batch
    images = framework.from_numpy(digits.train_images).to(device)  # (N, 28, 28) uint8
    labels = framework.tensor(digits.train_labels).to(device)  # (N,)
    test_images = framework.from_numpy(digits.test_images).to(device)  # (M, 28, 28) uint8
    test_labels = framework.tensor(digits.test_labels).to(device)  # (M,)

    # model
    framework.manual_seed(config.seed)
    model = Net().to(device)
    optimizer = optim.Adadelta(model.parameters(), lr=config.lr)
    scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=config.gamma)

    @config.compiled
    def step(batch: Tensor) -> Tensor:
        """One step on the digits of these numbers (B,): its loss."""
        optimizer.zero_grad()
        loss = F.nll_loss(model(normalize(images[batch])), labels[batch])
        loss.backward()
        optimizer.step()
        return loss

    # loop
    checkpoint = Checkpoint(run, model=model, optimizer=optimizer, scheduler=scheduler)
    at = checkpoint.restore(step=0, tested={})
    epochs = Epochs(len(images), config)
    print(f"training on {len(images):,} digits of {digits.name}, {epochs.steps - at.step} steps on {device}, into {run.path}")
    with Progress(epochs.steps, at.step) as progress:
        for epoch, batches in epochs.after(at):
            model.train()
            for batch in batches:
                checkpoint.save_if_due(at)
                loss = step(batch.to(device))
                at.step += 1
                if at.step % LOG_EVERY == 0:
                    run.log(epoch=epoch, step=at.step, train_loss=loss.item())
                    progress.update(at.step, loss.item())
            if at.step % epochs.length == 0:  # else --max-steps cut the epoch short
                scheduler.step()
            at.tested = scores(log_probabilities(model, test_images, config.test_batch_size), test_labels)
            run.log(epoch=epoch, step=at.step, **at.tested)
            progress.say(
                f"epoch {epoch + 1}/{config.epochs}  test accuracy {at.tested['test_accuracy']:.2%}"
                f"  test loss {at.tested['test_loss']:.4f}"
            )
            checkpoint.save(at)

    run.finish(model, at.tested, falling="train_loss", then=["predict IMAGE…"])
