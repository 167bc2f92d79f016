"""The example as its users run it, and what it computes against independent computations: weights, colours, PSNR, SSIM, patches."""

import json

import numpy as np
import pytest
from PIL import Image

import framework
from tests.zoo.contract import call, evaluate_agrees, killed_it_resumes, refused, smoke
from zoo.common import pictures
from zoo.datasets import photographs
from zoo.super_resolution.bicubic import resize, weights
from zoo.super_resolution.brightness import pair, read_brightness, to_rgb, to_ycbcr
from zoo.super_resolution.evaluate import compare, psnr, ssim
from zoo.super_resolution.model import ESPCN
from zoo.super_resolution.train import SIDE, cut, turned
from zoo.super_resolution.upscale import enlarge

ROCKET = photographs.BUILTIN_FOLDER / "test" / "rocket.png"


@pytest.fixture(scope="module", autouse=True)
def nothing_downloaded(tmp_path_factory):
    """An empty folder of data sets, whatever this machine has."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_DATA", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run directory of the smoke training."""
    path = tmp_path_factory.mktemp("super_resolution") / "run"
    smoke("super_resolution", path)
    return path


@pytest.fixture
def random():
    return np.random.default_rng(0)


def test_the_smoke_training_learned(run):
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert rows[-1]["watched_psnr"] > rows[-1]["bicubic_psnr"] - 1  # an untrained network is 20 dB below


def test_evaluate_agrees_with_train(run, capsys):
    evaluation = evaluate_agrees("super_resolution", run)
    out, err = capsys.readouterr()
    assert "test (1)" in out and f"{evaluation['test_psnr']:.2f}" in out
    assert err.startswith("Set5 and Set14 not found in") and err.count("\n") == 1
    assert pictures.read(run / "samples" / "rocket.png").shape == (213, 3 * 318 + 4, 3)


def test_killed_at_random_instants_it_resumes_bit_identical(tmp_path):
    arguments = ("--data", "builtin", "--patches", 1200, "--epochs", 3, "--max-steps", 420)
    killed_it_resumes("super_resolution", tmp_path, *arguments)


def test_the_network_is_the_papers():
    for upscale, parameters in ((2, 21_284), (3, 22_729), (4, 24_752)):  # 64 · (5² + 1) + 32 · (64 · 3² + 1) + r² · (32 · 3² + 1)
        model = ESPCN(upscale)
        assert sum(parameter.numel() for parameter in model.parameters()) == parameters
        assert model(framework.zeros(2, 1, 13, 15)).shape == (2, 1, 5 * upscale, 7 * upscale)
    assert list(model.state_dict()) == [f"conv{layer}.{part}" for layer in (1, 2, 3) for part in ("weight", "bias")]


def test_a_pixel_is_told_from_the_nine_by_nine_around_it():
    model = ESPCN(3)
    x = framework.zeros(1, 1, 29, 29, requires_grad=True)
    model(x)[0, 0, 30:33, 30:33].sum().backward()  # the successors of the small pixel (10 + 4, 10 + 4)
    grad = np.abs(x.grad[0, 0].numpy())
    rows, columns = np.nonzero(grad > 1e-5 * grad.max())  # Winograd's convolution leaves rounding errors around it
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (10, 18, 10, 18)


@pytest.mark.parity
@pytest.mark.parametrize("upscale", [2, 3, 4])
def test_the_network_computes_what_pytorchs_does(upscale):
    import torch

    model = ESPCN(upscale)
    theirs = torch.nn.Sequential(
        torch.nn.Conv2d(1, 64, 5),
        torch.nn.Tanh(),
        torch.nn.Conv2d(64, 32, 3),
        torch.nn.Tanh(),
        torch.nn.Conv2d(32, upscale**2, 3),
        torch.nn.PixelShuffle(upscale),
    )
    for layer, name in ((0, "conv1"), (2, "conv2"), (4, "conv3")):
        ours = getattr(model, name)
        theirs[layer].load_state_dict({"weight": torch.tensor(ours.weight.tolist()), "bias": torch.tensor(ours.bias.tolist())})
    x = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 1, 30, 25)).astype(np.float32)
    np.testing.assert_allclose(model(framework.from_numpy(x)).detach().numpy(), theirs(torch.from_numpy(x)).detach().numpy(), atol=1e-5)


def test_the_weights_are_matlabs():
    halved = weights(16, 8).toarray()
    expected = np.array([-3, -9, 29, 111, 111, 29, -9, -3]) / 256  # -0.0117 -0.0352 0.1133 0.4336 …
    np.testing.assert_allclose(halved[3, 3:11], expected, atol=1e-12)
    assert not halved[3, :3].any() and not halved[3, 11:].any()
    doubled = weights(8, 16).toarray()
    np.testing.assert_allclose(doubled[7, 2:6], np.array([-9, 111, 29, -3]) / 128, atol=1e-12)
    np.testing.assert_allclose(doubled[0, :3], np.array([111 + 29, -9 - 3, 0]) / 128, atol=1e-12)  # mirrored at the end


