"""The command line of this example: python -m zoo.vae VERB …"""

import zoo.vae
from zoo.common.cli import main
from zoo.common.flags import DataDir
from zoo.datasets import mnist
from zoo.vae.evaluate import evaluate
from zoo.vae.sample import sample
from zoo.vae.train import train


def download(*, data_dir: DataDir = None) -> None:
    """Fetch the full MNIST: 60,000 + 10,000 digits, 11 MB."""
    print(f"MNIST is in {mnist.download(data_dir)}")


verbs = {"download": download, "train": train, "evaluate": evaluate, "sample": sample}
main("zoo.vae", zoo.vae.__doc__, verbs)
