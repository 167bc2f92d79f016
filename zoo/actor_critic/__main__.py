"""The command line of this example: python -m zoo.actor_critic VERB …"""

import zoo.actor_critic
from zoo.actor_critic.evaluate import evaluate
from zoo.actor_critic.play import compare, play
from zoo.actor_critic.train import train
from zoo.common.cli import main
from zoo.common.flags import DataDir


def download(*, data_dir: DataDir = None) -> None:
    """Nothing: the world is a program, and comes with gymnasium."""
    print("nothing to download: CartPole-v1 comes with gymnasium")


verbs = {"download": download, "train": train, "evaluate": evaluate, "play": play, "compare": compare}
main("zoo.actor_critic", zoo.actor_critic.__doc__, verbs)
