"""Training: Adam on the negative ELBO, one sample of z an image."""

from dataclasses import dataclass

import framework
from framework import Tensor, optim
from zoo.common.batches import Epochs
from zoo.common.checkpoint import Checkpoint
from zoo.common.flags import TrainFlags, find_device
from zoo.common.progress import Progress
from zoo.common.run import Run
from zoo.datasets import mnist
from zoo.vae.evaluate import bound_terms
from zoo.vae.model import VAE, binarized, intensities, kl_divergence, log_likelihood, reparameterize

LOG_EVERY = 10  # steps


@dataclass(frozen=True, kw_only=True)
class Config(TrainFlags):
    """The recipe of PyTorch's example."""

    epochs: int = 10
    """Passes over the training digits."""
    batch_size: int = 128
    """Digits a step."""
    test_batch_size: int = 1000
    """Digits at once when testing."""
    lr: float = 1e-3
    """Adam's learning rate."""
    latent: int = 20
    """Numbers in a code z; with 2 of them 'sample' draws the whole plane."""
    hidden: int = 400
    """Units in the hidden layer of the encoder, and in that of the decoder."""
    binarize: bool = False
    """Make the pixels black or white, once and for all, with their grey values as probabilities."""


def train(config: Config) -> None:
    """Train on MNIST, or on the 4,000 built-in digits of it."""
    config = config.shortened(data="builtin", epochs=4, max_steps=120)
    device = find_device(config.device)
    digits = mnist.load(config.data, config.data_dir)
    run = Run("vae", config, digits)

    # data: bytes on the device once, scaled batch by batch
    images = framework.from_numpy(digits.train_images).to(device)  # (N, 28, 28) uint8
    test_images = framework.from_numpy(digits.test_images).to(device)  # (M, 28, 28) uint8
    if config.binarize:
        images, test_images = binarized(images), binarized(test_images)

    # model
    framework.manual_seed(config.seed)
    model = VAE(config.latent, config.hidden).to(device)
    model.start_from_the_mean(images)
    optimizer = optim.Adam(model.parameters(), lr=config.lr)

    @config.compiled
    def step(batch: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One step on the digits of these numbers (B,): −ELBO and its two terms."""
        x = intensities(images[batch])  # (B, 784)
        optimizer.zero_grad()
        mean, logvar = model.encode(x)  # (B, latent) each
        z = reparameterize(mean, logvar, framework.randn_like(mean))
        reconstruction = -log_likelihood(model.decode(z), x).mean()
        kl = kl_divergence(mean, logvar).mean()
        loss = reconstruction + kl
        loss.backward()
        optimizer.step()
        return loss, reconstruction, kl

    # loop
    checkpoint = Checkpoint(run, model=model, optimizer=optimizer)
    at = checkpoint.restore(step=0, tested={})
    epochs = Epochs(len(images), config)
    print(f"training on {len(images):,} digits of {digits.name}, {epochs.steps - at.step} steps on {device}, into {run.path}")
    with Progress(epochs.steps, at.step) as progress:
        for epoch, batches in epochs.after(at):
            for batch in batches:
                checkpoint.save_if_due(at)
                loss, reconstruction, kl = step(batch.to(device))
                at.step += 1
                if at.step % LOG_EVERY == 0:
                    terms = {"train_negative_elbo": loss.item(), "train_reconstruction": reconstruction.item(), "train_kl": kl.item()}
                    run.log(epoch=epoch, step=at.step, **terms)
                    progress.update(at.step, loss.item())
            at.tested = bound_terms(model, test_images, config.test_batch_size)
            run.log(epoch=epoch, step=at.step, **at.tested)
            progress.say(
                f"epoch {epoch + 1}/{config.epochs}  test −ELBO {at.tested['test_negative_elbo']:.2f}"
                f" = reconstruction {at.tested['test_reconstruction']:.2f} + KL {at.tested['test_kl']:.2f}"
            )
            checkpoint.save(at)

    run.finish(model, at.tested, falling="train_negative_elbo", then=["sample"])
