"""Training: plain gradient descent through 35 words at a time, its rate a quarter whenever validation gets hardly better."""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro

import framework
import framework.nn.functional as F
from framework import Tensor, nn, optim
from zoo.common.checkpoint import Checkpoint
from zoo.common.errors import UserError
from zoo.common.flags import TrainFlags, find_device
from zoo.common.progress import Progress
from zoo.common.run import Run
from zoo.datasets import text
from zoo.lstm_lm.evaluate import columns, perplexity, surprises
from zoo.lstm_lm.model import LanguageModel

LOG_EVERY = 50  # steps


@dataclass(frozen=True, kw_only=True)
class Config(TrainFlags):
    """The recipe of PyTorch's example."""

    text: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """A text file to learn from, instead of --data."""
    epochs: int = 6
    """Passes over the training text."""
    batch_size: int = 20
    """Places of the text that are read side by side."""
    bptt: int = 35
    """Words that the gradient goes back."""
    hidden: int = 200
    """Numbers for each word and in each LSTM layer; 650 and 1500 are Zaremba et al.'s medium and large."""
    untied: bool = False
    """Words have other numbers when they are written than when they are read."""
    dropout: float = 0.2
    """Share of the numbers between layers set to zero."""
    lr: float = 20.0
    """Learning rate at the beginning."""
    plateau: float = 0.05
    """The rate is divided by four after an epoch in which the validation loss fell by no more."""
    clip: float = 0.25
    """Largest norm of the gradient."""


def read(config: Config) -> text.Text:
    """The text to learn from; UserError if it has too few words for so many places to read from."""
    corpus = text.load(config.data, config.data_dir)
    if len(corpus.train) < 2 * config.batch_size:
        raise UserError(f"{corpus.name}: {len(corpus.train)} words to train on are too few for {config.batch_size} places to read from")
    return corpus


def train(config: Config) -> None:
    """Train on WikiText-2, on the help pages of Python, or on a text of your own."""
    config = replace(config, data=str(config.text.expanduser().absolute())) if config.text else config
    config = config.shortened(data="builtin", epochs=1, max_steps=60, hidden=50, lr=5.0)
    device = find_device(config.device)
    corpus = read(config)
    run = Run("lstm_lm", config, corpus)

    # data: the text in columns, read from top to bottom side by side
    words = columns(corpus.train, config.batch_size).to(device)  # (N, B)
    steps_an_epoch = -(-(len(words) - 1) // config.bptt)

    # model
    framework.manual_seed(config.seed)
    model = LanguageModel(len(corpus.vocabulary), config.hidden, config.dropout, tied=not config.untied).to(device)
    optimizer = optim.SGD(model.parameters(), lr=config.lr)

    @config.compiled
    def step(inputs: Tensor, targets: Tensor, hidden: list[Tensor] | None) -> tuple[Tensor, list[Tensor]]:
        """One step on words (T, B) and what follows each of them: its loss, and the state to read on from."""
        optimizer.zero_grad()
        scores, hidden = model(inputs, hidden)  # (T, B, V)
        loss = F.cross_entropy(scores.flatten(0, 1), targets.flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), config.clip)
        optimizer.step()
        return loss, [each.detach() for each in hidden]  # so as to learn no further back

    # loop
    checkpoint = Checkpoint(run, model=model, optimizer=optimizer)
    at = checkpoint.restore(step=0, hidden=None, best=model.state_dict(), best_loss=math.inf)
    steps = min(config.epochs * steps_an_epoch, config.max_steps or math.inf)
    print(f"training on {len(corpus.train):,} words of {corpus.name}, {steps - at.step} steps on {device}, into {run.path}")
    with Progress(steps, at.step) as progress:
        while at.step < steps:
            epoch, seen = divmod(at.step, steps_an_epoch)
            at.hidden = at.hidden if seen else None  # else the text begins again
            model.train()
            for start in range(seen * config.bptt, len(words) - 1, config.bptt)[: steps - at.step]:
                checkpoint.save_if_due(at)
                targets = words[start + 1 : start + 1 + config.bptt]  # (T, B)
                loss, at.hidden = step(words[start : start + len(targets)], targets, at.hidden)
                at.step += 1
                if at.step % LOG_EVERY == 0 or at.step == 1:
                    run.log(epoch=epoch, step=at.step, train_loss=loss.item())
                    progress.update(at.step, loss.item())
            valid_loss = math.log(perplexity(surprises(model, corpus.valid, device)))
            run.log(epoch=epoch, step=at.step, valid_loss=valid_loss)
            progress.say(f"epoch {epoch + 1}/{config.epochs}  perplexity {math.exp(valid_loss):.1f}")
            if valid_loss >= at.best_loss - config.plateau:
                for group in optimizer.param_groups:
                    group["lr"] /= 4
            if valid_loss < at.best_loss:
                at.best_loss, at.best = valid_loss, {name: value.clone() for name, value in model.state_dict().items()}
            else:  # back to where it was good
                model.load_state_dict(at.best)
            checkpoint.save(at)

    metrics = {f"{part}_perplexity": perplexity(surprises(model, getattr(corpus, part), device)) for part in ("test", "valid")}
    run.finish(model, metrics, falling="train_loss", then=["generate"])
