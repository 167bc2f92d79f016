"""The example as its users run it, on small images and on photographs; its networks against the paper's and torchvision's."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

import framework
from framework import nn
from tests.zoo.contract import call, evaluate_agrees, killed_it_resumes, refused, smoke
from zoo.common.batches import shuffled
from zoo.common.errors import UserError
from zoo.datasets import image_folder
from zoo.resnet import model as models
from zoo.resnet.data import InFiles, InMemory, crop, load, middle, normalize, part
from zoo.resnet.evaluate import measure
from zoo.resnet.model import MODELS, Bottleneck, CifarResNet, PaddedIdentity, ResNet
from zoo.resnet.train import rate
from zoo.resnet.weights import begin_with

CPU = framework.device("cpu")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run directory of the smoke training."""
    path = tmp_path_factory.mktemp("resnet") / "run"
    results = smoke("resnet", path)
    assert results["parameters"] == 269_722 and results["flags"]["model"] == "resnet20"
    return path


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A folder of 64 + 16 small images in CIFAR-10's records, each class of a brightness of its own."""
    folder = tmp_path_factory.mktemp("small")
    rng = np.random.default_rng(0)
    for name, count in (("data_batch_1", 64), ("test_batch", 16)):
        records = rng.integers(0, 25, (count, 3073))
        records[:, 0] = np.arange(count) % 10
        records[:, 1:] += 23 * records[:, :1]
        (folder / f"{name}.bin").write_bytes(records.astype(np.uint8).tobytes())
    return folder


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """A folder of 2 × (3 + 1) photographs in ImageNet's form."""
    folder = tmp_path_factory.mktemp("photographs")
    rng = np.random.default_rng(0)
    for part_of, count in (("train", 3), ("val", 1)):
        for label, name in enumerate(("dark", "light")):
            (folder / part_of / name).mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(128 * label, 128 * label + 128, (240, 300, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / part_of / name / f"{number}.jpg")
    return folder


@pytest.mark.parametrize(
    ("name", "classes", "count"),
    [
        ("resnet20", 10, 269_722),  # the paper's table 6: 0.27 M, 0.46 M, 0.66 M, 0.85 M
        ("resnet32", 10, 464_154),
        ("resnet44", 10, 658_586),
        ("resnet56", 10, 853_018),
        ("resnet18", 1000, 11_689_512),  # torchvision's documentation
        ("resnet34", 1000, 21_797_672),
        ("resnet50", 1000, 25_557_032),
        ("resnet101", 1000, 44_549_160),
        ("resnet152", 1000, 60_192_808),
    ],
)
def test_parameter_counts(name, classes, count, monkeypatch):
    monkeypatch.setattr(models, "initialize", lambda model: None)
    assert sum(parameter.numel() for parameter in MODELS[name](classes).parameters()) == count


def test_layers_of_the_paper():
    """resnet20 is called after its layers with weights: 19 convolutions and a linear one, without projections."""
    for name in ("resnet20", "resnet32", "resnet44", "resnet56"):
        layers = [module for module in MODELS[name](10).modules() if isinstance(module, nn.Conv2d | nn.Linear)]
        assert len(layers) == int(name.removeprefix("resnet"))


def test_names_are_torchvisions():
    names = list(MODELS["resnet18"](1000).state_dict())
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    assert len(names) == 122 and names[:6] == ["conv1.weight", *(f"bn1.{part}" for part in norm)] and names[-2:] == ["fc.weight", "fc.bias"]
    block = ["conv1.weight", *(f"bn1.{part}" for part in norm), "conv2.weight", *(f"bn2.{part}" for part in norm)]
    block += ["downsample.0.weight", *(f"downsample.1.{part}" for part in norm)]
    assert [name for name in names if name.startswith("layer3.0.")] == [f"layer3.0.{part}" for part in block]
    state = MODELS["resnet50"](10).state_dict()
    assert len(state) == 320 and state["layer1.0.downsample.0.weight"].shape == (256, 64, 1, 1)
    assert state["layer4.2.conv3.weight"].shape == (2048, 512, 1, 1) and state["fc.weight"].shape == (10, 2048)


def test_option_a_by_hand():
    x = np.arange(2 * 2 * 4 * 4, dtype=np.float32).reshape(2, 2, 4, 4)
    out = PaddedIdentity(2, 6, 2)(framework.from_numpy(x)).numpy()
    expected = np.zeros((2, 6, 2, 2), np.float32)
    expected[:, 2:4] = x[:, :, [0, 2]][..., [0, 2]]
    np.testing.assert_array_equal(out, expected)


def test_measures_of_a_known_case():
    probabilities = np.array([[0.3, 0.25, 0.2, 0.1, 0.08, 0.07]] * 4)
    found = measure(framework.tensor(np.log(probabilities)), framework.tensor([0, 2, 4, 5]))
    loss = -np.log([0.3, 0.2, 0.08, 0.07]).mean()
    assert found == pytest.approx({"test_accuracy": 0.25, "test_top5_accuracy": 0.75, "test_loss": loss})
    assert measure(framework.tensor([[1.0, 2.0]]), framework.tensor([0]))["test_top5_accuracy"] == 1  # of two classes, both


def test_the_rate_is_a_ramp_up_and_a_ramp_down():
    rates = [rate(step, 100) for step in range(101)]
    assert rates[:11] == pytest.approx([(step + 1) / 11 for step in range(11)])
    assert rates[10:] == pytest.approx([(100 - step) / 90 for step in range(10, 101)])
    assert rate(0, 1) == 1 / 1.1


def test_normalized_images_of_known_colours():
    grey = framework.full((1, 3, 32, 32), 255, dtype=framework.uint8)
    found = normalize(grey)[0, :, 3, 4].tolist()
    assert found == pytest.approx([(1 - 0.4914) / 0.2470, (1 - 0.4822) / 0.2435, (1 - 0.4465) / 0.2616])


def test_crops_image_by_image():
    rng = np.random.default_rng(0)
    images = rng.integers(1, 256, (20, 3, 32, 32), dtype=np.uint8)
    shift, mirror = rng.integers(0, 9, (20, 2)), rng.random(20) < 0.5
    found = crop(*map(framework.tensor, (images, shift, mirror))).numpy()
    for image, (down, across), mirrored, result in zip(images, shift, mirror, found, strict=True):
        expected = np.pad(image, ((0, 0), (4, 4), (4, 4)))[:, down : down + 32, across : across + 32]
        np.testing.assert_array_equal(result, expected[:, :, ::-1] if mirrored else expected)


def test_a_batch_is_the_same_wherever_an_epoch_is_taken_up(small):
    source = InMemory(load(str(small)), CPU)
    order = shuffled(64, 10, seed=3, epoch=2)
    whole = list(source.train(order, seed=3, epoch=2))
    rest = list(source.train(order[4:], seed=3, epoch=2))
    other = list(source.train(order[4:], seed=3, epoch=1))
    assert [labels.tolist() for _, labels in whole[4:]] == [labels.tolist() for _, labels in rest]
    assert all((ours == theirs).all() for (ours, _), (theirs, _) in zip(whole[4:], rest, strict=True))
    assert not all((ours == theirs).all() for (ours, _), (theirs, _) in zip(rest, other, strict=True))


def test_photographs_are_the_same_in_any_thread(photographs, monkeypatch):
    source = InFiles(image_folder.load(photographs), CPU)
    order = shuffled(6, 2, seed=3, epoch=2)
    before = framework.get_rng_state()
    whole = list(source.train(order, seed=3, epoch=2))
    monkeypatch.setattr("zoo.resnet.data.WORKERS", 0)
    rest = list(source.train(order[1:], seed=3, epoch=2))
    assert (framework.get_rng_state() == before).all()
    assert all((ours == theirs).all() for (ours, _), (theirs, _) in zip(whole[1:], rest, strict=True))
    labels = [label for _, labels in whole for label in labels.tolist()]
    assert labels == [source.data.train[index][1] for batch in order for index in batch.tolist()]
    assert all(images.shape == (2, 3, 224, 224) and images.dtype == framework.uint8 for images, _ in whole)
    images, labels = next(iter(source.test(2)))
    assert labels.tolist() == [0, 1] and (images[1].permute(1, 2, 0).numpy() == source.test_image(1)).all()


def test_a_part_is_of_the_photograph():
    """Red and green of each pixel are its place, so that the part tells where it was taken."""
    place = np.stack(np.broadcast_arrays(np.arange(200)[:, None], np.arange(250)[None], 7), axis=2).astype(np.uint8)
    mirrored, areas = 0, []
    for seed in range(40):
        found = part(place, 64, np.random.default_rng(seed)).astype(float)
        assert found.shape == (64, 64, 3) and (found[..., 2] == 7).all()
        down, across = found[-1, 0, 0] - found[0, 0, 0], found[0, -1, 1] - found[0, 0, 1]
        assert down > 0 and 0.7 < abs(across) / down < 1.4
        mirrored += across < 0
        areas.append(down * abs(across) / place[..., 0].size)
    assert 10 < mirrored < 30 and min(areas) < 0.25 and max(areas) > 0.6


def test_the_middle():
    photograph = np.random.default_rng(0).integers(0, 256, (256, 300, 3), dtype=np.uint8)
    np.testing.assert_array_equal(middle(photograph, 224), photograph[16:240, 38:262])
    np.testing.assert_array_equal(middle(photograph[:32, :36], 32), photograph[:32, 2:34])


def test_evaluate_agrees_with_train(run, capsys):
    evaluation = evaluate_agrees("resnet", run)
    out = " ".join(capsys.readouterr().out.split())
    assert "1,000 test images of mnist-5k: accuracy" in out and "row: the class" in out
    assert np.trace(evaluation["confusion"]) == round(1000 * evaluation["test_accuracy"])
    assert np.sum(evaluation["confusion"], axis=1).tolist() == [100] * 10
    assert (run / "samples" / "mistakes.png").exists()


def test_killed_at_random_instants_it_resumes_bit_identical(small, tmp_path):
    killed_it_resumes("resnet", tmp_path, "--data", small, "--batch-size", 8, "--epochs", 5)


def test_photographs_from_training_to_prediction(photographs, tmp_path, capsys):
    """Stopped within an epoch and resumed, the weights are those of a run that was not."""
    arguments = ("train", "--data", photographs, "--batch-size", 2, "--epochs", 2, "--out")
    assert call("zoo.resnet", *arguments, tmp_path / "stopped", "--max-steps", 2) == 0
    assert call("zoo.resnet", *arguments, tmp_path / "stopped", "--max-steps", 4, "--resume") == 0
    assert call("zoo.resnet", *arguments, tmp_path / "whole", "--max-steps", 4) == 0
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("stopped", "whole")]
    assert weights[0] == weights[1]
    assert json.loads((tmp_path / "whole" / "results.json").read_text())["flags"]["model"] == "resnet18"
    evaluate_agrees("resnet", tmp_path / "whole")
    capsys.readouterr()
    assert call("zoo.resnet", "predict", tmp_path / "whole", photographs / "val" / "dark" / "0.jpg") == 0
    assert "dark" in capsys.readouterr().out


