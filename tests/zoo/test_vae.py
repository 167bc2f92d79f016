"""The variational autoencoder: its bounds against integrals and closed forms, and the example as its users run it."""

import numpy as np
import pytest
from PIL import Image
from scipy import integrate, stats
from scipy.special import log_expit, logsumexp, ndtr

import framework
from tests.zoo.contract import call, evaluate_agrees, killed_it_resumes, refused, smoke
from zoo.vae.evaluate import SEED, bound_terms, importance_weighted
from zoo.vae.model import VAE, binarized, intensities, kl_divergence, log_likelihood, reparameterize
from zoo.vae.sample import beside, plane

LN2 = np.log(2)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run directory of the smoke training."""
    path = tmp_path_factory.mktemp("vae") / "run"
    metrics = smoke("vae", path)["metrics"]
    assert metrics["test_negative_elbo"] < 190
    assert metrics["test_negative_elbo"] == metrics["test_reconstruction"] + metrics["test_kl"]
    return path


@pytest.fixture
def images():
    framework.manual_seed(3)
    return framework.randint(0, 256, (7, 28, 28), dtype=framework.uint8)


def model_of(latent: int, seed: int = 0) -> VAE:
    framework.manual_seed(seed)
    return VAE(latent)


def zero(*parameters) -> None:
    with framework.no_grad():
        for parameter in parameters:
            parameter.zero_()


def numpy_terms(model: VAE, x: np.ndarray, epsilon: np.ndarray) -> tuple[np.ndarray, ...]:
    """log p(x|z), log p(z) and log q(z|x), each (k, N), for images x (N, 784) and noise (k, N, latent), from the weights alone."""
    weights = {name: value.numpy().astype(float) for name, value in model.state_dict().items()}

    def layer(name, value):
        return value @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    hidden = np.maximum(layer("fc1", x), 0)
    mean, std = layer("fc21", hidden), np.exp(layer("fc22", hidden) / 2)
    z = mean + std * epsilon
    logits = layer("fc4", np.maximum(layer("fc3", z), 0))
    likelihood = (x * log_expit(logits) + (1 - x) * log_expit(-logits)).sum(-1)
    return likelihood, stats.norm.logpdf(z).sum(-1), stats.norm.logpdf(z, mean, std).sum(-1)


def test_the_network_is_pytorchs():
    model = VAE()
    assert sum(parameter.numel() for parameter in model.parameters()) == 652_824
    assert list(model.state_dict()) == [f"{layer}.{part}" for layer in ("fc1", "fc21", "fc22", "fc3", "fc4") for part in ("weight", "bias")]
    mean, logvar = model.encode(framework.zeros(5, 784))
    assert mean.shape == logvar.shape == (5, 20) and model.decode(mean).shape == (5, 784)


def test_a_model_that_knows_nothing_needs_a_bit_for_every_pixel(images):
    model = VAE()
    zero(*model.parameters())
    expected = {"test_negative_elbo": 784 * LN2, "test_reconstruction": 784 * LN2, "test_kl": 0}
    assert bound_terms(model, images, 3) == pytest.approx(expected, rel=1e-6)
    assert importance_weighted(model, images, 5) == pytest.approx(-784 * LN2, rel=1e-6)


def test_it_starts_from_the_mean_digit():
    model, images = VAE(), framework.tensor(np.broadcast_to(np.array([0, 51, 102], np.uint8)[:, None, None], (3, 28, 28)))
    zero(model.fc4.weight)
    model.start_from_the_mean(images)
    assert model.decode(framework.randn(2, 20)).sigmoid().flatten().tolist() == pytest.approx([0.2] * 1568)
    model.start_from_the_mean(images * 0)  # never quite impossible
    assert model.decode(framework.randn(2, 20)).sigmoid().flatten().tolist() == pytest.approx([1e-3] * 1568)


def test_binarized_pixels_are_white_as_often_as_they_are_light():
    images = framework.full((2500, 28, 28), 51, dtype=framework.uint8)
    images[:, 0], images[:, 1] = 0, 255
    found = binarized(images)
    assert found.dtype is framework.uint8 and sorted(found.unique().tolist()) == [0, 255]
    assert not found[:, 0].any() and bool((found[:, 1] == 255).all())
    assert found[:, 2:].float().mean().item() == pytest.approx(51, abs=0.4)  # 5 standard deviations of 1.8 million draws
    assert len({found[index].numpy().tobytes() for index in (0, 1, 1000, 2000)}) == 4
    assert bool((binarized(images) == found).all())


def test_a_decoder_that_ignores_the_code(images):
    """log p(x) is that of the biases alone; the ELBO lies the KL below, the importance-weighted bound closes in on it."""
    model = model_of(2)
    zero(model.fc3.weight, model.fc3.bias)
    x = intensities(images)
    with framework.no_grad():
        exact = log_likelihood(model.fc4.bias, x).mean().item()
        kl = kl_divergence(*model.encode(x)).mean().item()
    assert kl > 1e-3
    assert bound_terms(model, images, 3)["test_negative_elbo"] == pytest.approx(kl - exact, rel=1e-6)
    assert importance_weighted(model, images, 5000) == pytest.approx(exact, abs=5e-3)


def test_bounds_of_one_latent_number_against_integrals(images):
    """With one latent number, log p(x), E_q[log p(x|z)] and the KL are integrals over a line."""
    model = model_of(1, seed=5)
    with framework.no_grad():  # codes that matter
        model.fc3.weight.mul_(1.5)
    x = intensities(images[:1]).numpy().astype(float)
    mean, logvar = (each.item() for each in model.encode(intensities(images[:1])))
    std = np.exp(logvar / 2)
    grid = np.linspace(-9, 9, 20_001)
    likelihood = numpy_terms(model, x, ((grid - mean) / std)[:, None, None])[0][:, 0]
    prior, posterior = stats.norm.pdf(grid), stats.norm.pdf(grid, mean, std)
    log_p = logsumexp(likelihood + np.log(prior)) + np.log(grid[1] - grid[0])
    kl = integrate.trapezoid(posterior * (stats.norm.logpdf(grid, mean, std) - np.log(prior)), grid)
    expected = integrate.trapezoid(posterior * likelihood, grid)
    spread = np.sqrt(integrate.trapezoid(posterior * (likelihood - expected) ** 2, grid))
    terms = bound_terms(model, images[:1].expand(20_000, 28, 28), 5000)  # one sample each of 20,000
    assert terms["test_kl"] == pytest.approx(kl, rel=1e-5)
    assert terms["test_reconstruction"] == pytest.approx(-expected, abs=4 * spread / np.sqrt(20_000))
    weights = np.exp(likelihood - log_p) * prior / posterior  # p(x, z) / q(z|x), in units of p(x)
    error = np.sqrt(integrate.trapezoid(posterior * weights**2, grid) - 1)
    assert log_p - (expected - kl) > 1 > error / 30  # the ELBO is not tight here, and the samples suffice
    assert importance_weighted(model, images[:1], 20_000) == pytest.approx(log_p, abs=4 * error / np.sqrt(20_000))


@pytest.mark.parametrize("samples", [1, 4])
def test_the_bound_of_k_samples_is_the_log_of_their_mean_weight(images, samples):
    model = model_of(20)
    noise = framework.Generator().manual_seed(SEED)
    epsilon = framework.randn(len(images), samples, 20, generator=noise).numpy().astype(float).swapaxes(0, 1)
    likelihood, prior, posterior = numpy_terms(model, intensities(images).numpy().astype(float), epsilon)
    expected = (logsumexp(likelihood + prior - posterior, axis=0) - np.log(samples)).mean()
    assert importance_weighted(model, images, samples) == pytest.approx(expected, rel=1e-6)


def test_more_samples_are_a_tighter_bound(run):
    from zoo.common.run import load_weights
    from zoo.datasets import mnist

    model = VAE()
    load_weights(run, model)
    digits = framework.from_numpy(mnist.load("builtin").test_images[:200])
    one, ten, hundred = (importance_weighted(model, digits, samples) for samples in (1, 10, 100))
    assert -bound_terms(model, digits, 100)["test_negative_elbo"] == pytest.approx(one, abs=1)
    assert one + 2 < ten < hundred - 0.5


def test_kl_against_its_integral():
    for mean, logvar in ((0.0, 0.0), (1.5, -2.0), (-0.3, 1.0)):
        p, q = stats.norm(0, 1), stats.norm(mean, np.exp(logvar / 2))
        expected = integrate.quad(lambda z, p=p, q=q: q.pdf(z) * (q.logpdf(z) - p.logpdf(z)), -20, 20, points=[mean])[0]
        found = kl_divergence(framework.tensor([[mean, mean]]), framework.tensor([[logvar, logvar]]))
        assert found.tolist() == pytest.approx([2 * expected], abs=1e-5)


def test_log_likelihood_of_large_logits_does_not_overflow():
    logits = framework.tensor([[200.0, -200.0], [-200.0, 200.0]])
    assert log_likelihood(logits, framework.tensor([1.0, 0.0])).tolist() == [0, -400]


def test_evaluations_draw_from_a_stream_of_their_own(images):
    model, before = model_of(20), framework.get_rng_state().tolist()
    assert bound_terms(model, images, 4) == bound_terms(model, images, 4)
    assert importance_weighted(model, images, 4) == importance_weighted(model, images, 4)
    assert framework.get_rng_state().tolist() == before


@pytest.mark.parity
def test_loss_and_gradients_are_pytorchs(images):
    torch = pytest.importorskip("torch")
    model = model_of(20)
    x, noise = intensities(images), framework.randn(len(images), 20)
    mean, logvar = model.encode(x)
    loss = (kl_divergence(mean, logvar) - log_likelihood(model.decode(reparameterize(mean, logvar, noise)), x)).mean()
    loss.backward()

    theirs = {name: torch.tensor(value.numpy(), requires_grad=True) for name, value in model.state_dict().items()}

    def layer(name, value):
        return torch.nn.functional.linear(value, theirs[f"{name}.weight"], theirs[f"{name}.bias"])

    x = torch.tensor(x.numpy())
    hidden = layer("fc1", x).relu()
    q = torch.distributions.Normal(layer("fc21", hidden), (layer("fc22", hidden) / 2).exp())
    logits = layer("fc4", layer("fc3", q.mean + q.stddev * torch.tensor(noise.numpy())).relu())
    reconstruction = torch.nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1)
    kl = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0)).sum(1)
    expected = (reconstruction + kl).mean()
    expected.backward()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
    for name, parameter in model.named_parameters():
        np.testing.assert_allclose(parameter.grad.numpy(), theirs[name].grad.numpy(), rtol=1e-4, atol=1e-5)


def test_evaluate_agrees_with_train(run, capsys):
    evaluation = evaluate_agrees("vae", run)
    out = capsys.readouterr().out
    assert "1,000 test digits of mnist-5k" in out and f"−log p(x) ≤ {evaluation['test_negative_log_likelihood']:.2f}" in out
    assert evaluation["samples"] == 100
    assert evaluation["test_negative_log_likelihood"] < evaluation["test_negative_elbo"] - 1


def test_killed_at_random_instants_it_resumes_bit_identical(tmp_path):
    killed_it_resumes("vae", tmp_path, "--data", "builtin", "--batch-size", "20", "--max-steps", "600", "--epochs", "3")


def test_sample_draws_digits_and_the_plane_of_a_code_of_two_numbers(run, tmp_path):
    assert call("zoo.vae", "sample", run, "--count", 20, "--seed", 4) == 0
    assert sorted(path.name for path in (run / "samples").iterdir()) == ["prior.png", "reconstructions.png"]
    with Image.open(run / "samples" / "prior.png") as prior, Image.open(run / "samples" / "reconstructions.png") as pairs:
        assert prior.size == (16 * 30 - 2, 2 * 30 - 2) and prior.mode == "L"
        assert pairs.size == (16 * 30 - 2, 8 * 30 - 2)
    two = tmp_path / "two"
    assert call("zoo.vae", "train", "--data", "builtin", "--latent", 2, "--hidden", 9, "--binarize", "--max-steps", 2, "--out", two) == 0
    evaluate_agrees("vae", two)
    assert call("zoo.vae", "sample", two) == 0
    with Image.open(two / "samples" / "manifold.png") as manifold:
        assert manifold.size == (20 * 28, 20 * 28)


def test_originals_stand_above_their_reconstructions():
    originals, reconstructions = np.full((32, 28, 28), 10, np.uint8), np.full((32, 28, 28), 90, np.uint8)
    rows = beside(originals, reconstructions)[14::30, 0]
    assert rows.tolist() == [10, 90, 10, 90]


def test_the_plane_is_of_equally_probable_codes():
    probabilities = ndtr(plane(4).numpy()).reshape(4, 4, 2)
    expected = np.array([0.125, 0.375, 0.625, 0.875])
    np.testing.assert_allclose(probabilities[0, :, 0], expected, atol=1e-6)  # to the right the first number grows
    np.testing.assert_allclose(probabilities[:, 0, 1], expected[::-1], atol=1e-6)  # upwards the second


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("train", "--latent", "0"), "--latent 0: expected one or more"),
        (("train", "--lr", "-1"), "--lr -1.0: expected zero or more"),
        (("train", "--data", "{empty}"), "missing: train-images-idx3-ubyte"),
        (("evaluate", "{empty}"), "is not a run directory"),
        (("evaluate", "{run}", "--samples", "0"), "--samples 0: expected one or more"),
        (("sample", "{run}", "--count", "0"), "--count 0: expected one or more"),
    ],
)
def test_what_users_get_wrong_is_one_line(run, tmp_path, capsys, arguments, complaint):
    places = {"run": run, "empty": tmp_path}
    refused("vae", tuple(argument.format(**places) for argument in arguments), complaint, capsys)
