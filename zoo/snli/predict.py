"""Prediction: the three labels' probabilities for a pair of sentences of the user's own."""

from typing import Annotated

import tyro

import framework
from zoo.common.files import read_json
from zoo.common.flags import RunDirectory
from zoo.common.run import load_weights, read_config
from zoo.datasets.snli import LABELS, UNKNOWN, encode, tokenize
from zoo.snli.evaluate import log_probabilities
from zoo.snli.model import Net

Premise = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="PREMISE", help="What is known, a sentence.")]
Hypothesis = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="HYPOTHESIS", help="What may follow from it.")]


def predict(run: RunDirectory, premise: Premise, hypothesis: Hypothesis) -> None:
    """Say how probably HYPOTHESIS follows from PREMISE, is open, or contradicts it."""
    config = read_config(run, "snli")
    vocabulary = read_json(run / "words.json", words=list, dimensions=int)
    numbers = {word: number for number, word in enumerate(vocabulary["words"])}
    model = Net(framework.zeros(len(numbers), vocabulary["dimensions"]), config["flags"]["dropout"], config["flags"]["plain"])
    load_weights(run, model)
    sentences = [framework.tensor([encode(sentence, numbers)]) for sentence in (premise, hypothesis)]  # (1, S), (1, T)
    probabilities = log_probabilities(model, *sentences, batch_size=1)[0].exp().tolist()
    for label, probability in zip(LABELS, probabilities, strict=True):
        print(f"{label:13}  {100 * probability:5.1f} %  {'█' * round(30 * probability)}")
    unknown = [word for word in dict.fromkeys(tokenize(premise) + tokenize(hypothesis)) if numbers.get(word, UNKNOWN) == UNKNOWN]
    if unknown:
        print(f"words it does not know: {', '.join(unknown)}")
