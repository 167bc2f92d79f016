"""The command line of this example: python -m zoo.dcgan VERB …"""

import zoo.dcgan
from zoo.common.cli import main
from zoo.common.flags import DataDir
from zoo.datasets import mnist
from zoo.dcgan.evaluate import evaluate
from zoo.dcgan.sample import sample
from zoo.dcgan.train import train


def download(*, data_dir: DataDir = None) -> None:
    """Fetch the full MNIST: 60,000 + 10,000 digits, 11 MB."""
    print(f"MNIST is in {mnist.download(data_dir)}")


verbs = {"download": download, "train": train, "evaluate": evaluate, "sample": sample}
main("zoo.dcgan", zoo.dcgan.__doc__, verbs)
