"""Actor and critic: the return and its end, the world's episodes, and the example as its users run it."""

import shutil

import gymnasium
import numpy as np
import pytest
from PIL import Image

import framework
from tests.zoo.contract import call, evaluate_agrees, killed_it_resumes, refused, smoke
from zoo.actor_critic import world
from zoo.actor_critic.evaluate import EPISODES, TEST, VALID, scores
from zoo.actor_critic.model import ActorCritic
from zoo.actor_critic.train import returns

CPU = framework.device("cpu")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("actor_critic") / "run"
    assert smoke("actor_critic", path)["data"]["name"] == "CartPole-v1"
    return path


@pytest.fixture
def environment():
    with gymnasium.make(world.NAME) as environment:
        yield environment


def test_the_network_is_pytorchs():
    model = ActorCritic()
    assert sum(parameter.numel() for parameter in model.parameters()) == 4 * 128 + 128 + 2 * 128 + 2 + 128 + 1 == 1027
    preferences, forecast = model(framework.zeros(5, 4))
    assert preferences.shape == (5, 2) and forecast.shape == (5,)
    assert model(framework.zeros(4))[1].shape == ()


@pytest.mark.parametrize("beyond", [0.0, 7.5])
def test_returns_are_discounted_sums_and_go_on_beyond_a_cut(beyond):
    rewards = np.random.default_rng(0).normal(size=6)
    expected = [sum(0.9 ** (k - t) * rewards[k] for k in range(t, 6)) + 0.9 ** (6 - t) * beyond for t in range(6)]
    found = returns(framework.tensor(rewards), 0.9, framework.tensor(beyond, dtype=framework.float64))
    assert found.tolist() == pytest.approx(expected)


def test_an_episode_ends_where_the_pole_falls(environment):
    episode = world.play(environment, lambda state: framework.tensor(1), (3,), CPU)  # always to the right
    t = len(episode.rewards)
    assert episode.terminated and 8 <= t <= 11
    assert episode.states.shape == (t, 4) and episode.actions.tolist() == [1] * t and episode.rewards.tolist() == [1.0] * t
    assert abs(episode.final[2].item()) > 12 * np.pi / 180 > episode.states[:, 2].abs().max().item()  # where CartPole calls it fallen


def test_an_episode_that_outlasts_the_clock_is_cut_not_ended(environment):
    def balance(state):  # push to where the pole falls and drifts: stands for ever
        return (state[2] + 0.5 * state[3] + 0.05 * state[0] + 0.1 * state[1] > 0).long()

    episode = world.play(environment, balance, (0,), CPU)
    assert len(episode.rewards) == world.LONGEST and not episode.terminated


def test_an_episode_is_a_function_of_its_seed(environment):
    first, again, other = (world.play(environment, lambda state: (state[2] > 0).long(), seed, CPU) for seed in [(1, 2), (1, 2), (2, 1)])
    assert first.states.tolist() == again.states.tolist() and first.states[0].tolist() != other.states[0].tolist()


def test_scores_are_of_an_actor_without_chance():
    model = ActorCritic()
    for parameter in model.parameters():
        framework.nn.init.zeros_(parameter)
    framework.nn.init.constant_(model.action_head.bias[1:], 1e-3)  # prefers the right by a hair
    found = scores(model, CPU, TEST)
    assert found["least"] in (8, 9) and 8.5 < found["return"] < 10.5 and found["lasting"] == 0
    assert scores(model, CPU, TEST) == found != scores(model, CPU, VALID)


def test_evaluate_agrees_with_train(run, capsys):
    evaluation = evaluate_agrees("actor_critic", run)
    assert f"{EPISODES} fresh episodes of CartPole-v1" in capsys.readouterr().out
    assert evaluation["test_return"] > 30  # without learning it stands 9 or 10 steps


def test_killed_at_random_instants_it_resumes_bit_identical(tmp_path):
    killed_it_resumes("actor_critic", tmp_path, "--max-steps", 100)


def test_play_draws_an_episode(run, capsys):
    assert call("zoo.actor_critic", "play", run) == 0
    steps = int(capsys.readouterr().out.split()[2])
    with Image.open(run / "samples" / "episode.gif") as picture:
        assert 1 <= picture.n_frames <= -(-steps // 2)  # equal frames may be merged
        assert picture.info["duration"] % 40 == 0 and picture.size == (360, 150)


def test_compare_draws_the_curve_of_several_runs(run, tmp_path):
    assert call("zoo.actor_critic", "compare", run, run, "--picture", tmp_path / "returns.png") == 0
    with Image.open(tmp_path / "returns.png") as picture:
        assert picture.size[0] > 500


def test_compare_does_without_a_row_that_was_cut_off(run, tmp_path, capsys):
    shutil.copytree(run, tmp_path / "cut")
    rows = (run / "metrics.jsonl").read_text()
    (tmp_path / "cut" / "metrics.jsonl").write_text(rows[:-20])
    assert call("zoo.actor_critic", "compare", tmp_path / "cut", "--picture", tmp_path / "returns.png") == 0
    (tmp_path / "cut" / "metrics.jsonl").write_text(rows[20:])
    refused("actor_critic", ("compare", tmp_path / "cut"), "metrics.jsonl holds rows that are no objects", capsys)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("train", "--data", "Acrobot-v1"), "--data Acrobot-v1: expected auto or CartPole-v1"),
        (("train", "--lr", "-1"), "--lr -1.0: expected zero or more"),
        (("play", "nowhere"), "not a run directory"),
        (("play", "nowhere", "--seed", "-1"), "--seed -1: expected zero or more"),
        (("compare",), "which runs?"),
        (("evaluate", "nowhere"), "not a run directory"),
    ],
)
def test_what_users_get_wrong_is_one_line(arguments, complaint, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused("actor_critic", arguments, complaint, capsys)


def test_there_is_nothing_to_download(capsys):
    assert call("zoo.actor_critic", "download") == 0
    assert "nothing to download" in capsys.readouterr().out
