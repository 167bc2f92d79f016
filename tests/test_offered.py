"""What is not offered is refused by name: never a different result, never an argument that is ignored."""

import pytest

import framework as torch

x = torch.ones(3)
REFUSED = {
    "out": [
        lambda: torch.add(x, x, out=x),
        lambda: torch.sum(x, out=x),
        lambda: torch.matmul(x, x, out=x),
        lambda: torch.cat([x], out=x),
        lambda: torch.stack([x], out=x),
        lambda: torch.zeros(2, out=x),
        lambda: torch.sort(x, out=(x, x)),
        lambda: torch.linspace(0, 1, 2, out=x),
        lambda: torch.where(x > 0, x, x, out=x),
    ],
    "layout": [lambda: torch.zeros(2, layout="sparse_coo"), lambda: torch.empty_like(x, layout="sparse_coo")],
    "memory_format": [lambda: torch.clone(x, memory_format="channels_last"), lambda: torch.empty(2, memory_format="channels_last")],
    "pin_memory": [lambda: torch.tensor([1.0], pin_memory=True), lambda: torch.zeros(2, pin_memory=True)],
    "fused": [lambda: torch.optim.Adam([x.clone().requires_grad_()], fused=True)],
    "foreach": [lambda: torch.optim.SGD([x.clone().requires_grad_()], foreach=True)],
    "multiprocessing_context": [lambda: torch.utils.data.DataLoader([1], multiprocessing_context="fork")],
    "sparse": [lambda: torch.nn.Embedding(2, 2, sparse=True), lambda: torch.nn.EmbeddingBag(2, 2, sparse=True)],
    "antialias": [lambda: torch.nn.functional.interpolate(torch.ones(1, 1, 4, 4), 2, mode="bilinear", antialias=True)],
}


@pytest.mark.parametrize("name, call", [(name, call) for name, calls in REFUSED.items() for call in calls])
def test_arguments(name, call):
    with pytest.raises(NotImplementedError, match=name):
        call()


@pytest.mark.parametrize("call", [lambda: torch.tensor([1j]), lambda: x * 1j, lambda: torch.full((2,), 1j), lambda: x.fill_(1j)])
def test_complex_numbers(call):
    with pytest.raises(NotImplementedError, match="complex"):
        call()


def test_pytorchs_defaults_change_nothing():
    assert torch.equal(torch.sum(x, out=None), torch.sum(x))
    assert torch.zeros(2, pin_memory=False, layout=None).shape == (2,)
    assert torch.optim.Adam([x.clone().requires_grad_()], foreach=None, fused=False).param_groups[0]["lr"] == 1e-3