def test_resizing_keeps_what_is_constant_and_what_is_linear(random):
    for height, width in ((40, 21), (7, 9), (13, 200)):
        np.testing.assert_allclose(resize(np.full((13, 21), 7.0), height, width), 7, atol=1e-12)
    ramp = np.arange(60.0)[None].repeat(3, 0)
    third, thrice = resize(ramp, 3, 20), resize(ramp, 3, 180)
    np.testing.assert_allclose(third[:, 2:-2], (3 * np.arange(20.0) + 1)[None, 2:-2].repeat(3, 0), atol=1e-9)  # the middle of each three
    np.testing.assert_allclose(thrice[:, 6:-6], ((np.arange(180.0) - 1) / 3)[None, 6:-6].repeat(3, 0), atol=1e-9)
    picture = random.uniform(0, 255, (11, 8))
    np.testing.assert_allclose(resize(picture, 11, 8), picture, atol=1e-12)
    np.testing.assert_allclose(resize(picture.T, 5, 20), resize(picture, 20, 5).T, atol=1e-12)


def test_resizing_is_pillows_within_the_picture(random):
    """Pillow has the same kernel, and other ends."""
    picture = random.uniform(0, 255, (60, 60))
    for side in (20, 30, 15, 120, 180):
        theirs = np.asarray(Image.fromarray(picture.astype(np.float32)).resize((side, side), Image.Resampling.BICUBIC))
        border = max(2, 2 * side // 60) + 1
        inside = (slice(border, -border),) * 2
        np.testing.assert_allclose(resize(picture, side, side)[inside], theirs[inside], atol=1e-3)


def test_colours_there_and_back(random):
    known = {(0, 0, 0): (16, 128, 128), (255, 255, 255): (235, 128, 128), (255, 0, 0): (81.481, 90.203, 240)}
    for colour, expected in known.items():
        np.testing.assert_allclose(to_ycbcr(np.array(colour, np.uint8)), expected, atol=1e-9)
    colours = random.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    assert (to_rgb(to_ycbcr(colours)) == colours).all()


def test_what_is_stored_in_greys_is_not_converted(tmp_path):
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    pictures.write(tmp_path / "grey.png", grey)
    pictures.write(tmp_path / "colours.png", grey[..., None].repeat(3, -1))
    assert (read_brightness(tmp_path / "grey.png") == grey).all()
    np.testing.assert_array_equal(read_brightness(tmp_path / "colours.png"), np.round(16 + grey * (219 / 255)))


def test_psnr_of_a_known_difference(random):
    original = random.uniform(0, 255, (50, 40))
    assert psnr(original + 5.1, original) == pytest.approx(20 * np.log10(50))
    noisy = original + random.normal(0, 10, original.shape)
    assert psnr(noisy, original) == pytest.approx(20 * np.log10(25.5), abs=0.1)


def slow_ssim(x: np.ndarray, y: np.ndarray) -> float:
    """Wang et al.'s formula, place by place."""
    offsets = np.arange(-5, 6)
    window = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * 1.5**2))
    window /= window.sum()
    c1, c2 = 6.5025, 58.5225
    values = []
    for i in range(x.shape[0] - 10):
        for j in range(x.shape[1] - 10):
            a, b = x[i : i + 11, j : j + 11], y[i : i + 11, j : j + 11]
            ma, mb = (window * a).sum(), (window * b).sum()
            va, vb = (window * (a - ma) ** 2).sum(), (window * (b - mb) ** 2).sum()
            cov = (window * (a - ma) * (b - mb)).sum()
            values.append((2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2)))
    return np.mean(values)


def test_ssim_against_the_formula_place_by_place(random):
    x = random.uniform(0, 255, (24, 19))
    y = x + random.normal(0, 30, x.shape)
    assert ssim(x, y) == pytest.approx(slow_ssim(x, y), abs=1e-10)
    assert ssim(x, x) == 1
    flat, brighter = np.full((11, 11), 100.0), np.full((11, 11), 150.0)
    assert ssim(flat, brighter) == pytest.approx((2 * 100 * 150 + 6.5025) / (100**2 + 150**2 + 6.5025))


