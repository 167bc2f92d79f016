"""The command line of this example: python -m zoo.resnet VERB …"""

import zoo.resnet
from zoo.common.cli import main
from zoo.common.flags import DataDir
from zoo.datasets import cifar
from zoo.resnet.evaluate import evaluate
from zoo.resnet.predict import predict
from zoo.resnet.train import train


def download(*, data_dir: DataDir = None) -> None:
    """Fetch CIFAR-10: 50,000 + 10,000 images, 170 MB."""
    print(f"CIFAR-10 is in {cifar.download(data_dir)}")


verbs = {"download": download, "train": train, "evaluate": evaluate, "predict": predict}
main("zoo.resnet", zoo.resnet.__doc__, verbs)
