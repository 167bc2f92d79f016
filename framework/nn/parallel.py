"""One model on several devices: each computes a part of the batch, and gradients add up in the one set of parameters."""

import copy
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

from .. import random
from ..autograd.mode import mode, set_grad_enabled
from ..device import device as Device
from ..device import device_count, namespace
from ..ops.shape import cat, chunk, stack
from ..tensor import Tensor
from .module import Module


def _every_gpu() -> list:
    return [Device("cuda", i) for i in range(device_count())]


def _like(container, members):
    return getattr(type(container), "_make", type(container))(members)  # _make: of a named tuple


def scatter(inputs, devices: list, dim: int = 0) -> list:
    """`inputs` for each device: tensors are cut along `dim`, containers looked into, everything else is passed on as it is."""
    if isinstance(inputs, Tensor):
        return [part.to(where) for part, where in zip(chunk(inputs, len(devices), dim), devices, strict=False)]
    if isinstance(inputs, (tuple, list, dict)) and inputs:
        members = inputs.items() if isinstance(inputs, dict) else inputs
        return [_like(inputs, part) for part in zip(*(scatter(each, devices, dim) for each in members), strict=False)]
    return [inputs] * len(devices)


def replica(module: Module, where, first: bool, done: dict) -> Module:
    """`module` with copies of its parameters on a device, whose gradients flow back to the original."""
    if module not in done:
        done[module] = copy.copy(module)
        members = done[module].__dict__
        for kind, change in (
            ("_parameters", lambda each: each.to(where)),
            # the first replica's own, so that what it gathers (a running mean) is kept; the others' are copies
            ("_buffers", lambda each: each if first else each.to(where, copy=True)),
            ("_modules", lambda each: replica(each, where, first, done)),
        ):
            members[kind] = {name: each if each is None else change(each) for name, each in members[kind].items()}
    return done[module]


def parallel_apply(modules: list, inputs: list, kwargs: list, devices: list) -> list:
    """The outputs of every module for its inputs, a thread each; each thread draws random numbers from a stream of its own."""
    recording, casts, seeds = mode.grad, mode.casts, [random.default_generator.take(1) for _ in modules]

    def work(module, args, options, where, seed):
        on_device = namespace(where).cuda.Device(where.index) if where.type == "cuda" else nullcontext()
        random.own_stream(*seed)
        mode.casts = casts
        with on_device, set_grad_enabled(recording):
            return module(*args, **options)

    with ThreadPoolExecutor(len(modules)) as threads:
        return list(threads.map(work, modules, inputs, kwargs, devices, seeds))


def gather(outputs: list, where, dim: int = 0):
    """The outputs of all devices joined along `dim` on one of them; numbers become a vector."""
    first = outputs[0]
    if isinstance(first, Tensor):
        outputs = [each.to(where) for each in outputs]
        return cat(outputs, dim) if first.ndim else stack(outputs)
    if first is None:
        return None
    if isinstance(first, dict):
        return type(first)((key, gather([each[key] for each in outputs], where, dim)) for key in first)
    return _like(first, [gather(list(each), where, dim) for each in zip(*outputs, strict=True)])


def data_parallel(module, inputs, device_ids=None, output_device=None, dim: int = 0, module_kwargs=None):
    """module(*inputs, **module_kwargs), computed on all of `device_ids` at once, each taking a part of the batch."""
    inputs = inputs if isinstance(inputs, tuple) else (inputs,)
    devices = [Device(each) for each in (_every_gpu() if device_ids is None else device_ids)]
    if not devices or not (inputs or module_kwargs):
        return module(*inputs, **(module_kwargs or {}))
    for each in (*module.parameters(), *module.buffers()):
        if each.device.type != devices[0].type or devices[0].index not in (None, each.device.index):
            raise RuntimeError(f"module must have its parameters and buffers on device {devices[0]}, but one is on {each.device}")
    scattered = scatter((inputs, module_kwargs or {}), devices, dim)
    if len(scattered) == 1:
        return module(*scattered[0][0], **scattered[0][1])
    used = devices[: len(scattered)]
    replicas = [replica(module, where, i == 0, {}) for i, where in enumerate(used)]
    outputs = parallel_apply(replicas, *map(list, zip(*scattered, strict=True)), used)
    return gather(outputs, Device(devices[0] if output_device is None else output_device), dim)


class DataParallel(Module):
    """`module` on several devices at once: `data_parallel`; without GPUs it just calls the module."""

    def __init__(self, module: Module, device_ids=None, output_device=None, dim: int = 0):
        super().__init__()
        self.module, self.output_device, self.dim = module, output_device, dim
        self.device_ids = _every_gpu() if device_ids is None else list(device_ids)

    def forward(self, *inputs, **kwargs):
        return data_parallel(self.module, inputs, self.device_ids, self.output_device, self.dim, kwargs)
