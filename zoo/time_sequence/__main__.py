"""The command line of this example: python -m zoo.time_sequence VERB …"""

import zoo.time_sequence
from zoo.common.cli import main
from zoo.common.flags import DataDir
from zoo.time_sequence.evaluate import evaluate
from zoo.time_sequence.forecast import forecast
from zoo.time_sequence.train import train


def download(*, data_dir: DataDir = None) -> None:
    """Nothing: the waves are generated."""
    print("there is nothing to download: the waves are generated")


verbs = {"download": download, "train": train, "evaluate": evaluate, "forecast": forecast}
main("zoo.time_sequence", zoo.time_sequence.__doc__, verbs)
