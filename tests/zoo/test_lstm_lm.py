"""The language model: its perplexity against others' computations, its recipe against PyTorch, and the example as its users run it."""

import json
import math

import numpy as np
import pytest
from PIL import Image

import framework
from tests.zoo.contract import call, evaluate_agrees, killed_it_resumes, outcome, refused, smoke
from zoo.datasets import text
from zoo.lstm_lm import train
from zoo.lstm_lm.evaluate import BATCH_SIZE, LENGTH, columns, perplexity, surprises
from zoo.lstm_lm.generate import draw
from zoo.lstm_lm.model import LanguageModel

CPU = framework.device("cpu")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run directory of the smoke training."""
    path = tmp_path_factory.mktemp("lstm_lm") / "run"
    results = smoke("lstm_lm", path)
    assert results["data"]["name"] == "python-help" and results["metrics"]["test_perplexity"] < 400  # of some 2,600 words
    return path


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """A text file whose words follow one another at random but for one rule: after a number comes the next."""
    path = tmp_path_factory.mktemp("text") / "story.txt"
    draws = np.random.default_rng(0).integers(0, 20, (200, 4))
    path.write_text("\n".join(" ".join(f"n{n} n{n + 1}" for n in line) for line in draws))
    return path


# The model


def test_the_model_is_pytorchs():
    v, h = 33_278, 200
    model = LanguageModel(v, h, 0.2, tied=True)
    assert sum(parameter.numel() for parameter in model.parameters()) == v * h + v + 2 * (4 * h * 2 * h + 8 * h) == 7_332_078
    layers = [f"rnn.{part}_l{layer}" for layer in (0, 1) for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    assert list(model.state_dict()) == ["encoder.weight", *layers, "decoder.weight", "decoder.bias"]
    assert model.decoder.weight is model.encoder.weight
    scores, hidden = model(framework.tensor([[1, 2, 3], [4, 5, 6]]))
    assert scores.shape == (2, 3, v) and [each.shape for each in hidden] == [(2, 3, h)] * 2
    limit = float(np.float32(0.1))  # a little above 0.1, and one of 6.7 million numbers may round to it
    assert 0.0999 < model.encoder.weight.abs().max().item() <= limit and model.decoder.bias.abs().max().item() == 0


def test_untied_weights_are_two_and_begin_the_same_every_time():
    begun, kept = set(), []
    for size in range(40):
        kept.append(bytearray(37 * size))  # so that weights lie elsewhere in memory each time
        framework.manual_seed(0)
        kept.append(LanguageModel(11, 4, 0.0, tied=False))
        begun.add((kept[-1].encoder.weight[0, 0].item(), kept[-1].decoder.weight[0, 0].item()))
    assert len(begun) == 1 and len(set(*begun)) == 2
    assert len(list(kept[-1].parameters())) == len(list(LanguageModel(11, 4, 0.0, tied=True).parameters())) + 1


@pytest.mark.parity
@pytest.mark.parametrize("tied", [True, False])
def test_parity_of_the_model(tied):
    torch = pytest.importorskip("torch")
    ours, theirs = LanguageModel(31, 6, 0.2, tied).eval(), torch_model(torch, 31, 6, tied).eval()
    theirs.load_state_dict({name: torch.from_numpy(value.numpy()) for name, value in ours.state_dict().items()})
    words, hidden, expected_hidden = np.random.default_rng(0).integers(0, 31, (9, 4)), None, None
    for _ in range(2):  # the second time from where the first ended
        scores, hidden = ours(framework.from_numpy(words), hidden)
        expected, expected_hidden = theirs(torch.from_numpy(words), expected_hidden)
        np.testing.assert_allclose(scores.detach().numpy(), expected.detach().numpy(), atol=1e-5)


def torch_model(torch, vocabulary, hidden, tied):
    """The model of PyTorch's example, in PyTorch, without dropout."""

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = torch.nn.Embedding(vocabulary, hidden)
            self.rnn = torch.nn.LSTM(hidden, hidden, 2)
            self.decoder = torch.nn.Linear(hidden, vocabulary)
            if tied:
                self.decoder.weight = self.encoder.weight

        def forward(self, words, state=None):
            x, state = self.rnn(self.encoder(words), state)
            return self.decoder(x), state

    return Model()


