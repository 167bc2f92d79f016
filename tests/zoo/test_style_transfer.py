"""Style transfer: what is compared and how, painting in tiles, and the example as its users run it."""

import json

import numpy as np
import pytest
from PIL import Image

import framework
import framework.nn.functional as F
from framework import nn
from tests.zoo.contract import call, evaluate_agrees, killed_it_resumes, refused, smoke
from zoo.common import pictures
from zoo.common.download import data_root
from zoo.common.errors import UserError
from zoo.common.run import weights_sha256
from zoo.datasets import photographs
from zoo.style_transfer import features
from zoo.style_transfer.evaluate import CONTENT, Goal, baseline, cut, gram
from zoo.style_transfer.model import TransformerNet
from zoo.style_transfer.stylize import REACH, mirrored, paint_large, same_statistics, shrunk
from zoo.style_transfer.train import BUILTIN_STYLE

COFFEE = photographs.BUILTIN_FOLDER / "train" / "coffee.png"
WEIGHTS = data_root(None) / "weights"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("style_transfer") / "run"
    results = smoke("style_transfer", path)
    assert results["features"]["name"] == "own" and len(results["features"]["sha256"]) == 64
    return path


@pytest.fixture(scope="module")
def goal():
    return Goal(features.load("own"), pictures.read(BUILTIN_STYLE), 48, 2.0, 3.0)


def small_net(width=4):
    framework.manual_seed(0)
    return TransformerNet(width)


def test_the_network_is_that_of_pytorchs_example():
    model = TransformerNet()
    assert sum(parameter.numel() for parameter in model.parameters()) == 1_679_235
    names = list(model.state_dict())
    assert names[:4] == ["conv1.conv2d.weight", "conv1.conv2d.bias", "in1.weight", "in1.bias"] and names[-1] == "deconv3.conv2d.bias"
    painted = small_net()(255 * framework.rand(2, 3, 24, 36))
    assert painted.shape == (2, 3, 24, 36) and painted.min().item() >= 0 and painted.max().item() <= 255


def test_gram_matrices_are_sums_over_pixels():
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    expected = np.zeros((2, 3, 3))
    for n, c, d in np.ndindex(2, 3, 3):
        expected[n, c, d] = sum(x[n, c, i, j] * x[n, d, i, j] for i, j in np.ndindex(4, 5)) / (3 * 4 * 5)
    np.testing.assert_allclose(gram(framework.tensor(x)).numpy(), expected)


def test_a_style_does_not_mind_where_things_are():
    x = framework.rand(1, 3, 6, 8)
    order = framework.randperm(48)
    shuffled = x.flatten(2)[..., order].reshape(x.shape)
    np.testing.assert_allclose(gram(shuffled).numpy(), gram(x).numpy(), rtol=1e-5)


def test_losses_against_their_formula(goal):
    framework.manual_seed(1)
    painting, photograph = 255 * framework.rand(2, 1, 3, 48, 48)
    content, style = goal(painting, photograph)
    seen, wanted = goal.perception(painting), goal.perception(photograph)
    assert content.item() == pytest.approx(2 * np.square(seen[CONTENT].numpy() - wanted[CONTENT].numpy()).mean(), rel=1e-5)
    expected = sum(np.square(gram(a).numpy() - b.numpy()).mean() for a, b in zip(seen, goal.style, strict=True))
    assert style.item() == pytest.approx(3 * expected, rel=1e-5)


def test_the_photograph_has_its_own_content_and_the_style_its_own_style(goal):
    photograph = 255 * framework.rand(1, 3, 48, 48)
    assert goal(photograph, photograph)[0].item() == 0
    style = framework.from_numpy(np.array(Image.open(BUILTIN_STYLE).convert("RGB").resize((48, 48), Image.Resampling.LANCZOS)))
    assert goal(style.permute(2, 0, 1)[None].float(), photograph)[1].item() == pytest.approx(0, abs=1e-9)


def test_the_baseline_counts_what_it_takes_to_reach_a_loss():
    goal = Goal(features.load("own"), pictures.read(BUILTIN_STYLE), 48, 1e5, 1e10)
    photograph = 255 * framework.rand(1, 3, 32, 32, generator=framework.Generator().manual_seed(0))
    began = sum(goal(photograph, photograph)).item()
    steps, reached, seconds = baseline(goal, photograph, began / 2)
    assert 1 < steps < 60 and reached <= began / 2
    at_once = baseline(goal, photograph, 2 * began)
    assert at_once[:2] == (1, pytest.approx(began)) and 0 < at_once[2] < seconds


