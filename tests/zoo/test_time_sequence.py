"""Sine waves and their continuation: the data, the network, the errors, and the example as its users run it."""

import math

import numpy as np
import pytest
from PIL import Image
from scipy.special import expit

import framework
from tests.zoo.contract import call, evaluate_agrees, killed_it_resumes, outcome, refused, smoke
from zoo.common.errors import UserError
from zoo.datasets import sine
from zoo.time_sequence.evaluate import scores
from zoo.time_sequence.model import Sequence

SHORT = ("train", "--waves", 6, "--length", 12, "--epochs")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run directory of the smoke training."""
    path = tmp_path_factory.mktemp("time_sequence") / "run"
    assert smoke("time_sequence", path)["metrics"]["test_loss"] < 0.01
    return path


def network(seed: int = 0) -> Sequence:
    framework.manual_seed(seed)
    return Sequence().double()


def test_the_waves_are_pytorchs():
    """As its generate_sine_wave.py makes them."""
    np.random.seed(2)
    times = np.arange(1000) + np.random.randint(-80, 80, 100).reshape(100, 1)
    waves = sine.load()
    values = np.sin(times / 1.0 / 20)
    np.testing.assert_array_equal(waves.test, values[:3])
    np.testing.assert_array_equal(waves.train, values[3:])
    assert (waves.name, waves.origin) == ("sine", "generated")
    assert waves.sha256 == "2dbd009276a1510b831b6bd44739a16ad264f1a58c8df45ab7c28ab15ac4503a"
    assert sine.load(length=999).sha256 != waves.sha256 != sine.load(waves=99).sha256


def test_the_waves_go_on_as_they_began():
    waves = sine.load(waves=5, length=30)
    np.testing.assert_array_equal(waves.test_from(0, 30), waves.test)
    np.testing.assert_array_equal(waves.test_from(30, 40), sine.load(waves=5, length=70).test[:, 30:])
    assert [math.sin((start + 33) / 20) for start in waves.starts[:3]] == pytest.approx(waves.test_from(33, 1)[:, 0])


def test_the_network_is_pytorchs():
    model = network()
    assert sum(parameter.numel() for parameter in model.parameters()) == 32_284
    cell = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    assert list(model.state_dict()) == [f"lstm{i}.{part}" for i in (1, 2) for part in cell] + ["linear.weight", "linear.bias"]
    assert {parameter.dtype for parameter in model.parameters()} == {framework.float64}


def numpy_outputs(model: Sequence, waves: np.ndarray, future: int) -> np.ndarray:
    """What the network makes of waves (N, L), in NumPy from its weights alone."""
    weights = {name: value.numpy() for name, value in model.state_dict().items()}

    def cell(name, x, h, c):
        inputs, carried = x @ weights[f"{name}.weight_ih"].T, h @ weights[f"{name}.weight_hh"].T
        sums = inputs + carried + weights[f"{name}.bias_ih"] + weights[f"{name}.bias_hh"]
        i, f, g, o = np.split(sums, 4, axis=1)
        c = expit(f) * c + expit(i) * np.tanh(g)
        return expit(o) * np.tanh(c), c

    one = two = (np.zeros((len(waves), 51)),) * 2
    outputs = []
    for t in range(waves.shape[1] + future):
        one = cell("lstm1", waves[:, t : t + 1] if t < waves.shape[1] else outputs[-1], *one)
        two = cell("lstm2", one[0], *two)
        outputs.append(two[0] @ weights["linear.weight"].T + weights["linear.bias"])
    return np.concatenate(outputs, axis=1)


def test_outputs_and_scores_against_numpy():
    model, waves = network(), sine.load(waves=5, length=30)
    expected = numpy_outputs(model, waves.test, 999)
    with framework.no_grad():
        outputs = model(framework.from_numpy(waves.test), 999)
    np.testing.assert_allclose(outputs.numpy(), expected, atol=1e-12)
    true = np.sin((waves.starts[:3, None] + np.arange(30, 1030)) / 20)
    errors = (expected[:, 29:] - true) ** 2
    figures = {f"test_rmse_{k}": np.sqrt(errors[:, :k].mean()) for k in (100, 500)}
    figures |= {"test_rmse": np.sqrt(errors.mean()), "test_loss": np.mean((expected[:, :29] - waves.test[:, 1:]) ** 2)}
    assert scores(model, waves) == pytest.approx(figures, rel=1e-9)


def test_always_foretelling_nothing_has_the_error_of_a_sine():
    model, waves = network(), sine.load()
    with framework.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    figures = scores(model, waves)
    assert figures["test_rmse"] == pytest.approx(math.sqrt(0.5), abs=0.01)
    assert figures["test_loss"] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parity
def test_a_step_of_lbfgs_is_pytorchs():
    torch = pytest.importorskip("torch")
    model, values = network(), sine.load(waves=6, length=20).train

    class Theirs(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm1, self.lstm2, self.linear = torch.nn.LSTMCell(1, 51), torch.nn.LSTMCell(51, 51), torch.nn.Linear(51, 1)

        def forward(self, waves):
            one = two = (waves.new_zeros(len(waves), 51),) * 2
            outputs = []
            for value in waves.split(1, dim=1):
                one = self.lstm1(value, one)
                two = self.lstm2(one[0], two)
                outputs.append(self.linear(two[0]))
            return torch.cat(outputs, 1)

    theirs = Theirs().double()
    theirs.load_state_dict({name: torch.tensor(value.numpy()) for name, value in model.state_dict().items()})
    losses = []
    for library, network_, wave in ((framework, model, framework.from_numpy(values)), (torch, theirs, torch.tensor(values))):
        optimizer = library.optim.LBFGS(network_.parameters(), lr=0.8)

        def closure(library=library, network_=network_, wave=wave, optimizer=optimizer):
            optimizer.zero_grad()
            loss = library.nn.functional.mse_loss(network_(wave[:, :-1]), wave[:, 1:])
            loss.backward()
            losses.append(loss.item())
            return loss

        optimizer.step(closure)
    ours, expected = losses[: len(losses) // 2], losses[len(losses) // 2 :]
    assert len(ours) > 10 and ours == pytest.approx(expected, rel=1e-6)


def test_evaluate_agrees_with_train(run, capsys):
    evaluation = evaluate_agrees("time_sequence", run)
    assert f"the next 1,000: {evaluation['test_rmse']:.4f}" in capsys.readouterr().out


def test_killed_at_random_instants_it_resumes_bit_identical(tmp_path):
    """Between steps too, L-BFGS remembers its earlier moves."""
    killed_it_resumes("time_sequence", tmp_path, *SHORT[1:], 7)


def test_a_resumed_run_has_the_memory_of_the_whole(tmp_path):
    assert call("zoo.time_sequence", *SHORT, 3, "--out", tmp_path / "whole") == 0
    assert call("zoo.time_sequence", *SHORT, 1, "--out", tmp_path / "parts") == 0
    assert call("zoo.time_sequence", *SHORT, 3, "--out", tmp_path / "parts", "--resume") == 0
    assert outcome(tmp_path / "parts") == outcome(tmp_path / "whole")


def test_forecast_draws_the_waves(run):
    assert call("zoo.time_sequence", "forecast", run, "--steps", 50) == 0
    with Image.open(run / "samples" / "forecast.png") as picture:
        assert picture.size == (1430, 660)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("train", "--data", "cosine"), "--data cosine: expected auto or sine"),
        (("train", "--waves", "3"), "--waves 3: expected more than 3"),
        (("train", "--length", "1"), "--length 1: expected two or more"),
        (("evaluate", "{empty}"), "is not a run directory"),
        (("forecast", "{run}", "--steps", "0"), "--steps 0: expected one or more"),
    ],
)
def test_what_users_get_wrong_is_one_line(run, tmp_path, capsys, arguments, complaint):
    places = {"run": run, "empty": tmp_path}
    refused("time_sequence", tuple(argument.format(**places) for argument in arguments), complaint, capsys)


def test_only_sines_are_made():
    assert sine.load("builtin").sha256 == sine.load("auto").sha256
    with pytest.raises(UserError, match="always generated"):
        sine.load("mnist")
