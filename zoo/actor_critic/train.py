"""Training: after every episode a step of Adam, towards actions that went better than the critic had forecast."""

from dataclasses import dataclass

import gymnasium

import framework
import framework.nn.functional as F
from framework import Tensor, optim
from framework.distributions import Categorical
from zoo.actor_critic import world
from zoo.actor_critic.evaluate import TEST, VALID, scores
from zoo.actor_critic.model import ActorCritic
from zoo.common.checkpoint import Checkpoint
from zoo.common.flags import TrainFlags, find_device
from zoo.common.progress import Progress
from zoo.common.run import Run

EPISODES_AN_EPOCH = 50


@dataclass(frozen=True, kw_only=True)
class Config(TrainFlags):
    """The recipe of PyTorch's example, with a learning rate that falls."""

    data: str = "auto"
    """Only CartPole-v1 is there: auto, builtin and its name are the same."""
    epochs: int = 30
    """At most so many times fifty episodes; it stops when, after two in a row, it balances a hundred times without chance."""
    lr: float = 5e-3
    """Adam's learning rate in the first episode; it falls linearly, to zero in the last."""
    gamma: float = 0.99
    """Discount: what a reward is worth a step later."""
    entropy: float = 0.01
    """Weight of the entropy, which keeps the actor from being sure too soon."""


def returns(rewards: Tensor, gamma: float, beyond: Tensor) -> Tensor:
    """G[t] = r[t] + γ G[t + 1] of every step (T,), where after the last one G is ``beyond``.

    Nothing is to come where the pole fell. Where the clock ran out it would have gone on: there the critic's forecast
    stands for the rest (Pardo et al., Time limits in reinforcement learning, 2018).
    """
    found = [beyond]
    for reward in rewards.flip(0):
        found.append(reward + gamma * found[-1])
    return framework.stack(found[:0:-1])


def train(config: Config) -> None:
    """Learn to balance a pole on a cart, from nothing but how long it stood."""
    config = config.shortened(max_steps=250)
    device = find_device(config.device)
    data = world.load(config.data)
    run = Run("actor_critic", config, data)

    # data: what it does itself
    environment = gymnasium.make(data.name)

    # model
    framework.manual_seed(config.seed)
    model = ActorCritic().to(device)
    optimizer = optim.Adam(model.parameters(), lr=config.lr)
    steps = min(config.epochs * EPISODES_AN_EPOCH, config.max_steps or float("inf"))
    scheduler = optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / (config.epochs * EPISODES_AN_EPOCH))

    @config.compiled  # an episode's update is not recorded: each is of another length
    def by_chance(state: Tensor) -> Tensor:
        return Categorical(logits=model(state)[0]).sample()

    # loop
    checkpoint = Checkpoint(run, model=model, optimizer=optimizer, scheduler=scheduler)
    at = checkpoint.restore(step=0, lasting=0)
    print(f"learning {data.name} in {steps - at.step} episodes at most on {device}, into {run.path}")
    with Progress(steps, at.step) as progress:
        while at.step < steps and at.lasting < 2:
            checkpoint.save_if_due(at)
            with framework.no_grad():
                episode = world.play(environment, by_chance, (config.seed, at.step), device)
                beyond = framework.zeros((), device=device) if episode.terminated else model(episode.final)[1]
                earned = returns(episode.rewards, config.gamma, beyond)  # (T,)
            logits, forecast = model(episode.states)  # (T, 2), (T,)
            surprise = earned - forecast.detach()  # (T,): how much better it went,
            surprise = (surprise - surprise.mean()) / (surprise.std(correction=0) + 1e-6)  # than at the episode's other steps
            policy = Categorical(logits=logits)
            actor_loss = -(policy.log_prob(episode.actions) * surprise).mean()
            critic_loss = F.smooth_l1_loss(forecast, earned)
            optimizer.zero_grad()
            (actor_loss + critic_loss - config.entropy * policy.entropy().mean()).backward()
            optimizer.step()
            scheduler.step()
            at.step += 1
            stood = len(episode.rewards)
            epoch = (at.step - 1) // EPISODES_AN_EPOCH
            run.log(epoch=epoch, step=at.step, train_return=stood, train_shortfall=world.LONGEST - stood, critic_loss=critic_loss.item())
            progress.update(at.step, critic_loss.item())
            if at.step % EPISODES_AN_EPOCH == 0 or at.step == steps:
                valid = scores(model, device, VALID)
                at.lasting = at.lasting + 1 if valid["lasting"] == 1 else 0  # epochs in a row
                run.log(epoch=epoch, step=at.step, valid_return=valid["return"])
                progress.say(f"epoch {epoch + 1}/{config.epochs}  without chance it stood {valid['return']:.1f} steps")
                checkpoint.save(at)

    metrics = {f"test_{name}": value for name, value in scores(model, device, TEST).items()}
    run.finish(model, {**metrics, "train_episodes": at.step}, falling="train_shortfall", then=["play"])
