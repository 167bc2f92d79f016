"""The example as its users run it, its metric against other ways to compute it, and its networks and loop against PyTorch's."""

import json
import struct

import numpy as np
import pytest
from PIL import Image
from scipy.linalg import sqrtm

import framework
from framework import kernels
from tests.zoo.contract import call, evaluate_agrees, killed_it_resumes, outcome, refused, smoke
from zoo.datasets import mnist
from zoo.dcgan.evaluate import frechet_distance, moments
from zoo.dcgan.features import DigitReader, MeanColours, find_features
from zoo.dcgan.model import DCGAN, generate, noise
from zoo.dcgan.sample import between
from zoo.mnist_cnn.model import Net, normalize

SMALL = ("--size", 32, "--width", 16)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run directory of the smoke training."""
    path = tmp_path_factory.mktemp("dcgan") / "run"
    results = smoke("dcgan", path)
    assert results["features"]["network"] == "DigitReader" and results["features"]["run"] is None
    return path


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    """A run of mnist_cnn, short: for its features."""
    path = tmp_path_factory.mktemp("mnist_cnn") / "run"
    assert call("zoo.mnist_cnn", "train", "--data", "builtin", "--max-steps", 2, "--out", path) == 0
    return path


@pytest.fixture(scope="module")
def few_digits(tmp_path_factory):
    """A folder in the form of MNIST: 96 digits to train with, 40 to test with."""
    folder = tmp_path_factory.mktemp("few")
    digits = mnist.load("builtin")
    arrays = (digits.train_images[:96], digits.train_labels[:96], digits.test_images[:40], digits.test_labels[:40])
    for name, array in zip(mnist.NAMES, arrays, strict=True):
        header = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
        (folder / name).write_bytes(header + array.astype(np.uint8).tobytes())
    return folder


# the networks


@pytest.mark.parametrize(
    ("size", "generator", "discriminator"),
    [(64, 3_576_704, 2_765_568), (32, 1_068_928, 663_296)],  # 64: of PyTorch's example
)
def test_the_networks_are_as_large_as_pytorchs(size, generator, discriminator):
    model = DCGAN(3, size, 64)
    assert sum(parameter.numel() for parameter in model.generator.parameters()) == generator
    assert sum(parameter.numel() for parameter in model.discriminator.parameters()) == discriminator
    pictures = model.generator(noise(2, 0))
    assert pictures.shape == (2, 3, size, size) and pictures.abs().max().item() <= 1
    assert model.discriminator(pictures).shape == (2,)


def test_the_first_weights_are_the_papers():
    framework.manual_seed(0)
    for name, weights in DCGAN(1, 64, 64).state_dict().items():
        if name.endswith("weight"):
            mean = 1 if weights.ndim == 1 else 0
            assert weights.mean().item() == pytest.approx(mean, abs=0.01) and weights.std().item() == pytest.approx(0.02, rel=0.3), name


def test_pictures_do_not_depend_on_those_made_with_them():
    generator = DCGAN(1, 32, 16).generator
    z = noise(5, 0)
    together = generate(generator, z)
    assert together.dtype == framework.uint8 and together.shape == (5, 1, 32, 32)
    apart = generate(generator, z, batch_size=2)
    assert (together.float() - apart.float()).abs().max().item() <= 1  # rounding


# the metric


def normal(seed, count=400, features=12):
    """Features with some of them constant and some equal, as of units that never fire."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(count, features)) @ generator.normal(size=(features, features)) + generator.normal(size=features)
    x[:, 3], x[:, 4] = 0, x[:, 5]
    return x


def moments_of(x):
    return moments(framework.nn.Identity(), framework.tensor(x), batch_size=150)


def test_moments():
    x = normal(0)
    mean, covariance = moments_of(x)
    assert mean.dtype == covariance.dtype == framework.float64
    np.testing.assert_allclose(mean.numpy(), x.mean(0), atol=1e-12)
    np.testing.assert_allclose(covariance.numpy(), np.cov(x.T), atol=1e-12)


def test_the_distance_is_that_of_scipys_square_root():
    x, y = normal(1), normal(2)
    with np.errstate(all="ignore"):
        root = sqrtm(np.cov(x.T) @ np.cov(y.T) + 1e-13 * np.eye(12)).real
    expected = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(np.cov(x.T) + np.cov(y.T) - 2 * root)
    assert frechet_distance(moments_of(x), moments_of(y)) == pytest.approx(expected, rel=1e-5)


def test_the_distance_between_independent_features():
    mean1, mean2 = framework.tensor([1.0, 2.0, 3.0]).double(), framework.tensor([1.0, 0.0, 4.0]).double()
    cov1, cov2 = framework.tensor([4.0, 9.0, 0.0]).double(), framework.tensor([1.0, 16.0, 25.0]).double()
    # 0 + 4 + 1 for the means, and (2 − 1)² + (3 − 4)² + (0 − 5)² for the standard deviations
    assert frechet_distance((mean1, cov1.diag()), (mean2, cov2.diag())) == pytest.approx(32, abs=1e-12)


@pytest.mark.parametrize("count", [400, 5])
def test_equal_sets_have_no_distance(count):
    x = moments_of(normal(3, count))
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-11)


