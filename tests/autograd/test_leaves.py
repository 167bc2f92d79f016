"""Leaves and modes: who may need a gradient, and when nothing is recorded."""

import inspect
import threading

import pytest

import framework as torch


def test_requires_grad():
    x = torch.ones(2)
    assert not x.requires_grad and x.requires_grad_() is x and x.requires_grad
    y = x * 2
    with pytest.raises(RuntimeError, match="you can only change requires_grad flags of leaf variables"):
        y.requires_grad = False
    y.requires_grad = True
    with pytest.raises(RuntimeError, match="floating point"):
        torch.ones(2, dtype=torch.int64).requires_grad_()
    with pytest.raises(RuntimeError, match="floating point"):
        torch.tensor([True], requires_grad=True)


def test_changing_a_leaf_is_forbidden():
    x = torch.ones(2, requires_grad=True)
    for change in (lambda: x.add_(1), lambda: x.__setitem__(0, 1.0), lambda: x.zero_(), lambda: x.__iadd__(1)):
        with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place operation"):
            change()
    with pytest.raises(RuntimeError, match="a view of a leaf Variable that requires grad is being used in an in-place operation"):
        x[0].add_(1)
    with torch.no_grad():
        x.add_(1)
        x[0] = 7
    assert x.tolist() == [7, 2] and x.is_leaf


def test_detach():
    x = torch.ones(2, requires_grad=True)
    y = (x * 2).detach()
    assert not y.requires_grad and y.is_leaf
    assert (x * 2).detach_().is_leaf
    with pytest.raises(RuntimeError, match="Can't detach views in-place"):
        (x * 2)[0].detach_()
    x.data.fill_(5)
    assert x.tolist() == [5, 5] and x.is_leaf


def test_modes():
    x = torch.ones(1, requires_grad=True)
    with torch.no_grad():
        assert not torch.is_grad_enabled() and not (x * 2).requires_grad
        with torch.enable_grad():
            assert (x * 2).requires_grad
        assert not (x * 2).requires_grad
    assert torch.is_grad_enabled() and (x * 2).requires_grad
    with torch.set_grad_enabled(False):
        assert not torch.is_grad_enabled()
    assert torch.is_grad_enabled()
    torch.set_grad_enabled(False)
    assert not torch.is_grad_enabled()
    torch.set_grad_enabled(True)


@pytest.mark.parametrize("switch", ["no_grad", "no_grad()", "set_grad_enabled(False)", "inference_mode", "inference_mode()"])
def test_decorators(switch):
    @eval(f"torch.{switch}")
    def enabled(depth=2):
        """What it is."""
        return [torch.is_grad_enabled(), *(enabled(depth - 1) if depth else [])]

    assert enabled() == [False] * 3 and torch.is_grad_enabled()
    assert enabled.__name__ == "enabled" and enabled.__doc__ == "What it is."


@pytest.mark.parametrize("switch", ["no_grad", "no_grad()", "set_grad_enabled(False)", "inference_mode", "inference_mode()"])
def test_decorated_generators(switch):
    """Turned while they run, and back while they wait."""

    @eval(f"torch.{switch}")
    def generator(count):
        for number in range(count):
            yield number, torch.is_grad_enabled()

    assert inspect.isgeneratorfunction(generator) and generator.__name__ == "generator"
    steps = generator(2)
    for number in range(2):
        assert next(steps) == (number, False) and torch.is_grad_enabled()
    assert list(steps) == [] and torch.is_grad_enabled()


def test_modes_end_with_an_exception():
    with pytest.raises(KeyError), torch.no_grad():
        raise KeyError
    assert torch.is_grad_enabled()


def test_inference_mode():
    x = torch.ones(2, requires_grad=True)
    with torch.inference_mode():
        y = x * 2
        y.add_(1)
        assert not y.requires_grad
        with torch.inference_mode(False):
            assert (x * 2).requires_grad
    with pytest.raises(RuntimeError, match="Inplace update to inference tensor outside InferenceMode"):
        y.add_(1)
    with pytest.raises(RuntimeError, match="Inference tensors cannot be saved for backward"):
        x * y
    with pytest.raises(RuntimeError, match="inference tensors cannot need gradients outside InferenceMode"):
        y.requires_grad_()
    assert (x * y.clone()).requires_grad
    assert (x + y).requires_grad  # nothing of y is kept


def test_threads_have_their_own_mode():
    seen = []
    with torch.no_grad():
        thread = threading.Thread(target=lambda: seen.append(torch.is_grad_enabled()))
        thread.start()
        thread.join()
        assert seen == [True] and not torch.is_grad_enabled()


def test_threads_run_backward_at_once():
    def work(results, k):
        x = torch.tensor(float(k), requires_grad=True)
        for _ in range(50):
            with torch.no_grad():
                x * 2
            y = x
            for _ in range(20):
                y = y * 1.0 + x
            x.grad = None
            y.backward()
        results[k] = x.grad.item()

    results = {}
    threads = [threading.Thread(target=work, args=(results, k)) for k in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert results == dict.fromkeys(range(4), 21.0)
