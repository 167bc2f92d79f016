"""The world: gymnasium's CartPole-v1, an episode at a time, every episode a pure function of its number and the policy."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import gymnasium
import numpy as np

import framework
from framework import Tensor
from zoo.common.batches import mixed
from zoo.common.errors import UserError

NAME = "CartPole-v1"
LONGEST = 500  # steps: then an episode is cut off, though the pole still stands


@dataclass(frozen=True)
class World:
    """What a run records of the world it learned in: the sha256 is of the first situations of a hundred episodes."""

    name: str
    sha256: str
    origin: str = "generated"


@dataclass(frozen=True)
class Episode:
    """What was seen, done and earned at T steps, the situation after them, and whether it was the end of the world."""

    states: Tensor  # (T, 4) float32: the cart's place and speed, the pole's angle and speed
    actions: Tensor  # (T,) int64: 0 pushes to the left, 1 to the right
    rewards: Tensor  # (T,): 1 for every step
    final: Tensor  # (4,)
    terminated: bool  # the pole fell or the cart left the track; else the clock ran out


def load(data: str = "auto", data_dir: Path | None = None) -> World:
    """The world to learn in; UserError for another than CartPole-v1."""
    if data not in ("auto", NAME, "builtin"):
        raise UserError(f"--data {data}: expected auto or {NAME}")
    with gymnasium.make(NAME) as environment:
        starts = np.stack([environment.reset(seed=seed)[0] for seed in range(100)])
    return World(NAME, hashlib.sha256(starts.tobytes()).hexdigest())


def play(environment: gymnasium.Env, policy: Callable[[Tensor], Tensor], seed: tuple[int, ...], device: framework.device) -> Episode:
    """Let ``policy``, from a situation (4,) to an action (), play one episode from the start that ``seed`` draws."""
    state, _ = environment.reset(seed=mixed(*seed))
    states, actions, rewards = [], [], []
    terminated = truncated = False
    while not (terminated or truncated):
        states.append(state)
        actions.append(policy(framework.tensor(state, device=device)).item())
        state, reward, terminated, truncated, _ = environment.step(actions[-1])
        rewards.append(reward)
    return Episode(
        framework.tensor(np.stack(states), device=device),
        framework.tensor(actions, device=device),
        framework.tensor(rewards, dtype=framework.float32, device=device),
        framework.tensor(state, device=device),
        terminated,
    )