# The metric


def test_columns_are_read_downwards():
    assert columns(np.arange(11), 3).tolist() == [[0, 3, 6], [1, 4, 7], [2, 5, 8]]


def without_knowledge(vocabulary: int) -> LanguageModel:
    """A model that holds all words equally probable, whatever it has read."""
    model = LanguageModel(vocabulary, 4, 0.2, tied=False)
    for parameter in model.parameters():
        framework.nn.init.zeros_(parameter)
    return model


@pytest.mark.parametrize("length", [2, 3, 19, 25, 350, 1234])
def test_perplexity_of_no_knowledge_is_the_size_of_the_vocabulary(length):
    words = np.random.default_rng(0).integers(0, 17, length)
    found = surprises(without_knowledge(17), words, CPU)
    assert found.numel() == (length // min(BATCH_SIZE, length // 2) - 1) * min(BATCH_SIZE, length // 2)
    assert perplexity(found) == pytest.approx(17, rel=1e-6)


def test_perplexity_of_word_frequencies_is_their_entropy():
    """Every word counts once, those of a shorter last segment too: so much does their exact mean show."""
    words = np.random.default_rng(0).geometric(0.3, 10 * (2 * LENGTH + 4)).clip(max=12) - 1  # the last segment holds 3 × 10
    words[[LENGTH * 2 + 1, LENGTH * 2 + 2]] = 12  # a rare word in it
    probability = np.bincount(words, minlength=13) / len(words)
    model = without_knowledge(13)
    with framework.no_grad():
        model.decoder.bias.copy_(framework.tensor(np.log(probability), dtype=framework.float32))
    scored = words.reshape(10, -1)[:, 1:]  # all but the first word of each column
    assert perplexity(surprises(model, words, CPU)) == pytest.approx(math.exp(-np.log(probability[scored]).mean()), rel=1e-6)


def test_perplexity_against_an_lstm_in_numpy():
    """In float64, word by word, each column alone from its beginning to its end."""
    framework.manual_seed(3)
    model = LanguageModel(13, 5, 0.5, tied=True)
    for parameter in model.parameters():
        framework.nn.init.uniform_(parameter, -1, 1)
    weights = {name: value.numpy().astype(np.float64) for name, value in model.state_dict().items()}
    words = np.random.default_rng(1).integers(0, 13, BATCH_SIZE * 83 + 4)  # 82 to score: two segments and 12 words; 4 left over
    expected = np.empty((82, BATCH_SIZE))
    for column, piece in enumerate(words[: BATCH_SIZE * 83].reshape(BATCH_SIZE, 83)):
        state = [(np.zeros(5), np.zeros(5)), (np.zeros(5), np.zeros(5))]
        for t in range(82):
            x = weights["encoder.weight"][piece[t]]
            for layer in (0, 1):
                h, c = state[layer]
                wi, wh, bi, bh = (weights[f"rnn.{part}_l{layer}"] for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
                i, f, g, o = np.split(wi @ x + bi + wh @ h + bh, 4)
                c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
                x = np.tanh(c) / (1 + np.exp(-o))
                state[layer] = x, c
            scores = weights["decoder.weight"] @ x + weights["decoder.bias"]
            expected[t, column] = np.log(np.exp(scores).sum()) - scores[piece[t + 1]]
    found = surprises(model, words, CPU)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4, atol=1e-5)
    assert perplexity(found) == pytest.approx(math.exp(expected.mean()), rel=1e-6)


# The recipe


def rows(run, column):
    return [row[column] for row in map(json.loads, (run / "metrics.jsonl").read_text().splitlines()) if column in row]


@pytest.mark.parity
def test_parity_of_the_recipe(tmp_path, monkeypatch):
    """Every step's loss, every epoch's, and the rate, as a loop written in PyTorch has them, on a text that is soon overlearned."""
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(0)
    (tmp_path / "text.txt").write_text("\n".join(" ".join(f"w{n}" for n in line) for line in random.integers(0, 9, (60, 9))))
    monkeypatch.setattr(train, "LOG_EVERY", 1)
    begun = {}
    monkeypatch.setattr(train, "LanguageModel", lambda *a, **k: begun.setdefault("model", LanguageModel(*a, **k)))
    initial = {}
    sgd = train.optim.SGD

    def watched(*a, **k):  # made when the weights are as they begin
        initial.update({name: value.numpy().copy() for name, value in begun["model"].state_dict().items()})
        return begun.setdefault("optimizer", sgd(*a, **k))

    monkeypatch.setattr(train.optim, "SGD", watched)
    flags = ("--hidden", 7, "--dropout", 0, "--epochs", 9, "--batch-size", 4, "--bptt", 10)
    assert call("zoo.lstm_lm", "train", "--text", tmp_path / "text.txt", *flags, "--out", tmp_path / "run") == 0

    corpus = text.load(str(tmp_path / "text.txt"))
    model = torch_model(torch, len(corpus.vocabulary), 7, tied=True).double()
    model.load_state_dict({name: torch.from_numpy(value) for name, value in initial.items()})

    def in_columns(words, count):
        return torch.from_numpy(words[: len(words) // count * count]).view(count, -1).t()

    words, valid, rate = in_columns(corpus.train, 4), in_columns(corpus.valid, 10), 20.0
    losses, valid_losses, rates, best, best_weights = [], [], [], math.inf, None
    for _ in range(9):
        state = None
        for start in range(0, len(words) - 1, 10):
            length = min(10, len(words) - 1 - start)
            model.zero_grad()
            scores, state = model(words[start : start + length], state)
            state = tuple(each.detach() for each in state)
            loss = torch.nn.functional.cross_entropy(scores.flatten(0, 1), words[start + 1 : start + 1 + length].flatten())
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 0.25)
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter -= rate * parameter.grad
            losses.append(loss.item())
        with torch.no_grad():
            valid_losses.append(torch.nn.functional.cross_entropy(model(valid[:-1])[0].flatten(0, 1), valid[1:].flatten()).item())
        rate = rate if valid_losses[-1] < best - 0.05 else rate / 4
        if valid_losses[-1] < best:
            best, best_weights = valid_losses[-1], {name: value.clone() for name, value in model.state_dict().items()}
        else:
            model.load_state_dict(best_weights)
        rates.append(rate)

    assert rates[-1] < 20 == rates[0]  # both ways were gone
    np.testing.assert_allclose(rows(tmp_path / "run", "train_loss"), losses, rtol=2e-3)
    np.testing.assert_allclose(rows(tmp_path / "run", "valid_loss"), valid_losses, rtol=2e-3)
    assert begun["optimizer"].param_groups[0]["lr"] == rates[-1]


def test_a_text_that_repeats_itself_holds_no_surprise(tmp_path):
    """Eleven equally frequent words, each known from the one before: from a perplexity of eleven to one."""
    (tmp_path / "round.txt").write_text("one two three four five six seven eight nine ten\n" * 120)
    flags = ("--text", tmp_path / "round.txt", "--hidden", 24, "--dropout", 0, "--batch-size", 5, "--bptt", 12, "--epochs", 8)
    assert call("zoo.lstm_lm", "train", *flags, "--out", tmp_path / "run") == 0
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert (results["data"]["name"], results["data"]["origin"]) == ("round", "user folder")
    assert 1 <= results["metrics"]["test_perplexity"] < 1.2
    assert results["metrics"]["valid_perplexity"] == pytest.approx(math.exp(min(rows(tmp_path / "run", "valid_loss"))), rel=1e-12)
    evaluate_agrees("lstm_lm", tmp_path / "run")


def test_killed_at_random_instants_it_resumes_bit_identical(story, tmp_path):
    """Over several epochs, and rates, as the text is small."""
    flags = ("--hidden", 32, "--batch-size", 4, "--bptt", 6, "--epochs", 8)
    killed_it_resumes("lstm_lm", tmp_path, "--text", story, *flags)


def test_a_run_cut_short_within_an_epoch_reads_on_from_there(story, tmp_path):
    flags = ("train", "--text", story, "--hidden", 8, "--batch-size", 5, "--bptt", 12)
    assert call("zoo.lstm_lm", *flags, "--max-steps", 8, "--out", tmp_path / "whole") == 0
    assert call("zoo.lstm_lm", *flags, "--max-steps", 3, "--out", tmp_path / "cut") == 0
    assert call("zoo.lstm_lm", *flags, "--max-steps", 8, "--out", tmp_path / "cut", "--resume") == 0
    assert outcome(tmp_path / "cut")[0] == outcome(tmp_path / "whole")[0]


# The verbs


def test_evaluate_agrees_with_train(run, capsys):
    evaluation = evaluate_agrees("lstm_lm", run)
    assert f"{evaluation['words']:,} words of python-help's test text: perplexity " in capsys.readouterr().out
    length = len(text.load("builtin").test) // BATCH_SIZE
    assert evaluation["words"] == (length - 1) * BATCH_SIZE
    with Image.open(run / "samples" / "surprise.png") as picture:
        assert picture.size[0] == 990 and len(picture.convert("RGB").getcolors(1 << 20)) > 50


def test_a_very_short_text_is_evaluated_too(tmp_path):
    (tmp_path / "short.txt").write_text("a b c\n" * 20)
    flags = ("--text", tmp_path / "short.txt", "--hidden", 4, "--epochs", 1)
    assert call("zoo.lstm_lm", "train", *flags, "--out", tmp_path / "run") == 0
    assert evaluate_agrees("lstm_lm", tmp_path / "run")["words"] == 2  # of four: the first in each of two columns stands alone


def test_generate_goes_on_from_the_prompt(run, capsys):
    def generated(*flags):
        assert call("zoo.lstm_lm", "generate", run, "--words", 30, *flags) == 0
        return capsys.readouterr().out

    capsys.readouterr()
    first = generated("--prompt", "If the class is", "--seed", 4)
    assert first.startswith("If the class is") and first == generated("--prompt", "If the class is", "--seed", 4)
    assert first != generated("--prompt", "If the class is", "--seed", 5)
    assert text.UNKNOWN not in first and text.END not in first
    sure = generated("--temperature", 0)
    assert sure == generated("--top-k", 1, "--seed", 7) == generated("--temperature", 1e-9, "--seed", 8)


def test_generate_is_the_model_s_own_choice(run, capsys):
    """The most probable words, against the model asked anew for every word, without what it remembers."""
    assert call("zoo.lstm_lm", "generate", run, "--words", 4, "--temperature", 0, "--prompt", "The value") == 0
    corpus = text.load("builtin")
    model = LanguageModel(len(corpus.vocabulary), 50, 0.2, tied=True).eval()
    model.load_state_dict(framework.load(run / "model.safetensors"))
    said = [corpus.vocabulary.index(word) for word in ("The", "value")]
    for _ in range(4):
        scores = model(framework.tensor(said).unsqueeze(1))[0][-1, 0].detach().numpy().copy()
        scores[corpus.vocabulary.index(text.UNKNOWN)] = -np.inf
        said.append(int(scores.argmax()))
    written = [corpus.vocabulary[word] for word in said]
    assert capsys.readouterr().out.split() == [word for word in written if word != text.END]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("top_k", [0, 3, 100])
def test_draws_have_the_probabilities_of_the_model(temperature, top_k):
    scores = framework.tensor([0.5, 2.0, -1.0, 9.0, 1.0, 0.0])
    odds = np.exp(np.array(scores.tolist()) / temperature)
    odds[3] = 0  # the forbidden one, although the most probable
    if top_k == 3:
        odds[[2, 5]] = 0  # 1, 4 and 0 are the three most probable of the rest
    framework.manual_seed(0)
    found = np.bincount([draw(scores, temperature, top_k, forbidden=3) for _ in range(2000)], minlength=6) / 2000
    expected = odds / odds.sum()
    assert (found[expected == 0] == 0).all()
    np.testing.assert_allclose(found, expected, atol=4 * 0.5 / math.sqrt(2000))
    assert scores[3].item() == 9.0  # as it was


def test_a_prompt_is_cut_as_the_text_was(tmp_path, capsys):
    folder = tmp_path / "abbreviated"
    folder.mkdir()
    for part in text.PARTS:
        (folder / f"{part}.txt").write_text("the U.S. end .\n" * 12)
    flags = ("--data", folder, "--hidden", 4, "--epochs", 1)
    assert call("zoo.lstm_lm", "train", *flags, "--batch-size", 4, "--out", tmp_path / "run") == 0
    capsys.readouterr()
    assert call("zoo.lstm_lm", "generate", tmp_path / "run", "--prompt", "the U.S. end.", "--words", 1) == 0
    assert capsys.readouterr().out.startswith("the U.S. end .")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("train", "--data", "nowhere"), "--data nowhere: expected auto, wikitext-2, builtin, a folder or a text file"),
        (("train", "--text", "nowhere.txt"), "there is no such file"),
        (("train", "--data", "wikitext-2", "--data-dir", "{empty}"), "WikiText-2 not found"),
        (("train", "--text", "{story}", "--batch-size", "9999"), "words to train on are too few for 9999"),
        (("train", "--data", "builtin", "--bptt", "0"), "--bptt 0: expected one or more"),
        (("train", "--data", "builtin", "--hidden", "0"), "--hidden 0: expected one or more"),
        (("train", "--data", "builtin", "--dropout", "1"), "--dropout 1.0: expected less than 1"),
        (("evaluate", "{empty}"), "{empty} is not a run directory"),
        (("generate", "{run}", "--prompt", "The xyzzy plugh"), "--prompt: xyzzy, plugh not among the "),
        (("generate", "{run}", "--prompt", " "), "expected one word or more"),
        (("generate", "{run}", "--words", "0"), "--words of one or more"),
        (("generate", "{run}", "--temperature", "-1"), "--temperature and --top-k of zero or more"),
        (("generate", "{run}", "--temperature", "nan"), "--temperature and --top-k of zero or more"),
    ],
)
def test_what_users_get_wrong_is_one_line(run, story, tmp_path, capsys, monkeypatch, arguments, complaint):
    monkeypatch.chdir(tmp_path)
    places = {"run": run, "story": story, "empty": tmp_path}
    refused("lstm_lm", [argument.format(**places) for argument in arguments], complaint.format(**places), capsys)
    assert not (tmp_path / "runs").exists()


def test_a_training_that_diverges_says_so(story, tmp_path, capsys):
    assert call("zoo.lstm_lm", "train", "--text", story, "--lr", "1e9", "--max-steps", 5, "--out", tmp_path) == 1
    assert capsys.readouterr().err.splitlines()[-1].endswith("the training has diverged, try a smaller --lr")
    assert not (tmp_path / "results.json").exists()


def test_a_text_file_is_found_again_from_elsewhere(story, tmp_path, monkeypatch):
    monkeypatch.chdir(story.parent)
    flags = ("--hidden", 4, "--max-steps", 1, "--out", tmp_path / "run")
    assert call("zoo.lstm_lm", "train", "--text", story.name, *flags) == 0
    monkeypatch.chdir(tmp_path)
    assert call("zoo.lstm_lm", "evaluate", tmp_path / "run") == 0