def test_features_by_vgg_have_its_sizes():
    found = features.VGG()(framework.zeros(1, 3, 32, 48))
    assert [tuple(each.shape[1:]) for each in found] == [(64, 32, 48), (128, 16, 24), (256, 8, 12), (512, 4, 6)]
    assert len(list(features.VGG().parameters())) == 20


@pytest.mark.skipif(not (WEIGHTS / "squeezenet1.1_reference_io.npz").is_file(), reason="ZOO_DATA has no weights of SqueezeNet")
def test_squeezenet_sees_what_it_saw_where_it_was_trained():
    """Its last features, with the classifier on top, against an input and its scores that came with the weights."""
    reference = np.load(WEIGHTS / "squeezenet1.1_reference_io.npz")
    arrays = np.load(WEIGHTS / "squeezenet1.1_imagenet_fp32.npz")
    network = features.load("squeezenet").network
    with framework.no_grad():
        last = network(framework.tensor(reference["input"]))[-1]
        weight, bias = (framework.tensor(arrays[f"squeezenet0_conv25_{part}"]) for part in ("weight", "bias"))
        scores = F.relu(F.conv2d(last, weight, bias)).mean((2, 3))
    np.testing.assert_allclose(scores.numpy(), reference["output"], rtol=1e-3, atol=1e-3)


@pytest.mark.skipif(not (WEIGHTS / "vgg16_imagenet_conv1_1-conv4_3_f16.npz").is_file(), reason="ZOO_DATA has no weights of VGG16")
def test_vgg_is_taken_where_it_is_and_in_the_order_of_its_layers():
    perception = features.load("auto")
    arrays = np.load(WEIGHTS / "vgg16_imagenet_conv1_1-conv4_3_f16.npz")
    assert perception.name == "vgg16"
    assert (perception.network.blocks[3][2].weight.numpy() == arrays["conv4_3_weight"].astype(np.float32)).all()
    assert not any(parameter.requires_grad for parameter in perception.parameters())


def test_own_features_are_the_same_every_time(tmp_path, capsys):
    first, again = features.load("own"), features.load("auto", tmp_path)
    assert first.name == again.name == "own" and weights_sha256(first) == weights_sha256(again)
    assert "compared by random filters" in capsys.readouterr().out


def test_a_pytorch_checkpoint_of_squeezenet_fits(tmp_path):
    """In torchvision's names and order; its classifier is left out."""
    framework.manual_seed(3)
    network = features.SqueezeNet()
    state = {f"features.{number}": value for number, value in enumerate(network.state_dict().values())}
    (tmp_path / "weights").mkdir()
    framework.save({**state, "classifier.1.weight": framework.ones(3)}, tmp_path / "weights" / "squeezenet1_1-b8a52dc0.pth")
    found = features.load("squeezenet", tmp_path).network
    for ours, theirs in zip(found.parameters(), network.parameters(), strict=True):
        assert (ours == theirs).all().item()
    framework.save({"features.0": framework.ones(3)}, tmp_path / "weights" / "squeezenet1_1-b8a52dc0.pth")
    with pytest.raises(UserError, match="expected the weights of SqueezeNet's layers"):
        features.load("squeezenet", tmp_path)


def test_squares_are_cut_as_the_seed_says():
    picture = np.arange(40 * 60 * 3, dtype=np.uint32).reshape(40, 60, 3).astype(np.uint8)
    middle = cut(picture, 20)
    assert (middle[0].permute(1, 2, 0).numpy() == picture[10:30, 20:40]).all()
    assert (cut(picture, 20, (0, 1, 2)) == cut(picture, 20, (0, 1, 2))).all().item()
    assert any((cut(picture, 20, (0, 1, 2)) != cut(picture, 20, (0, 2, i))).any().item() for i in range(3))
    assert cut(picture, 64).shape == (1, 3, 64, 64)


@pytest.mark.parametrize(("height", "width"), [(32, 48), (33, 47), (30, 61), (5, 7), (1, 1), (2, 2), (16, 1), (3, 700)])
def test_any_size_is_painted(height, width):
    model, x = small_net(), 255 * framework.rand(1, 3, height, width)
    painted = paint_large(model, x, 512)
    assert painted.shape == x.shape
    if not (height % 4 or width % 4):
        assert (painted == model(x)).all().item()


def test_mirrored_goes_on_mirroring_a_small_picture():
    x = framework.arange(3.0).reshape(1, 1, 1, 3)
    assert mirrored(x, 0, 3, 0, 4).flatten().tolist() == [1, 2, 1, 0, 1, 2, 1, 0, 1, 2]


