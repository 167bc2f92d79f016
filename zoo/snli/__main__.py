"""The command line of this example: python -m zoo.snli VERB …"""

import zoo.snli
from zoo.common.cli import main
from zoo.common.flags import DataDir
from zoo.datasets import glove, snli
from zoo.snli.evaluate import evaluate
from zoo.snli.predict import predict
from zoo.snli.train import train


def download(*, data_dir: DataDir = None) -> None:
    """Fetch SNLI, 570,000 pairs, 95 MB, and GloVe's word vectors, 862 MB."""
    print(f"SNLI is in {snli.download(data_dir)}, GloVe in {glove.download(data_dir)}")


verbs = {"download": download, "train": train, "evaluate": evaluate, "predict": predict}
main("zoo.snli", zoo.snli.__doc__, verbs)
