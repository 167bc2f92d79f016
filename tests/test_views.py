"""Chains of views: the same values, memory and errors as PyTorch's; what is written through them is seen, and has the right gradient."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import framework

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

# name: a view of x by three integers
STEPS = {
    "permute": lambda x, a, b, c: x.permute([(each + a) % x.ndim for each in range(x.ndim)]),
    "transpose": lambda x, a, b, c: x.transpose(a % max(x.ndim, 1), -1 - b % max(x.ndim, 1)),
    "movedim": lambda x, a, b, c: x.movedim(a % x.ndim, b % x.ndim),
    "unsqueeze": lambda x, a, b, c: x.unsqueeze(a % (x.ndim + 1)),
    "squeeze": lambda x, a, b, c: x.squeeze() if c else x.squeeze(a % max(x.ndim, 1)),
    "view": lambda x, a, b, c: x.view(-1) if c else x.view(a + 1, -1),
    "reshape": lambda x, a, b, c: x.reshape(a % 3 + 1, -1),
    "flatten": lambda x, a, b, c: x.flatten(a % max(x.ndim, 1)),
    "unflatten": lambda x, a, b, c: x.unflatten(a % x.ndim, (b + 1, -1)),
    "expand": lambda x, a, b, c: x.expand(*([a + 1] if c else []), *(b + 1 if n == 1 else -1 for n in x.shape)),
    "narrow": lambda x, a, b, c: x.narrow(a % x.ndim, b % (x.shape[a % x.ndim] + 1), c),
    "select": lambda x, a, b, c: x.select(a % x.ndim, b - 2),
    "slice": lambda x, a, b, c: x[..., a % 3 :: b + 1] if c else x[a % 3 :, None],
    "diagonal": lambda x, a, b, c: x.diagonal(b - 2, a % x.ndim, c - 1),
    "unfold": lambda x, a, b, c: x.unfold(a % x.ndim, b, c + 1),
    "split": lambda x, a, b, c: x.split(b + 1, a % x.ndim)[c],
    "tensor_split": lambda x, a, b, c: x.tensor_split(b + 1, a % x.ndim)[-1],
    "chunk": lambda x, a, b, c: x.chunk(b + 1, a % x.ndim)[0],
    "unbind": lambda x, a, b, c: x.unbind(a % x.ndim)[c],
    "T": lambda x, a, b, c: x.mT if c and x.ndim else x.t(),
    "detach": lambda x, a, b, c: x.detach() if c == 2 else x,
}
shapes = st.lists(st.integers(0, 4) | st.integers(1, 4), max_size=4)
chains = st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.integers(0, 3), st.integers(0, 3), st.integers(0, 2)), max_size=5)


def follow(x, chain):
    """The view, or None after an error."""
    for name, *numbers in chain:
        try:
            x = STEPS[name](x, *numbers)
        except (RuntimeError, IndexError, TypeError, ZeroDivisionError):
            return None
    return x


def numbers(namespace, shape):
    return namespace.arange(math.prod(shape), dtype=namespace.float64).reshape(shape).clone()


@settings(max_examples=300)
@given(shapes, chains)
def test_values_and_memory(shape, chain):
    base, their_base = numbers(framework, shape), numbers(torch, shape)
    ours, theirs = follow(base, chain), follow(their_base, chain)
    assert (ours is None) == (theirs is None)
    if theirs is None:
        return
    assert tuple(ours.shape) == tuple(theirs.shape) and ours.tolist() == theirs.tolist()
    assert ours.is_contiguous() == theirs.is_contiguous()
    if theirs.numel():
        long = [dim for dim, n in enumerate(theirs.shape) if n > 1]
        assert [ours.stride(dim) for dim in long] == [theirs.stride(dim) for dim in long]
        shared = theirs.untyped_storage().data_ptr() == their_base.untyped_storage().data_ptr()
        assert np.shares_memory(ours.numpy(), base.numpy()) >= shared
        if shared:
            assert ours.data_ptr() - base.data_ptr() == theirs.data_ptr() - their_base.data_ptr()
    assert (ours._base is base) == (theirs._base is their_base)


def write(namespace, shape, chain, other, change):
    """The value and the gradients of what comes of a tensor that is changed through a view, and of another view of it; or the error."""
    leaf = (numbers(namespace, shape) / 7).requires_grad_()
    weight = namespace.tensor(3.0, dtype=namespace.float64, requires_grad=True)
    x = leaf * 1
    before = follow(x, other)
    view = follow(x, chain)
    try:
        CHANGES[change](view, weight)
        outs = [x, *([] if before is None else [before])]
        total = sum((out * out).sum() for out in outs)
        grads = namespace.autograd.grad(total, (leaf, weight), allow_unused=True)
    except RuntimeError:
        return "RuntimeError"
    return [out.tolist() for out in outs], [each if each is None else each.tolist() for each in grads]


CHANGES = {
    "mul_": lambda view, weight: view.mul_(weight),
    "add_": lambda view, weight: view.add_(2),
    "copy_": lambda view, weight: view.copy_(weight),
    "zero_": lambda view, weight: view.zero_(),
    "[...] =": lambda view, weight: view.__setitem__(..., weight),
    "exp_": lambda view, weight: view.exp_(),
}


@settings(max_examples=300)
@given(shapes, chains, chains, st.sampled_from(sorted(CHANGES)))
def test_writing_through_views(shape, chain, other, change):
    view = follow(numbers(torch, shape), chain)
    if view is None or "unfold" in [name for name, *_ in chain]:  # an element in two windows: undefined
        return
    if change == "zero_" and any(n > 1 and not step for n, step in zip(view.shape, view.stride(), strict=True)):
        return  # PyTorch writes, and fails in the backward pass
    if ("detach", 2) in [(name, c) for name, _, _, c in chain] and {"split", "chunk", "unbind"} & {name for name, *_ in other}:
        return  # PyTorch refuses the views among several outputs after any change, even one of the detached
    ours, theirs = (write(namespace, shape, chain, other, change) for namespace in (framework, torch))
    if theirs != "RuntimeError" and ours != "RuntimeError":
        (values, grads), (their_values, their_grads) = ours, theirs
        assert_close(values, their_values)
        assert_close(grads, their_grads)
    else:
        assert ours == theirs


def assert_close(ours, theirs):
    if isinstance(theirs, list):
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs, strict=True):
            assert_close(a, b)
    else:
        assert (ours is None) == (theirs is None) and (theirs is None or math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-12))