def test_tiles_meet_without_a_seam():
    """With the same statistics for all, tiles give what the whole picture would, wherever the borders are."""
    model = small_net()
    y, x = np.mgrid[:260, :420]
    picture = framework.tensor(np.stack([y % 256, x % 256, (x * y) % 256])[None], dtype=framework.float32)
    tiled = paint_large(model, picture, 4 * REACH)
    with framework.no_grad(), same_statistics(model, shrunk(picture, 4 * REACH)):
        whole = model(mirrored(picture, REACH, REACH, REACH, REACH))[..., REACH:-REACH, REACH:-REACH]
    assert tiled.shape == picture.shape
    np.testing.assert_allclose(tiled.numpy(), whole.numpy(), atol=0.01)


def test_tiles_have_the_statistics_of_the_whole():
    model, x = small_net(), 255 * framework.rand(1, 3, 40, 44)
    with framework.no_grad():
        expected = model(x)
        with same_statistics(model, x):
            np.testing.assert_allclose(model(x).numpy(), expected.numpy(), atol=0.01)
            assert not any(isinstance(each, nn.InstanceNorm2d) and each.training for each in model.modules())


def test_a_picture_is_painted_alike_after_any_other():
    model, small, large = small_net(), 255 * framework.rand(1, 3, 40, 44), 255 * framework.rand(1, 3, 280, 60)
    expected = [paint_large(model, x, 4 * REACH) for x in (small, large)]
    again = [paint_large(model, x, 4 * REACH) for x in (small, large)]
    assert all((a == b).all().item() for a, b in zip(expected, again, strict=True))


def test_evaluate_agrees_with_train(run, capsys):
    evaluation = evaluate_agrees("style_transfer", run)
    out = capsys.readouterr().out
    assert "in the features of own" in out and "L-BFGS on its pixels" in out
    assert evaluation["baseline_steps"] >= 1 and (run / "samples" / "test.png").exists()
    losses = [json.loads(row) for row in (run / "metrics.jsonl").read_text().splitlines()]
    assert [row for row in losses if "test_loss" in row][-1]["test_loss"] == evaluation["test_loss"]


def test_a_picture_that_is_cut_short_leaves_no_run_behind(tmp_path, capsys):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in "ab":
        (folder / f"{name}.png").write_bytes(COFFEE.read_bytes())
    train = ("train", "--data", folder, "--features", "own", "--size", 32, "--width", 4, "--max-steps", 1, "--out", tmp_path / "run")
    (folder / "b.png").write_bytes(COFFEE.read_bytes()[:5000])
    refused("style_transfer", train, "b.png: ", capsys)
    assert not (tmp_path / "run").exists()


def test_killed_at_random_instants_it_resumes_bit_identical(tmp_path):
    small = ("--data", "builtin", "--features", "own", "--size", 48, "--width", 4, "--style-size", 48, "--epochs", 15)
    killed_it_resumes("style_transfer", tmp_path, *small)


def test_stylize_paints_any_picture(run, tmp_path):
    assert call("zoo.style_transfer", "stylize", run, COFFEE, "--output", tmp_path / "a.png") == 0
    assert Image.open(tmp_path / "a.png").size == Image.open(COFFEE).size
    assert call("zoo.style_transfer", "stylize", run, COFFEE, "--size", "400", "--tile", "256") == 0
    assert Image.open(run / "samples" / "coffee.png").size == (400, 267)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("train", "--data", "builtin", "--style", "none.png"), "none.png: No such file"),
        (("train", "--data", "builtin", "--features", "vgg16", "--data-dir", "."), "the weights of vgg16 are not there"),
        (("train", "--data", "builtin", "--features", "resnet"), "--features resnet: expected auto, vgg16, squeezenet or own"),
        (("train", "--size", "30"), "--size 30: expected a multiple of 4"),
        (("stylize", "{run}"), "expected one IMAGE or more"),
        (("stylize", "{run}", "text.png"), "not a picture that can be read"),
        (("stylize", "{run}", str(COFFEE), "--output", "a.jpg"), "--output a.jpg: expected a name that ends with .png"),
        (("stylize", "{run}", str(COFFEE), "coffee.jpg"), "two pictures of one name would both be written to"),
        (("stylize", "{run}", str(COFFEE), "--tile", "100"), "expected --tile to be a multiple of 4, 256 or more"),
    ],
)
def test_what_users_get_wrong_is_one_line(run, tmp_path, monkeypatch, capsys, arguments, complaint):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.png").write_text("not a picture")
    refused("style_transfer", tuple(argument.format(run=run) for argument in arguments), complaint, capsys)
