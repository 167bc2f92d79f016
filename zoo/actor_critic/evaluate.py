"""Evaluation: how long the pole stands when the actor leaves nothing to chance."""

from functools import partial

import gymnasium
from rich.console import Console

import framework
from framework import Tensor
from zoo.actor_critic import world
from zoo.actor_critic.model import ActorCritic
from zoo.common.files import write_json
from zoo.common.flags import DataDir, Device, RunDirectory, find_device
from zoo.common.run import load_weights, reopen

EPISODES = 100
VALID, TEST = 2**32, 2**33  # where the seeds of episodes begin that are to stop the training, and to score it: all training's are smaller


def greedy(model: ActorCritic, state: Tensor) -> Tensor:
    """The action that the actor prefers."""
    return model(state)[0].argmax()


def scores(model: ActorCritic, device: framework.device, seed: int) -> dict[str, float]:
    """The return, which is the number of steps, of a hundred episodes without chance: the mean, the least, and the share that last."""
    with gymnasium.make(world.NAME) as environment, framework.no_grad():
        policy = partial(greedy, model)
        stood = [len(world.play(environment, policy, (seed, number), device).rewards) for number in range(EPISODES)]
    return {"return": sum(stood) / EPISODES, "least": min(stood), "lasting": sum(steps == world.LONGEST for steps in stood) / EPISODES}


def evaluate(run: RunDirectory, *, device: Device = "cpu", data_dir: DataDir = None) -> None:
    """Let the actor of a run play a hundred fresh episodes without chance."""
    reopen(run, "actor_critic", world.load, data_dir)
    target = find_device(device)
    model = ActorCritic().to(target)
    load_weights(run, model)
    figures = {f"test_{name}": value for name, value in scores(model, target, TEST).items()}
    write_json(run / "evaluation.json", {"data": world.NAME, **figures})
    mean, least, lasting = figures.values()
    found = f"return {mean:.1f} on average, {least} at least; {lasting:.0%} lasted until the clock ran out"
    Console().print(f"{EPISODES} fresh episodes of {world.NAME}: {found}", soft_wrap=True)
