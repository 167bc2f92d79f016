"""Training: the generator and the discriminator in turn, each with Adam on its own binary cross entropy."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import framework
import framework.nn.functional as F
from framework import Tensor, optim
from zoo.common.batches import Epochs
from zoo.common.checkpoint import Checkpoint
from zoo.common.flags import TrainFlags, find_device
from zoo.common.pictures import grid, write
from zoo.common.progress import Progress
from zoo.common.run import Run
from zoo.datasets import squares
from zoo.dcgan.evaluate import frechet_distance, moments
from zoo.dcgan.features import KEPT, Features, describe, find_features
from zoo.dcgan.model import DCGAN, NOISE, as_arrays, generate, noise

LOG_EVERY = 10  # steps
STRIP = 12  # pictures in each row of samples/strip.png


@dataclass(frozen=True, kw_only=True)
class Config(TrainFlags):
    """The recipe of PyTorch's example; a CPU wants --size 32 --width 32."""

    data: str = "auto"
    """Pictures: auto (MNIST if it was downloaded, else the built-in digits), mnist, builtin, or a folder of pictures."""
    epochs: int = 25
    """Passes over the training pictures."""
    batch_size: int = 64
    """Pictures a step."""
    size: Literal[64, 32] = 64
    """Pixels a side."""
    width: Literal[64, 32, 16] = 64
    """Maps in the layer beside the picture; half as large and twice as many in the next, and so on."""
    lr: float = 2e-4
    """Adam's learning rate, for both."""
    beta1: float = 0.5
    """Adam's memory of gradients; 0.9, as usual, lets the two swing."""
    features: Features = None


def surprise(scores: Tensor, real: bool) -> Tensor:
    """The mean of −log D for scores (N,) of pictures that are to pass for ``real``, else of −log(1 − D); D = sigmoid(score)."""
    return F.binary_cross_entropy_with_logits(scores, framework.full_like(scores, float(real)))


def play(real: Tensor, model: DCGAN, generator_optimizer: optim.Adam, discriminator_optimizer: optim.Adam) -> tuple[Tensor, Tensor]:
    """A round of the game: either network learns once, from real pictures (B, C, S, S) in −1 … 1 and as many of noise. Their losses."""
    generator, discriminator = model.generator, model.discriminator
    fake = generator(framework.randn(len(real), NOISE, 1, 1, device=real.device))

    # the discriminator: −log D(real) − log(1 − D(fake))
    discriminator_optimizer.zero_grad()
    discriminator_loss = surprise(discriminator(real), real=True) + surprise(discriminator(fake.detach()), real=False)
    discriminator_loss.backward()
    discriminator_optimizer.step()

    # the generator: −log D(fake), through a discriminator that holds still
    discriminator.requires_grad_(False)
    generator_optimizer.zero_grad()
    generator_loss = surprise(discriminator(fake), real=True)
    generator_loss.backward()
    generator_optimizer.step()
    discriminator.requires_grad_(True)
    return discriminator_loss, generator_loss


def draw(folder: Path, strip: list[Tensor], fakes: Tensor) -> None:
    """Draw the strip, a row for each time the generator was tested, and the last pictures."""
    write(folder / "strip.png", grid(as_arrays(framework.cat(strip)), STRIP))
    write(folder / "grid.png", grid(as_arrays(fakes[:64]), 8))


def train(config: Config) -> None:
    """Train on MNIST, on the 4,000 built-in digits of it, or on a folder of pictures."""
    config = config.shortened(data="builtin", size=32, width=16, batch_size=32, lr=1e-3, epochs=1, max_steps=60)
    device = find_device(config.device)
    pictures = squares.load(config.data, config.data_dir, size=config.size)
    kept = bool(config.resume and (config.out / KEPT).exists())
    features = find_features(config.out, None if kept else config.features, pictures.test.shape[1], device)
    run = Run("dcgan", config, pictures, features=describe(features, config.features))
    framework.save(features.state_dict(), run.path / KEPT)

    # data: bytes on the device once; what the generator is measured against and from
    images = framework.from_numpy(pictures.train).to(device)  # (N, C, S, S) uint8
    real_moments = moments(features, framework.from_numpy(pictures.test).to(device))
    fixed_noise = noise(len(pictures.test), config.seed).to(device)  # (M, 100, 1, 1)

    # model
    framework.manual_seed(config.seed)
    model = DCGAN(images.shape[1], config.size, config.width).to(device)
    betas = (config.beta1, 0.999)
    generator_optimizer = optim.Adam(model.generator.parameters(), lr=config.lr, betas=betas)
    discriminator_optimizer = optim.Adam(model.discriminator.parameters(), lr=config.lr, betas=betas)

    @config.compiled
    def step(batch: Tensor) -> tuple[Tensor, Tensor]:
        """One step of both networks on the pictures of these numbers (B,): their losses."""
        return play(images[batch].float() / 127.5 - 1, model, generator_optimizer, discriminator_optimizer)

    # loop
    checkpoint = Checkpoint(run, model=model, generator=generator_optimizer, discriminator=discriminator_optimizer)
    at = checkpoint.restore(step=0, tested={}, strip=[])
    epochs = Epochs(len(images), config)

    def test(epoch: int) -> str:
        """Measure the generator and add a row to the strip, of the same noise each time."""
        fakes = generate(model.generator, fixed_noise)
        at.tested = {"frechet_distance": frechet_distance(moments(features, fakes), real_moments)}
        at.strip.append(fakes[:STRIP].cpu())
        run.log(epoch=epoch, step=at.step, **at.tested)
        draw(run.path / "samples", at.strip, fakes)
        checkpoint.save(at)
        return f"Fréchet distance {at.tested['frechet_distance']:.2f}"

    print(f"training on {len(images):,} pictures of {pictures.name}, {epochs.steps - at.step} steps on {device}, into {run.path}")
    with Progress(epochs.steps, at.step) as progress:
        if not at.strip:
            progress.say(f"untrained  {test(epoch=0)}")
        for epoch, batches in epochs.after(at):
            model.train()
            for batch in batches:
                checkpoint.save_if_due(at)
                discriminator_loss, generator_loss = step(batch.to(device))
                at.step += 1
                if at.step % LOG_EVERY == 0:
                    losses = {"discriminator_loss": discriminator_loss.item(), "generator_loss": generator_loss.item()}
                    run.log(epoch=epoch, step=at.step, **losses)
                    progress.update(at.step, losses["discriminator_loss"])
            progress.say(f"epoch {epoch + 1}/{config.epochs}  {test(epoch)}")

    # Neither loss must fall, each being the other's success; the distance must, from that of the untrained generator.
    run.finish(model, at.tested, falling="frechet_distance", then=["sample"])
