"""The example as its users run it, its network, and its figures against ones worked out by hand."""

import json
import shutil

import numpy as np
import pytest

import framework
import framework.nn.functional as F
from tests.zoo.contract import call, evaluate_agrees, killed_it_resumes, refused, smoke
from zoo.snli.evaluate import confuse, log_probabilities, scores
from zoo.snli.model import HIDDEN, Net

PREMISES = framework.tensor([[2, 3, 4, 5, 6], [7, 8, 0, 0, 0], [9, 2, 3, 0, 0]])
HYPOTHESES = framework.tensor([[4, 2, 0], [5, 1, 9], [3, 0, 0]])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run directory of the smoke training."""
    path = tmp_path_factory.mktemp("snli") / "run"
    assert smoke("snli", path)["data"]["name"] == "pairs-by-hand"
    return path


@pytest.fixture
def model():
    framework.manual_seed(3)
    return Net(framework.randn(10, 100), dropout=0.2).eval()


def test_the_networks_parameters(model):
    weights = dict(model.named_parameters())
    shapes = {name: tuple(weight.shape) for name, weight in weights.items()}
    trained = {name for name, weight in weights.items() if weight.requires_grad}
    assert set(shapes) - trained == {"embedding.weight"}
    assert shapes["encoder.weight_ih_l0"] == shapes["encoder.weight_hh_l0_reverse"] == (4 * HIDDEN, HIDDEN)
    lstm = 2 * (2 * 4 * 300 * 300 + 2 * 4 * 300)  # two directions, each: 4 gates, from input and state, with two biases
    linear = (100 + 1) * 300 + (2400 + 1) * 600 + 2 * (600 + 1) * 600 + (600 + 1) * 3
    assert sum(weights[name].numel() for name in trained) == lstm + linear == 3_638_703


def test_the_plain_network_has_the_last_states_side_by_side():
    """Forwards the last word's, backwards the first word's."""
    framework.manual_seed(3)
    model = Net(framework.randn(10, 100), dropout=0.2, plain=True).eval()
    outputs, _ = model.encoder(F.relu(model.projection(model.embedding(PREMISES[1:2, :2]))))  # (1, 2, 600), unpacked
    expected = framework.cat([outputs[0, -1, :HIDDEN], outputs[0, 0, HIDDEN:]])
    np.testing.assert_allclose(model.encode(PREMISES)[1].detach().numpy(), expected.detach().numpy(), atol=1e-6)
    shapes = [tuple(weight.shape) for weight in model.compare.parameters() if weight.ndim == 2]
    assert shapes == [(1200, 1200), (1200, 1200), (1200, 1200), (3, 1200)] and model(PREMISES, HYPOTHESES).shape == (3, 3)


def test_packed_in_a_batch_is_as_each_sentence_alone(model):
    """Padding changes nothing, however wide."""
    together = model(PREMISES, HYPOTHESES)
    assert together.shape == (3, 3)
    wider = model(F.pad(PREMISES, (0, 7)), HYPOTHESES)
    np.testing.assert_array_equal(wider.detach().numpy(), together.detach().numpy())
    for row in range(3):
        alone = [sentences[row : row + 1, : int((sentences[row] != 0).sum())] for sentences in (PREMISES, HYPOTHESES)]
        np.testing.assert_allclose(model(*alone)[0].detach().numpy(), together[row].detach().numpy(), atol=1e-5)


def test_an_encoding_is_the_largest_of_the_lstms_outputs(model):
    sentence = PREMISES[:1]
    outputs, _ = model.encoder(F.relu(model.projection(model.embedding(sentence))))  # (1, 5, 600), unpacked
    np.testing.assert_allclose(model.encode(sentence).detach().numpy(), outputs.max(1).values.detach().numpy(), atol=1e-6)


def test_a_sentence_against_itself_has_no_difference(model):
    seen = []
    model.compare.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    model(PREMISES, PREMISES)
    u, v, difference, product = seen[0].split(2 * HIDDEN, dim=1)
    assert not difference.any() and (u == v).all() and (product == u * u).all()


@pytest.mark.parity
def test_the_network_is_the_same_in_pytorch(model):
    torch = pytest.importorskip("torch")
    weights = {name: torch.from_numpy(weight.detach().numpy()) for name, weight in model.state_dict().items()}
    lstm = torch.nn.LSTM(HIDDEN, HIDDEN, batch_first=True, bidirectional=True)
    lstm.load_state_dict({name.removeprefix("encoder."): weight for name, weight in weights.items() if name.startswith("encoder.")})

    def encode(sentences):
        sentences = torch.from_numpy(sentences.numpy())
        words = torch.relu(weights["embedding.weight"][sentences] @ weights["projection.weight"].T + weights["projection.bias"])
        return torch.stack([lstm(row[ids != 0][None])[0][0].amax(0) for row, ids in zip(words, sentences, strict=True)])

    u, v = encode(PREMISES), encode(HYPOTHESES)
    hidden = torch.cat([u, v, (u - v).abs(), u * v], 1)
    for layer in (0, 3, 6):
        hidden = torch.relu(hidden @ weights[f"compare.{layer}.weight"].T + weights[f"compare.{layer}.bias"])
    expected = hidden @ weights["compare.9.weight"].T + weights["compare.9.bias"]
    np.testing.assert_allclose(model(PREMISES, HYPOTHESES).detach().numpy(), expected.detach().numpy(), atol=1e-5)


def test_answers_are_probabilities_whatever_the_batch_size(model):
    answers = [log_probabilities(model.train(), PREMISES, HYPOTHESES, size).numpy() for size in (1, 2, 3)]
    assert np.exp(answers[0]).sum(1) == pytest.approx([1, 1, 1])
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-5)
    np.testing.assert_allclose(answers[0], answers[2], atol=1e-5)


def test_scores_of_a_known_case():
    answers = framework.tensor([[0.5, 0.25, 0.25], [0.125, 0.125, 0.75], [0.25, 0.5, 0.25], [0.5, 0.25, 0.25]]).log()
    expected = {"dev_loss": (np.log(2) + np.log(8) + np.log(2) + np.log(4)) / 4, "dev_accuracy": 0.5}
    assert scores(answers, framework.tensor([0, 1, 1, 2]), "dev") == pytest.approx(expected)


def test_confusion_of_a_known_case():
    taken_for, labels = np.array([0, 2, 1, 0, 0, 2]), np.array([0, 1, 1, 2, 0, 2])
    assert confuse(taken_for, labels).tolist() == [[2, 0, 0], [0, 1, 1], [1, 0, 1]]


def test_evaluate_agrees_with_train(run, capsys):
    evaluation = evaluate_agrees("snli", run)
    out = capsys.readouterr().out
    assert "90 test pairs of pairs-by-hand: accuracy" in out and "taken for" in out
    assert np.sum(evaluation["confusion"], 1).tolist() == [30, 30, 30]
    assert np.trace(evaluation["confusion"]) == round(90 * evaluation["test_accuracy"])
    assert (run / "samples" / "confusion.png").stat().st_size > 0


def test_the_kept_weights_are_of_the_best_epoch(run):
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    results = json.loads((run / "results.json").read_text())
    assert results["metrics"]["dev_accuracy"] == max(row["dev_accuracy"] for row in rows if "dev_accuracy" in row)


def test_killed_at_random_instants_it_resumes_bit_identical(tmp_path):
    killed_it_resumes("snli", tmp_path, "--data", "builtin", "--batch-size", "16", "--epochs", "3")


def test_predict(run, capsys):
    assert call("zoo.snli", "predict", run, "A dog doesn't sleep.", "The blorft sleeps!") == 0
    *rows, unknown = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows] == ["entailment", "neutral", "contradiction"]
    assert sum(float(row.split()[1]) for row in rows) == pytest.approx(100, abs=0.2)
    assert unknown == "words it does not know: blorft"


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"words": 3, "dimensions": 4}', "\xff"])
def test_a_damaged_vocabulary_is_one_line(run, tmp_path, capsys, content):
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run" / "words.json").write_text(content, encoding="latin-1")
    refused("snli", ("predict", tmp_path / "run", "A dog.", "A cat."), "words.json", capsys)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("train", "--data", "nowhere"), "there is no such folder"),
        (("train", "--data", "snli", "--data-dir", "{empty}"), "SNLI not found in {empty}"),
        (("train", "--dropout", "1"), "--dropout 1.0: expected less than 1"),
        (("train", "--data", "builtin", "--out", "{run}"), "already holds a run"),
        (("evaluate", "{empty}"), "is not a run directory"),
        (("predict", "{empty}", "a", "b"), "is not a run directory"),
        (("predict", "{run}", "A dog.", ""), "expected a sentence, found no words"),
        (("predict", "{run}", "A dog."), "HYPOTHESIS"),
    ],
)
def test_what_users_get_wrong_is_one_line(run, tmp_path, capsys, monkeypatch, arguments, complaint):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    places = {"run": run, "empty": tmp_path / "empty"}
    refused("snli", tuple(argument.format(**places) for argument in arguments), complaint.format(**places), capsys)
    assert not (tmp_path / "runs").exists()
