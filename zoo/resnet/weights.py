"""Weights to begin with, from a file of ours or of PyTorch's."""

from pathlib import Path
from pickle import UnpicklingError

import framework
from framework import nn
from zoo.common.errors import UserError


def begin_with(path: Path, model: nn.Module) -> None:
    """Load the weights in a file; the classifier stays as it is, which is said, if the file's has another number of classes."""
    try:
        weights = framework.load(path)
    except (OSError, RuntimeError, UnpicklingError) as error:
        raise UserError(f"--weights {path}: {getattr(error, 'strerror', None) or error}") from error
    if not isinstance(weights, dict) or "fc.bias" not in weights:
        raise UserError(f"--weights {path}: expected the weights of a residual network, found no fc.bias")
    own = model.state_dict()
    # torchvision's are older than BatchNorm's count of batches, which nothing here needs
    weights = {name: value for name, value in own.items() if name.endswith("num_batches_tracked")} | weights
    if len(weights["fc.bias"]) != len(own["fc.bias"]):
        print(f"{path} tells {len(weights['fc.bias']):,} classes apart: the classifier begins anew, for {len(own['fc.bias']):,}")
        weights |= {name: value for name, value in own.items() if name.startswith("fc.")}
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:  # its lines list every tensor that differs
        raise UserError(f"--weights {path} does not fit the model: {str(error).splitlines()[-1].strip()}") from error
