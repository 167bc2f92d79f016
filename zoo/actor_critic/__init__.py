"""A pole balanced on a cart, by a network that learns from falling: actor and critic."""

from zoo.common.published import Published

PAPER = "Sutton, McAllester, Singh, Mansour: Policy gradient methods for reinforcement learning with function approximation (1999)"
# How each is written; the first is the one to compare
METRICS = {"test_return": "{:.1f}", "test_least": "{:.0f}", "test_lasting": "{:.0%}", "train_episodes": "{:.0f}"}
PUBLISHED = (
    Published(
        metric="test_return",
        value=500.0,
        data="CartPole-v1",
        source="A2C, one run of 500,000 steps, deterministic policy, 300 episodes: DLR-RM/rl-baselines3-zoo, benchmark.md",
    ),
)
