"""The command line of this example: python -m zoo.lstm_lm VERB …"""

import zoo.lstm_lm
from zoo.common.cli import main
from zoo.common.flags import DataDir
from zoo.datasets import text
from zoo.lstm_lm.evaluate import evaluate
from zoo.lstm_lm.generate import generate
from zoo.lstm_lm.train import train


def download(*, data_dir: DataDir = None) -> None:
    """Fetch WikiText-2: 2,088,628 + 217,646 + 245,569 words, 13 MB."""
    print(f"WikiText-2 is in {text.download(data_dir)}")


verbs = {"download": download, "train": train, "evaluate": evaluate, "generate": generate}
main("zoo.lstm_lm", zoo.lstm_lm.__doc__, verbs)
