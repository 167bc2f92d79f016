"""Text from the model: each word drawn from what it holds probable after all the words before."""

import math
import re
from typing import Annotated

import tyro

import framework
from zoo.common.errors import UserError
from zoo.common.flags import DataDir, RunDirectory, Seed
from zoo.common.run import load_weights, reopen
from zoo.datasets import text
from zoo.lstm_lm.model import LanguageModel


def generate(
    run: RunDirectory,
    *,
    prompt: Annotated[str, tyro.conf.arg(help="What the text begins with.")] = "The",
    words: Annotated[int, tyro.conf.arg(help="How many words follow.")] = 100,
    temperature: Annotated[float, tyro.conf.arg(help="Below 1 the probable becomes more so, above 1 less; 0: the first only.")] = 1.0,
    top_k: Annotated[int, tyro.conf.arg(help="Draw from this many most probable words only; 0 for all.")] = 0,
    seed: Seed = 0,
    data_dir: DataDir = None,
) -> None:
    """Go on from a prompt, a word at a time."""
    if not 0 <= temperature < math.inf or words < 1 or top_k < 0:
        raise UserError("expected --temperature and --top-k of zero or more, and --words of one or more")
    config, corpus = reopen(run, "lstm_lm", text.load, data_dir)
    flags = config["flags"]
    number = {word: i for i, word in enumerate(corpus.vocabulary)}
    # "U.S." is one word of WikiText, "end." is two
    begun = [word for piece in prompt.split() for word in ([piece] if piece in number else text.words(piece)[:-1])]
    if not begun:
        raise UserError("--prompt: expected one word or more")
    if unknown := [word for word in begun if word not in number]:
        raise UserError(f"--prompt: {', '.join(unknown)} not among the {len(number):,} words of {corpus.name}")
    model = LanguageModel(len(number), flags["hidden"], flags["dropout"], tied=not flags["untied"])
    load_weights(run, model)
    model.eval()
    framework.manual_seed(seed)
    said, hidden = [number[word] for word in begun], None
    with framework.no_grad():
        scores, hidden = model(framework.tensor(said).unsqueeze(1))  # (T, 1, V)
        for _ in range(words):
            said.append(draw(scores[-1, 0], temperature, top_k, forbidden=number[text.UNKNOWN]))
            scores, hidden = model(framework.tensor([[said[-1]]]), hidden)
    written = " ".join("\n" if corpus.vocabulary[word] == text.END else corpus.vocabulary[word] for word in said)
    print(re.sub(" ?\n ?", "\n", written))


def draw(scores: framework.Tensor, temperature: float, top_k: int, forbidden: int) -> int:
    """The number of a word, drawn from softmax(scores / temperature), (V,), but not the ``forbidden`` one."""
    scores = scores.clone()
    scores[forbidden] = -float("inf")
    if top_k:
        scores[scores < scores.topk(min(top_k, len(scores)))[0][-1]] = -float("inf")
    if temperature == 0:
        return scores.argmax().item()
    # double, and at most 0: no temperature is so low that the division ends at infinity
    return framework.multinomial(((scores - scores.max()).double() / temperature).softmax(0), 1).item()
