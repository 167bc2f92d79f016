"""Schedules of the learning rate: call `scheduler.step()` after the optimizer's steps of an epoch (OneCycleLR: of a batch)."""

from .base import LRScheduler
from .cycles import CosineAnnealingWarmRestarts, CyclicLR, OneCycleLR
from .multiplied import ConstantLR, CosineAnnealingLR, ExponentialLR, LambdaLR, LinearLR
from .multiplied import MultiplicativeLR, MultiStepLR, PolynomialLR, StepLR
from .plateau import ReduceLROnPlateau
from .several import ChainedScheduler, SequentialLR
