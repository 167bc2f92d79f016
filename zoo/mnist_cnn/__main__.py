"""The command line of this example: python -m zoo.mnist_cnn VERB …"""

import zoo.mnist_cnn
from zoo.common.cli import main
from zoo.common.flags import DataDir
from zoo.datasets import mnist
from zoo.mnist_cnn.evaluate import evaluate
from zoo.mnist_cnn.predict import predict
from zoo.mnist_cnn.train import train


def download(*, data_dir: DataDir = None) -> None:
    """Fetch the full MNIST: 60,000 + 10,000 digits, 11 MB."""
    print(f"MNIST is in {mnist.download(data_dir)}")


verbs = {"download": download, "train": train, "evaluate": evaluate, "predict": predict}
main("zoo.mnist_cnn", zoo.mnist_cnn.__doc__, verbs)
