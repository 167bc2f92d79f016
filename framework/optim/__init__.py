"""Optimizers."""

from . import lr_scheduler
from .adadelta import Adadelta
from .optimizer import Optimizer

__all__ = ["Adadelta", "Optimizer", "lr_scheduler"]
