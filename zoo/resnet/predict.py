"""Prediction: what is in a picture, with the five classes that are most probable."""

from pathlib import Path
from typing import Annotated

import tyro

import framework
from zoo.common import pictures
from zoo.common.errors import UserError
from zoo.common.files import read_json
from zoo.common.flags import RunDirectory
from zoo.common.run import load_weights, read_config
from zoo.resnet.data import middle, normalize
from zoo.resnet.model import MODELS

Images = Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="IMAGE…", help="Pictures of any size.")]


def predict(run: RunDirectory, images: Images) -> None:
    """Name what each IMAGE shows, as test images are seen: the middle square, scaled to the network's size."""
    config = read_config(run, "resnet")
    if not images:
        raise UserError("which picture? give one or more after the run directory")
    interface = read_json(run / "classes.json", classes=list, size=int)
    classes = interface["classes"]
    model = MODELS[config["flags"]["model"]](len(classes))
    load_weights(run, model)
    model.eval()
    failures = []
    for path in images:
        try:
            picture = pictures.read(path)  # (H, W, 3)
        except UserError as error:
            failures.append(str(error))
            continue
        image = framework.tensor(middle(picture, interface["size"])).permute(2, 0, 1)  # (3, S, S)
        with framework.no_grad():
            best = model(normalize(image.unsqueeze(0)))[0].softmax(0).topk(min(5, len(classes)))
        guesses = zip(best.values.tolist(), best.indices.tolist(), strict=True)
        print(f"{path.name}: {', '.join(f'{classes[index]} {probability:.1%}' for probability, index in guesses)}")
    if failures:
        raise UserError("; ".join(failures))