def test_the_features_are_those_of_mnist_cnn(reader):
    digits = framework.from_numpy(mnist.load("builtin").test_images[:20])
    network, ours = Net(), find_features(None, reader, 1, framework.device("cpu"))
    network.load_state_dict(framework.load(reader / "model.safetensors"))
    network.eval()
    framed = framework.nn.functional.pad(digits.unsqueeze(1), (2, 2, 2, 2))
    assert ours(framed).shape == (20, 128)
    answers = framework.nn.functional.log_softmax(ours.fc2(ours(framed)), dim=1)
    np.testing.assert_allclose(answers.detach().numpy(), network(normalize(digits)).detach().numpy(), atol=1e-4)


def test_the_features_of_colours_are_means():
    pictures = framework.randint(0, 256, (2, 3, 64, 64), dtype=framework.uint8)
    means = pictures.numpy().reshape(2, 3, 8, 8, 8, 8).mean((3, 5)).reshape(2, 192) / 255
    np.testing.assert_allclose(MeanColours()(pictures).numpy(), means, rtol=1e-5)
    assert DigitReader()(pictures[:, :1]).shape == (2, 128)


# the verbs


def test_evaluate_agrees_with_train(run, reader, capsys):
    evaluation = evaluate_agrees("dcgan", run)
    out = capsys.readouterr().out
    assert "1,000 test pictures of mnist-5k" in out and "same generator, untrained" in out
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    distances = [row["frechet_distance"] for row in rows if "frechet_distance" in row]
    assert distances == [evaluation["untrained"], evaluation["frechet_distance"]]
    assert evaluation["real"] < 0.05 * min(evaluation["noise"], evaluation["untrained"])
    assert evaluation["features"] == json.loads((run / "results.json").read_text())["features"]

    assert call("zoo.dcgan", "evaluate", run, "--features", reader) == 0
    other = json.loads((run / "evaluation.json").read_text())
    assert other["features"]["run"] == str(reader) and other["features"]["sha256"] != evaluation["features"]["sha256"]
    assert other["frechet_distance"] != evaluation["frechet_distance"]


def test_killed_at_random_instants_it_resumes_bit_identical(few_digits, reader, tmp_path):
    """Also between epochs, of 12 steps here, and without its mnist_cnn run, of which it keeps a copy."""
    killed_it_resumes("dcgan", tmp_path, "--data", few_digits, *SMALL, "--batch-size", 8, "--max-steps", 40, "--features", reader)
    strips = [(tmp_path / name / "samples" / "strip.png").read_bytes() for name in ("whole", "killed")]
    assert strips[0] == strips[1]
    with Image.open(tmp_path / "whole" / "samples" / "strip.png") as strip:
        assert strip.size == (12 * 34 - 2, 5 * 34 - 2)  # untrained, after 12, 24, 36 and 40 steps


def test_sample(run):
    for arguments, name, rows in (
        (("--count", 20), "sample-1.png", 3),
        (("--count", 20, "--seed", 7), "sample-7.png", 3),
        (("--interpolate",), "interpolation-1.png", 8),
    ):
        assert call("zoo.dcgan", "sample", run, *arguments) == 0
        with Image.open(run / "samples" / name) as grid:
            assert grid.size == (8 * 34 - 2, rows * 34 - 2) and grid.mode == "L"


def test_between_two_noises():
    a, b = noise(3, 0), noise(3, 1)
    rows = between(a, b).view(3, 8, 100)
    np.testing.assert_allclose(rows[:, 0].numpy(), a.view(3, 100).numpy(), atol=1e-5)
    np.testing.assert_allclose(rows[:, 7].numpy(), b.view(3, 100).numpy(), atol=1e-5)
    rows = between(a / a.norm(dim=1, keepdim=True), b / b.norm(dim=1, keepdim=True)).view(3, 8, 100)
    np.testing.assert_allclose(rows.norm(dim=2).numpy(), 1, atol=1e-5)
    cosines = (rows[:, :-1] * rows[:, 1:]).sum(2).numpy()  # from one to the next
    np.testing.assert_allclose(cosines, cosines[:, :1].repeat(7, 1), atol=1e-5)


