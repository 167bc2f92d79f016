"""A look at what was learned: an episode as an animated picture, and the returns of several runs as one curve."""

import io
import math
from functools import partial
from pathlib import Path
from typing import Annotated

import gymnasium
import numpy as np
import tyro
from matplotlib.figure import Figure
from PIL import Image, ImageDraw

import framework
from framework.serialization import write_atomically
from zoo.actor_critic import world
from zoo.actor_critic.evaluate import TEST, greedy
from zoo.actor_critic.model import ActorCritic
from zoo.common.errors import UserError
from zoo.common.files import read_rows
from zoo.common.flags import RunDirectory, Seed
from zoo.common.pictures import write_figure
from zoo.common.run import load_weights, read_config

WIDTH, HEIGHT, SCALE = 360, 150, 70  # pixels, pixels, pixels a metre
GROUND = 120  # pixels from the top
POLE = 1.0  # metres
SECONDS_A_STEP, STEPS_A_FRAME = 0.02, 2
SMOOTH = 20  # episodes

Runs = Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUN…", help="Run directories, such as of several seeds.")]


def play(run: RunDirectory, *, seed: Seed = 0) -> None:
    """Let the actor of a run play one episode without chance, and draw it as an animated GIF."""
    read_config(run, "actor_critic")
    model = ActorCritic()
    load_weights(run, model)
    with gymnasium.make(world.NAME) as environment, framework.no_grad():
        episode = world.play(environment, partial(greedy, model), (TEST, seed), framework.device("cpu"))
    states = episode.states[::STEPS_A_FRAME].tolist()
    frames = [draw(place, angle, f"step {number * STEPS_A_FRAME}") for number, (place, _, angle, _) in enumerate(states)]
    stream = io.BytesIO()
    duration = 1000 * SECONDS_A_STEP * STEPS_A_FRAME
    frames[0].save(stream, "gif", save_all=True, append_images=frames[1:], duration=duration, loop=0)
    path = run / "samples" / "episode.gif"
    path.parent.mkdir(exist_ok=True)
    write_atomically(path, stream.getvalue())
    print(f"it stood {len(episode.rewards)} steps: {path}")


def draw(place: float, angle: float, label: str) -> Image.Image:
    """The cart at ``place`` metres from the middle of the track, its pole at ``angle`` radians from upright."""
    picture = Image.new("P", (WIDTH, HEIGHT), 0)
    picture.putpalette([255, 255, 255, 60, 60, 60, 0, 114, 178, 213, 94, 0])  # white, grey, blue, orange
    canvas = ImageDraw.Draw(picture)
    x = WIDTH / 2 + SCALE * place
    top = (x + SCALE * POLE * math.sin(angle), GROUND - 12 - SCALE * POLE * math.cos(angle))
    canvas.line([(0, GROUND), (WIDTH, GROUND)], fill=1)
    canvas.rectangle([x - 18, GROUND - 18, x + 18, GROUND - 4], fill=2)
    canvas.line([(x, GROUND - 12), top], fill=3, width=5)
    canvas.text((6, HEIGHT - 18), label, fill=1)
    return picture


def compare(runs: Runs, *, picture: Path = Path("returns.png")) -> None:
    """Draw the returns of several runs in training, episode by episode: their mean and their spread."""
    if not runs:
        raise UserError("which runs? give one or more")
    for path in runs:
        read_config(path, "actor_critic")
    rows = [read_rows(path / "metrics.jsonl") for path in runs]
    stood = [[row["train_return"] for row in run if "train_return" in row] for run in rows]
    if min(map(len, stood)) < SMOOTH:
        raise UserError(f"expected runs of {SMOOTH} episodes or more")
    window = np.full(SMOOTH, 1 / SMOOTH)
    smooth = np.full((len(runs), max(map(len, stood)) - SMOOTH + 1), np.nan)  # (runs, episodes): nan after a run has stopped
    for row, each in zip(smooth, stood, strict=True):
        row[: len(each) - SMOOTH + 1] = np.convolve(each, window, "valid")
    episodes = np.arange(SMOOTH, SMOOTH + smooth.shape[1])
    figure = Figure(figsize=(7, 3.5), layout="constrained")
    axis = figure.subplots()
    axis.fill_between(episodes, np.nanmin(smooth, 0), np.nanmax(smooth, 0), alpha=0.25, label="least and most")
    axis.plot(episodes, np.nanmean(smooth, 0), label=f"mean of {len(runs)} runs, of those that go on")
    axis.set(xlabel="episode", ylabel=f"return, mean of {SMOOTH} episodes", ylim=(0, world.LONGEST * 1.02))
    axis.grid(alpha=0.3)
    axis.legend(loc="lower right")
    write_figure(picture, figure)
    print(f"written to {picture}")
