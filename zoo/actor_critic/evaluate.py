"""Evaluation: how long the pole stands when the actor leaves nothing to chance."""

from functools import partial

import gymnasium
from rich.console import Console

import framework
from framework import Tensor
from zoo.actor_critic import world
from zoo.actor_critic.model import ActorCritic
from zoo.common.flags import DataDir, Device, RunDirectory, find_device
from zoo.common.run import load_weights, reopen, write_json

EPISODES = 100
FRESH = 2**32  # a seed that no training has: those are smaller


def greedy(model: ActorCritic, state: Tensor) -> Tensor:
    """The action that the actor prefers."""
    return model(state)[0].argmax()


def scores(model: ActorCritic, device: framework.device, episodes: int = EPISODES) -> dict[str, float]:
    """The return, which is the number of steps, of episodes that no training sees: its mean, the least, the share that last."""
    with gymnasium.make(world.NAME) as environment, framework.no_grad():
        policy = partial(greedy, model)
        stood = [len(world.play(environment, policy, (FRESH, number), device).rewards) for number in range(episodes)]
    return {
        "test_return": sum(stood) / episodes,
        "test_least": min(stood),
        "test_lasting": sum(steps == world.LONGEST for steps in stood) / episodes,
    }


def evaluate(run: RunDirectory, *, device: Device = "cpu", data_dir: DataDir = None) -> None:
    """Let the actor of a run play a hundred fresh episodes without chance."""
    reopen(run, "actor_critic", world.load, data_dir)
    target = find_device(device)
    model = ActorCritic().to(target)
    load_weights(run, model)
    figures = scores(model, target)
    write_json(run / "evaluation.json", {"data": world.NAME, **figures})
    mean, least, lasting = figures.values()
    found = f"return {mean:.1f} on average, {least} at least; {lasting:.0%} lasted until the clock ran out"
    Console().print(f"{EPISODES} fresh episodes of {world.NAME}: {found}", soft_wrap=True)
