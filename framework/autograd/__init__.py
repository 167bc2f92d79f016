"""Automatic differentiation: a tape of operations, and the walk back along it."""

from . import functional
from .engine import backward, grad
from .function import Function
from .gradcheck import gradcheck, gradgradcheck
from .mode import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
