"""A variational autoencoder: digits drawn from 20 Gaussian numbers, and what a likelihood bound is."""

from zoo.common.results import Published

PAPER = "Kingma, Welling: Auto-Encoding Variational Bayes (2013)"
METRICS = {"test_negative_elbo": "{:.2f}", "test_reconstruction": "{:.2f}", "test_kl": "{:.2f}"}
PUBLISHED = (
    Published(
        metric="test_negative_elbo",
        value=104,
        data="mnist",
        source="“around 104”, 500 hidden units, 10 epochs on digits binarised once and for all: google/flax, examples/vae",
        flags={"latent": 20},
    ),
)
