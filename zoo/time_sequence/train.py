"""Training: L-BFGS on the squared error of the next value, all waves at once."""

from dataclasses import dataclass

import framework
import framework.nn.functional as F
from framework import Tensor, optim
from zoo.common.checkpoint import Checkpoint
from zoo.common.flags import TrainFlags, find_device
from zoo.common.progress import Progress
from zoo.common.run import Run
from zoo.datasets import sine
from zoo.time_sequence.evaluate import scores
from zoo.time_sequence.model import Sequence


@dataclass(frozen=True, kw_only=True)
class Config(TrainFlags):
    """The recipe of PyTorch's example."""

    data: str = "auto"
    """Only sine waves are there: auto, builtin and sine are the same."""
    epochs: int = 15
    """Steps of L-BFGS, each with up to 20 moves, and a pass over all waves for each move."""
    lr: float = 0.8
    """Length of a move, of that which L-BFGS takes for the best."""
    waves: int = sine.WAVES
    """Waves in all; three of them are for testing."""
    length: int = sine.LENGTH
    """Values in a wave."""


def train(config: Config) -> None:
    """Train on sine waves, which are generated."""
    config = config.shortened(epochs=3, waves=23, length=60)
    device = find_device(config.device)
    waves = sine.load(config.data, waves=config.waves, length=config.length)
    run = Run("time_sequence", config, waves)

    # data: all of it, on the device
    values = framework.from_numpy(waves.train).to(device)  # (N, L)
    inputs, targets = values[:, :-1], values[:, 1:]

    # model
    framework.manual_seed(config.seed)
    model = Sequence().double().to(device)
    optimizer = optim.LBFGS(model.parameters(), lr=config.lr)

    @config.compiled
    def loss_and_gradients(inputs: Tensor, targets: Tensor) -> Tensor:
        """The loss of values and those that follow them; its gradients with respect to the weights."""
        optimizer.zero_grad()
        loss = F.mse_loss(model(inputs), targets)
        loss.backward()
        return loss

    # loop
    checkpoint = Checkpoint(run, model=model, optimizer=optimizer)
    at = checkpoint.restore(step=0, passes=0, tested={})
    steps = min(config.epochs, config.max_steps or float("inf"))
    print(f"training on {len(values):,} waves of {config.length:,} values, {steps - at.step} steps on {device}, into {run.path}")
    with Progress(steps, at.step) as progress:

        def closure() -> Tensor:
            """The same where L-BFGS asks for it: about 20 times a step."""
            loss = loss_and_gradients(inputs, targets)
            at.passes += 1
            run.log(epoch=at.step, step=at.passes, train_loss=loss.item())
            progress.update(at.step, loss.item())
            return loss

        while at.step < steps:
            optimizer.step(closure)
            at.step += 1
            at.tested = scores(model, waves)
            run.log(epoch=at.step - 1, step=at.passes, **at.tested)
            progress.say(
                f"step {at.step}/{steps}  test loss {at.tested['test_loss']:.2e}"
                f"  of the next 1,000 values: root mean squared error {at.tested['test_rmse']:.3f}"
            )
            checkpoint.save(at)

    run.finish(model, at.tested, falling="train_loss", then=["forecast"])