def test_predict_names_five_classes_and_skips_what_it_cannot_read(run, tmp_path, capsys):
    Image.new("L", (50, 40), 200).save(tmp_path / "grey.png")
    (tmp_path / "text.png").write_text("not a picture")
    assert call("zoo.resnet", "predict", run, tmp_path / "text.png", tmp_path / "grey.png") == 1
    out, err = capsys.readouterr()
    guesses = next(line for line in out.splitlines() if "grey.png" in line).split()[1:]
    probabilities = [float(each.rstrip("%,")) for each in guesses[1::2]]
    assert len(set(guesses[::2])) == 5 and probabilities == sorted(probabilities, reverse=True) and sum(probabilities) <= 100.3
    assert err.count("\n") == 1 and f"{tmp_path / 'text.png'}: not a picture" in err


def test_torchvisions_weights_load(tmp_path, capsys):
    """Without BatchNorm's counts, which those are too old to have, and with more classes."""
    source, target = ResNet(models.BasicBlock, (1, 1, 1, 1), 9), ResNet(models.BasicBlock, (1, 1, 1, 1), 5)
    weights = {name: value for name, value in source.state_dict().items() if not name.endswith("num_batches_tracked")}
    framework.save(weights, tmp_path / "weights.safetensors")
    classifier = target.fc.weight.detach().clone()
    begin_with(tmp_path / "weights.safetensors", target)
    assert "tells 9 classes apart: the classifier begins anew, for 5" in capsys.readouterr().out
    state = target.state_dict()
    assert all((state[name] == value).all() for name, value in weights.items() if not name.startswith("fc."))
    assert (target.fc.weight == classifier).all()
    begin_with(tmp_path / "weights.safetensors", source)
    assert capsys.readouterr().out == ""
    with pytest.raises(UserError, match="does not fit the model"):
        begin_with(tmp_path / "weights.safetensors", ResNet(models.BasicBlock, (1, 1, 2, 1), 9))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("train", "--model", "resnet19"), "invalid choice 'resnet19'"),
        (("train", "--data", "{empty}"), "missing: data_batch_1.bin, test_batch.bin"),
        (("train", "--data", "cifar-10", "--data-dir", "{empty}"), "CIFAR-10 not found"),
        (("train", "--data", "builtin", "--out", "{run}"), "already holds a run"),
        (("train", "--data", "{small}", "--out", "{out}", "--weights", "{empty}/none.pth"), "none.pth: No such file"),
        (("train", "--data", "{small}", "--out", "{out}", "--weights", "{text}"), "text.txt is damaged or not a safetensors file"),
        (("train", "--data", "{small}", "--out", "{out}", "--weights", "{other}"), "found no fc.bias"),
        (("train", "--data", "{broken}", "--out", "{out}", "--model", "resnet20"), "a.jpg: not a picture that can be read"),
        (("evaluate", "{empty}"), "is not a run directory"),
        (("predict", "{run}"), "which picture?"),
    ],
)
def test_what_users_get_wrong_is_one_line(run, small, tmp_path, capsys, arguments, complaint):
    places = {name: tmp_path / name for name in ("empty", "broken", "out")} | {"run": run, "small": small}
    places |= {"text": tmp_path / "text.txt", "other": tmp_path / "other.safetensors"}
    places["empty"].mkdir()
    places["text"].write_text("words")
    framework.save({"weight": framework.zeros(2)}, places["other"])
    for folder in ("train/a", "val/a"):
        (places["broken"] / folder).mkdir(parents=True)
        (places["broken"] / folder / "a.jpg").write_text("words")
    for _ in range(2):  # a start that failed is in no way of the next
        refused("resnet", tuple(argument.format(**places) for argument in arguments), complaint, capsys)


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"classes": 3, "size": 4}', "\xff"])
def test_a_damaged_list_of_classes_is_one_line(run, tmp_path, capsys, content):
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run" / "classes.json").write_text(content, encoding="latin-1")
    refused("resnet", ("predict", tmp_path / "run", "a.png"), "classes.json", capsys)


