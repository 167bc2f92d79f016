"""The command line of this example: python -m zoo.style_transfer VERB …"""

from typing import Literal

import zoo.style_transfer
from zoo.common.cli import main
from zoo.common.flags import DataDir
from zoo.datasets import photographs
from zoo.style_transfer.evaluate import evaluate
from zoo.style_transfer.features import download as download_weights
from zoo.style_transfer.stylize import stylize
from zoo.style_transfer.train import train


def download(*, features: Literal["squeezenet", "vgg16"] = "squeezenet", data_dir: DataDir = None) -> None:
    """Fetch BSDS300, 22 MB, and the weights of a network that sees: SqueezeNet's, 5 MB, or VGG16's, 528 MB."""
    print(f"BSDS300 is in {photographs.download(data_dir)}")
    print(f"the weights of {features} are {download_weights(features, data_dir)}")


verbs = {"download": download, "train": train, "evaluate": evaluate, "stylize": stylize}
main("zoo.style_transfer", zoo.style_transfer.__doc__, verbs)
