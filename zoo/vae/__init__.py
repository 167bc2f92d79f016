"""A variational autoencoder: digits drawn from 20 Gaussian numbers, and what a likelihood bound is."""

from zoo.common.published import Published

PAPER = "Kingma, Welling: Auto-Encoding Variational Bayes (2013)"
METRICS = {"test_negative_elbo": "{:.2f}", "test_reconstruction": "{:.2f}", "test_kl": "{:.2f}"}
PUBLISHED = (
    Published(
        metric="test_negative_elbo",
        value=104,
        data="mnist",
        source="“around 104” on Larochelle's binarised digits, 50,000 of them for training: google/flax, examples/vae",
        flags={"latent": 20, "hidden": 500, "binarize": True, "epochs": 10},
    ),
)