# The comparisons with PyTorch come last: with it in the process, everything after it takes longer


@pytest.mark.parity
@pytest.mark.parametrize("model", [CifarResNet(2), ResNet(models.BasicBlock, (2, 1, 1, 2), 7), ResNet(Bottleneck, (1, 2, 1, 1), 7)])
def test_scores_are_pytorchs(model):
    """The paper's formulas on the state_dict, in PyTorch's functions."""
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    for name, value in model.state_dict().items():  # no running mean of 0 or variance of 1
        if name.endswith(("running_mean", "running_var")):
            value.copy_(framework.rand(value.shape) + 0.5)
    state = {name: torch.from_numpy(value.numpy().copy()) for name, value in model.state_dict().items()}

    def conv(x, name, stride=1):
        weight = state[f"{name}.weight"]
        return F.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2)

    def norm(x, name):
        return F.batch_norm(x, *(state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")))

    def block(x, name, stride):
        convolutions = 3 if f"{name}.conv3.weight" in state else 2
        y = x
        for number in range(1, convolutions + 1):
            y = conv(y, f"{name}.conv{number}", stride if number == convolutions - 1 else 1)
            y = norm(y, f"{name}.bn{number}")
            y = F.relu(y) if number < convolutions else y
        if f"{name}.downsample.0.weight" in state:
            x = norm(conv(x, f"{name}.downsample.0", stride), f"{name}.downsample.1")
        elif x.shape != y.shape:
            missing = y.shape[1] - x.shape[1]
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, missing // 2, missing // 2))
        return F.relu(x + y)

    # The stride is in the first convolution of a basic block, in the second, of 3 × 3, of a bottleneck
    large = isinstance(model, ResNet)
    images = framework.randn(2, 3, 64, 64)
    x = torch.from_numpy(images.numpy())
    x = F.relu(norm(conv(x, "conv1", 2 if large else 1), "bn1"))
    x = F.max_pool2d(x, 3, 2, 1) if large else x
    for layer in range(1, 5 if large else 4):
        depth = sum(name.startswith(f"layer{layer}.") and name.endswith(".conv1.weight") for name in state)
        for number in range(depth):
            x = block(x, f"layer{layer}.{number}", 2 if layer > 1 and number == 0 else 1)
    expected = F.linear(x.mean((2, 3)), state["fc.weight"], state["fc.bias"])
    model.eval()
    np.testing.assert_allclose(model(images).detach().numpy(), expected.numpy(), rtol=2e-4, atol=2e-4)


@pytest.mark.parity
def test_weights_in_pytorchs_own_file(tmp_path):
    torch = pytest.importorskip("torch")
    source, target = CifarResNet(1), CifarResNet(1)
    torch.save({name: torch.from_numpy(value.numpy().copy()) for name, value in source.state_dict().items()}, tmp_path / "weights.pth")
    begin_with(tmp_path / "weights.pth", target)
    assert all((value == target.state_dict()[name]).all() for name, value in source.state_dict().items())