class Nearest(framework.nn.Module):
    """A stand-in for the network: each pixel repeated."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = framework.nn.Conv2d(1, 1, 1)

    def forward(self, x):
        return framework.nn.functional.interpolate(x[:, :, 4:-4, 4:-4], scale_factor=3, mode="nearest")


def test_comparing_by_hand():
    large = read_brightness(ROCKET)[:213, :318]
    small, expected = pair(ROCKET, 3, 11)
    assert (expected == large).all() and small.shape == (71, 106)
    repeated = small.repeat(3, 0).repeat(3, 1).round()[3:-3, 3:-3]
    bicubic = resize(small, 213, 318).round().clip(0, 255)[3:-3, 3:-3]
    figures = compare(Nearest(), 3, [ROCKET])
    error = {"": repeated - large[3:-3, 3:-3], "_bicubic": bicubic - large[3:-3, 3:-3]}
    for name, difference in error.items():
        assert figures[f"psnr{name}"] == pytest.approx(20 * np.log10(255) - 10 * np.log10(np.square(difference).mean()), abs=1e-6)
    assert figures["ssim_bicubic"] == ssim(bicubic, large[3:-3, 3:-3])


def test_in_bands_or_at_once(monkeypatch, random):
    model, picture = ESPCN(2), random.uniform(0, 255, (37, 23))
    whole = enlarge(model, picture)
    monkeypatch.setattr("zoo.super_resolution.upscale.BAND", 200)
    np.testing.assert_allclose(enlarge(model, picture), whole, atol=1e-3)


def test_patches_are_what_the_network_is_to_learn():
    paths = photographs.load("builtin").train
    inputs, targets = (patches.numpy() for patches in cut(paths, 30, 3, seed=1))
    assert inputs.shape == (30, 1, 25, 25) and targets.shape == (30, 1, 51, 51) and targets.dtype == np.uint8
    for small, large in zip(inputs[:, 0], targets[:, 0], strict=True):
        seen = resize(large.astype(float), SIDE, SIDE)[2:-2, 2:-2]  # away from its ends the large patch says what the small one was
        assert np.abs(seen - small[6:-6, 6:-6]).max() < 2
    again, other = cut(paths, 30, 3, seed=1)[0].numpy(), cut(paths, 30, 3, seed=2)[0].numpy()
    assert (again == inputs).all() and (other != inputs).any()


def test_eight_positions(random):
    patch = random.uniform(size=(5, 5))
    positions = {turned(patch, symmetry).tobytes() for symmetry in range(8)}
    by_hand = {np.rot90(each, quarters).tobytes() for each in (patch, np.fliplr(patch)) for quarters in range(4)}
    assert positions == by_hand and len(positions) == 8


def test_upscale_enlarges_any_picture_in_colour(run, tmp_path, capsys):
    colours = pictures.read(ROCKET)[:41, :30]
    pictures.write(tmp_path / "small.png", colours)
    assert call("zoo.super_resolution", "upscale", run, tmp_path / "small.png") == 0
    large = pictures.read(tmp_path / "small-x3.png")
    assert large.shape == (123, 90, 3) and "30 × 41 → 90 × 123" in capsys.readouterr().out
    assert np.abs(large.reshape(41, 3, 30, 3, 3).mean((1, 3)) - colours).mean() < 4  # it still shows the same
    pictures.write(tmp_path / "dot.png", np.full((1, 1, 3), (200, 30, 60), np.uint8))
    assert call("zoo.super_resolution", "upscale", run, tmp_path / "dot.png", "--output", tmp_path / "new" / "x.png") == 0
    assert pictures.read(tmp_path / "new" / "x.png").shape == (3, 3, 3)


def test_where_the_benchmarks_are_they_are_scored(run, tmp_path, capsys):
    (tmp_path / "Set5").mkdir()
    picture = pictures.read(ROCKET)
    for number in range(5):
        pictures.write(tmp_path / "Set5" / f"{number}.png", np.rot90(picture[:60, number : 70 + number]))
    assert call("zoo.super_resolution", "evaluate", run, "--data-dir", tmp_path) == 0
    out, err = capsys.readouterr()
    assert "set5 (5)" in out and err.startswith("Set14 not found")
    evaluation = json.loads((run / "evaluation.json").read_text())
    assert evaluation["set5_psnr_bicubic"] != evaluation["test_psnr_bicubic"] and "set14_psnr" not in evaluation
    (tmp_path / "Set5" / "4.png").unlink()
    refused("super_resolution", ("evaluate", run, "--data-dir", tmp_path), "expected the 5 original pictures", capsys)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("train", "--upscale", "5"), "--upscale 5: expected 2, 3 or 4"),
        (("train", "--patches", "0"), "--patches 0: expected one or more"),
        (("train", "--data", "bsds300"), "BSDS300 not found"),
        (("train", "--data", "{small}", "--out", "{new}"), "expected 75 × 75 pixels or more, found 40 × 90"),
        (("evaluate", "{small}"), "is not a run directory"),
        (("upscale", "{run}", "{small}/none.png"), "No such file"),
        (("upscale", "{run}", "{small}/a.png", "--output", "a.jpg"), "expected a name that ends with .png"),
    ],
)
def test_what_users_get_wrong_is_one_line(run, tmp_path, capsys, arguments, complaint):
    places = {"small": tmp_path / "small", "new": tmp_path / "new", "run": run}
    for name in ("a", "b"):
        pictures.write(places["small"] / f"{name}.png", np.zeros((90, 40, 3), np.uint8))
    refused("super_resolution", tuple(argument.format(**places) for argument in arguments), complaint, capsys)
