"""Training: Adam on the cross entropy; the weights that are kept are those of the epoch that labels the dev set best."""

import copy
from dataclasses import dataclass

import framework
import framework.nn.functional as F
from framework import Tensor, optim
from zoo.common.batches import Epochs
from zoo.common.checkpoint import Checkpoint
from zoo.common.files import write_json
from zoo.common.flags import TrainFlags, find_device
from zoo.common.progress import Progress
from zoo.common.run import Run
from zoo.datasets import snli
from zoo.snli.evaluate import log_probabilities, on_device, scores
from zoo.snli.model import Net

LOG_EVERY = 10  # steps


@dataclass(frozen=True, kw_only=True)
class Config(TrainFlags):
    """The recipe of PyTorch's example, in smaller batches and fewer epochs."""

    epochs: int = 8
    """Passes over the training pairs."""
    batch_size: int = 64
    """Pairs a step."""
    test_batch_size: int = 256
    """Pairs at once when testing."""
    lr: float = 1e-3
    """Adam's learning rate."""
    dropout: float = 0.2
    """Probability of dropping a hidden unit of the comparison."""
    plain: bool = False
    """Compare what the LSTM ended with, as PyTorch's example does, not the largest values number by number."""


def train(config: Config) -> None:
    """Train on SNLI, or on a few hundred built-in pairs."""
    config = config.shortened(data="builtin", epochs=4, batch_size=32)
    device = find_device(config.device)
    pairs = snli.load(config.data, config.data_dir)
    run = Run("snli", config, pairs)
    write_json(run.path / "words.json", {"dimensions": pairs.vectors.shape[1], "words": pairs.words})  # for predict

    # data: sentences as rows of numbers of words, on the device once
    premises, hypotheses, labels = on_device(pairs.train, device)  # (N, S), (N, T), (N,)
    dev_premises, dev_hypotheses, dev_labels = on_device(pairs.dev, device)

    # model
    framework.manual_seed(config.seed)
    model = Net(framework.from_numpy(pairs.vectors), config.dropout, config.plain).to(device)
    best = copy.deepcopy(model)  # the weights of the best epoch so far
    optimizer = optim.Adam([weight for weight in model.parameters() if weight.requires_grad], lr=config.lr)

    @config.compiled
    def step(batch: Tensor) -> Tensor:
        """One step on the pairs of these numbers (B,): its loss."""
        optimizer.zero_grad()
        loss = F.cross_entropy(model(premises[batch], hypotheses[batch]), labels[batch])
        loss.backward()
        optimizer.step()
        return loss

    # loop
    checkpoint = Checkpoint(run, model=best, current=model, optimizer=optimizer)
    at = checkpoint.restore(step=0, dev_accuracy=0.0)
    epochs = Epochs(len(labels), config)
    print(f"training on {len(labels):,} pairs of {pairs.name}, {epochs.steps - at.step} steps on {device}, into {run.path}")
    with Progress(epochs.steps, at.step) as progress:
        for epoch, batches in epochs.after(at):
            model.train()
            for batch in batches:
                checkpoint.save_if_due(at)
                loss = step(batch.to(device))
                at.step += 1
                if at.step % LOG_EVERY == 0:
                    run.log(epoch=epoch, step=at.step, train_loss=loss.item())
                    progress.update(at.step, loss.item())
            dev = scores(log_probabilities(model, dev_premises, dev_hypotheses, config.test_batch_size), dev_labels, "dev")
            if dev["dev_accuracy"] > at.dev_accuracy:
                at.dev_accuracy = dev["dev_accuracy"]
                best.load_state_dict(model.state_dict())
            run.log(epoch=epoch, step=at.step, **dev)
            progress.say(
                f"epoch {epoch + 1}/{config.epochs}  dev accuracy {dev['dev_accuracy']:.2%}  dev loss {dev['dev_loss']:.4f}"
                f"  best {at.dev_accuracy:.2%}"
            )
            checkpoint.save(at)

    # finish: the test set is looked at once, by the weights that were chosen without it
    test_premises, test_hypotheses, test_labels = on_device(pairs.test, device)
    tested = scores(log_probabilities(best, test_premises, test_hypotheses, config.test_batch_size), test_labels, "test")
    print(f"test accuracy {tested['test_accuracy']:.2%}  test loss {tested['test_loss']:.4f}")
    run.finish(best, {**tested, "dev_accuracy": at.dev_accuracy}, falling="train_loss", then=["predict PREMISE HYPOTHESIS"])
