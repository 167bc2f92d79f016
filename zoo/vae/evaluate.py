"""Evaluation: how likely the test digits are under the model, by two lower bounds of log p(x)."""

import math
from functools import partial

from rich.console import Console

import framework
from framework import Tensor
from zoo.common.errors import UserError
from zoo.common.files import write_json
from zoo.common.flags import DataDir, Device, RunDirectory, find_device
from zoo.common.run import load_weights, reopen
from zoo.datasets import mnist
from zoo.vae.model import VAE, binarized, intensities, kl_divergence, log_likelihood, reparameterize

SEED = 0  # of the noise in evaluations, so that they can be repeated
CODES = 10_000  # decoded at once: 31 MB of pixels


def bound_terms(model: VAE, images: Tensor, batch_size: int) -> dict[str, float]:
    """The negative ELBO in nats per image (M, 28, 28), and its two terms, from one z ~ q(z|x) an image.

    log p(x) ≥ ELBO = E_q[log p(x|z)] − KL(q(z|x) ‖ p(z)): the KL exactly, the expectation over z by its sample.
    """
    noise = framework.Generator(images.device).manual_seed(SEED)
    reconstruction, kl = [], []
    with framework.no_grad():
        for x in map(intensities, images.split(batch_size)):  # (B, 784)
            mean, logvar = model.encode(x)
            z = reparameterize(mean, logvar, framework.randn(mean.shape, generator=noise, device=x.device))
            reconstruction.append(-log_likelihood(model.decode(z), x))
            kl.append(kl_divergence(mean, logvar))
    terms = {name: framework.cat(each).mean().item() for name, each in (("reconstruction", reconstruction), ("kl", kl))}
    return {"test_negative_elbo": sum(terms.values()), **{f"test_{name}": value for name, value in terms.items()}}


def importance_weighted(model: VAE, images: Tensor, samples: int) -> float:
    """A tighter bound of the mean log p(x), in nats per image (M, 28, 28), from k = ``samples`` codes for each.

    log p(x) ≥ E log 1/k Σᵢ wᵢ,  wᵢ = p(x|zᵢ) p(zᵢ) / q(zᵢ|x),  zᵢ ~ q(z|x): the ELBO if k = 1, log p(x) itself in the limit
    (Burda, Grosse, Salakhutdinov: Importance Weighted Autoencoders, 2015).
    """
    noise = framework.Generator(images.device).manual_seed(SEED)
    bounds = []
    with framework.no_grad():
        for x in map(intensities, images.split(max(1, CODES // samples))):  # (B, 784)
            mean, logvar = (each.unsqueeze(1) for each in model.encode(x))  # (B, 1, latent)
            epsilon = framework.randn(len(x), samples, model.latent, generator=noise, device=x.device)
            z = reparameterize(mean, logvar, epsilon)  # (B, k, latent)
            # log p(z) − log q(z|x), in which the constants ½ log 2π cancel
            prior_to_posterior = ((epsilon.square() + logvar - z.square()) / 2).sum(-1)  # (B, k)
            weights = log_likelihood(model.decode(z), x.unsqueeze(1)) + prior_to_posterior  # (B, k): log wᵢ
            bounds.append(weights.logsumexp(1) - math.log(samples))  # (B,)
    return framework.cat(bounds).mean().item()


def evaluate(run: RunDirectory, *, samples: int = 100, device: Device = "cpu", data_dir: DataDir = None) -> None:
    """Both bounds on the test digits; the tighter one from SAMPLES codes for each digit (about half a minute on two cores)."""
    if samples < 1:
        raise UserError(f"--samples {samples}: expected one or more")
    config, digits = reopen(run, "vae", mnist.load, data_dir)
    target = find_device(device)
    flags = config["flags"]
    model = VAE(flags["latent"], flags["hidden"]).to(target)
    load_weights(run, model)
    images = framework.from_numpy(digits.test_images).to(target)  # (M, 28, 28) uint8
    if flags["binarize"]:
        images = binarized(images)
    figures = bound_terms(model, images, flags["test_batch_size"])
    tighter = -importance_weighted(model, images, samples)
    write_json(run / "evaluation.json", {"data": digits.name, **figures, "samples": samples, "test_negative_log_likelihood": tighter})
    say = partial(Console(highlight=False).print, soft_wrap=True)
    say(f"{len(images):,} test digits of {digits.name}, in nats per digit:")
    say("  −ELBO {test_negative_elbo:.2f} = reconstruction {test_reconstruction:.2f} + KL {test_kl:.2f}".format(**figures))
    say(f"  −log p(x) ≤ {tighter:.2f}, importance-weighted, {samples:,} samples a digit")