def test_pictures_in_colour(tmp_path, reader, capsys):
    generator = np.random.default_rng(0)
    (tmp_path / "pictures").mkdir()
    for number in range(24):
        Image.fromarray(generator.integers(0, 256, (40, 50, 3), np.uint8)).save(tmp_path / "pictures" / f"{number:02}.png")
    flags = ("--data", tmp_path / "pictures", *SMALL, "--batch-size", 8, "--max-steps", 4)
    assert call("zoo.dcgan", "train", *flags, "--out", tmp_path / "run") == 0
    assert evaluate_agrees("dcgan", tmp_path / "run")["features"]["network"] == "MeanColours"
    assert call("zoo.dcgan", "sample", tmp_path / "run", "--count", 8) == 0
    with Image.open(tmp_path / "run" / "samples" / "sample-1.png") as grid:
        assert grid.mode == "RGB"
    refused("dcgan", ("train", *flags, "--features", reader, "--out", tmp_path / "other"), "compared by their mean colours", capsys)
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("train", "--data", "{empty}", "--out", "{new}"), "expected a folder with pictures"),
        (("train", "--data", "builtin", "--size", "48", "--out", "{new}"), "--size"),
        (("train", "--data", "builtin", *SMALL, "--features", "{run}", "--out", "{new}"), "is a run of dcgan, not of mnist_cnn"),
        (("train", "--data", "builtin", *SMALL, "--features", "{empty}", "--out", "{new}"), "{empty} is not a run directory"),
        (("evaluate", "{empty}"), "{empty} is not a run directory"),
        (("evaluate", "{reader}"), "is a run of mnist_cnn, not of dcgan"),
        (("sample", "{run}", "--count", "0"), "--count 0: expected one or more"),
        (("sample", "{bare}"), "No such file"),
    ],
)
def test_what_users_get_wrong_is_one_line(run, reader, tmp_path, capsys, arguments, complaint):
    places = {"run": run, "reader": reader, "empty": tmp_path / "empty", "bare": tmp_path / "bare", "new": tmp_path / "new"}
    places["empty"].mkdir()
    places["bare"].mkdir()
    (places["bare"] / "config.json").write_bytes((run / "config.json").read_bytes())
    arguments = tuple(str(argument).format(**places) for argument in arguments)
    refused("dcgan", arguments, complaint.format(**places), capsys)
    assert not places["new"].exists()


# beside PyTorch


@pytest.mark.parity
def test_three_steps_are_those_of_pytorchs_example(few_digits, reader, tmp_path):
    """Its networks, its losses and its order of updates, on the same weights, pictures and noise."""
    import torch
    from torch import nn

    from zoo.common.batches import shuffled
    from zoo.datasets import squares

    flags = ("--data", few_digits, *SMALL, "--batch-size", 16, "--max-steps", 3, "--features", reader)
    with kernels.use("reference"):  # Winograd rounds otherwise than PyTorch, and Adam makes whole steps of gradients that are all rounding
        assert call("zoo.dcgan", "train", *flags, "--out", tmp_path) == 0
    ours = framework.load(tmp_path / "model.safetensors")

    framework.manual_seed(0)
    initial = DCGAN(1, 32, 16).state_dict()  # leaves the random numbers where training finds them
    generator = nn.Sequential(
        *(nn.ConvTranspose2d(100, 64, 4, 1, 0, bias=False), nn.BatchNorm2d(64), nn.ReLU(True)),
        *(nn.ConvTranspose2d(64, 32, 4, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU(True)),
        *(nn.ConvTranspose2d(32, 16, 4, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(True)),
        *(nn.ConvTranspose2d(16, 1, 4, 2, 1, bias=False), nn.Tanh()),
    )
    discriminator = nn.Sequential(
        *(nn.Conv2d(1, 16, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)),
        *(nn.Conv2d(16, 32, 4, 2, 1, bias=False), nn.BatchNorm2d(32), nn.LeakyReLU(0.2)),
        *(nn.Conv2d(32, 64, 4, 2, 1, bias=False), nn.BatchNorm2d(64), nn.LeakyReLU(0.2)),
        *(nn.Conv2d(64, 1, 4, 1, 0, bias=False), nn.Sigmoid()),
    )
    networks = {"generator": generator, "discriminator": discriminator}
    optimizers = {}
    for name, network in networks.items():
        prefix = f"{name}.main."
        network.load_state_dict({key.removeprefix(prefix): torch.tensor(value.numpy()) for key, value in initial.items() if prefix in key})
        optimizers[name] = torch.optim.Adam(network.parameters(), lr=2e-4, betas=(0.5, 0.999))
    loss = nn.BCELoss()
    images = torch.tensor(squares.load(str(few_digits), size=32).train)
    for batch in shuffled(96, 16, seed=0, epoch=0)[:3]:
        real = images[torch.tensor(batch.numpy())].float() / 127.5 - 1
        fake = generator(torch.tensor(framework.randn(16, 100, 1, 1).numpy()))
        discriminator.zero_grad()
        loss(discriminator(real).flatten(), torch.ones(16)).backward()
        loss(discriminator(fake.detach()).flatten(), torch.zeros(16)).backward()
        optimizers["discriminator"].step()
        generator.zero_grad()
        loss(discriminator(fake).flatten(), torch.ones(16)).backward()
        optimizers["generator"].step()
    for name, network in networks.items():
        for key, value in network.state_dict().items():
            equal = np.isclose(ours[f"{name}.main.{key}"].numpy(), value.numpy(), rtol=1e-3, atol=2e-5)
            assert equal.mean() > 0.999, key  # where a gradient is 0 but for rounding, Adam's first steps have any sign


def test_same_seed_twice_is_bit_identical(few_digits, reader, tmp_path):
    for name in ("a", "b"):
        flags = ("--data", few_digits, *SMALL, "--max-steps", 3, "--seed", 5, "--features", reader)
        assert call("zoo.dcgan", "train", *flags, "--out", tmp_path / name) == 0
    assert outcome(tmp_path / "a") == outcome(tmp_path / "b")
