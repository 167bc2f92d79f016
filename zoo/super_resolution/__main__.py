"""The command line of this example: python -m zoo.super_resolution VERB …"""

import zoo.super_resolution
from zoo.common.cli import main
from zoo.common.flags import DataDir
from zoo.datasets import photographs
from zoo.super_resolution.evaluate import evaluate
from zoo.super_resolution.train import train
from zoo.super_resolution.upscale import upscale


def download(*, data_dir: DataDir = None) -> None:
    """Fetch BSDS300: 200 + 100 photographs, 22 MB."""
    print(f"BSDS300 is in {photographs.download(data_dir)}")


verbs = {"download": download, "train": train, "evaluate": evaluate, "upscale": upscale}
main("zoo.super_resolution", zoo.super_resolution.__doc__, verbs)
