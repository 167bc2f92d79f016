"""Module: the tree, its state, its hooks, its text; and the article's snippets, run as they stand there."""

import copy
from collections import OrderedDict

import pytest

import framework
import framework as torch
import framework.nn.functional as F
from framework import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 20, 5)
        self.conv2 = nn.Conv2d(20, 20, 5)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        return F.relu(self.conv2(x))


def test_article_module_of_two_convolutions():
    net = Net()
    assert net(torch.randn(2, 1, 28, 28)).shape == (2, 20, 20, 20)
    assert repr(net) == (
        "Net(\n  (conv1): Conv2d(1, 20, kernel_size=(5, 5), stride=(1, 1))\n  (conv2): Conv2d(20, 20, kernel_size=(5, 5), stride=(1, 1))\n)"
    )


def test_article_devices_and_types():
    x = torch.tensor([0.9422])
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    y = torch.ones_like(x, device=device)
    x = x.to(device)
    z = x + y
    assert repr(z.to("cpu", torch.double)) == "tensor([1.9422], dtype=framework.float64)"
    assert Net().to(device).double().conv2.weight.dtype is torch.float64


def test_article_sequential():
    plain = nn.Sequential(nn.Conv2d(1, 20, 5), nn.ReLU(), nn.Conv2d(20, 64, 5), nn.ReLU())
    named = nn.Sequential(
        OrderedDict([("conv1", nn.Conv2d(1, 20, 5)), ("relu1", nn.ReLU()), ("conv2", nn.Conv2d(20, 64, 5)), ("relu2", nn.ReLU())])
    )
    assert list(plain.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert list(named.state_dict()) == ["conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias"]
    named.load_state_dict(dict(zip(named.state_dict(), plain.state_dict().values(), strict=True)))
    x = torch.randn(1, 1, 12, 12)
    assert torch.equal(plain(x), named(x)) and plain(x).shape == (1, 64, 4, 4)


def test_article_module_list_iterated_and_indexed():
    class MyModule(nn.Module):
        def __init__(self):
            super().__init__()
            self.linears = nn.ModuleList([nn.Linear(10, 10) for i in range(10)])

        def forward(self, x):
            for i, linear in enumerate(self.linears):
                x = self.linears[i // 2](x) + linear(x)
            return x

    model = MyModule()
    model(torch.randn(3, 10)).sum().backward()
    assert len(list(model.parameters())) == 20 and all(each.grad is not None for each in model.parameters())


def test_layers_come_and_go_between_iterations():
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    model.append(nn.Linear(4, 2))
    assert model(torch.randn(3, 4)).shape == (3, 2) and len(list(model.parameters())) == 4
    del model[1]
    assert list(model._modules) == ["0", "1"] and model(torch.randn(3, 4)).shape == (3, 2)
    net = Net()
    net.extra = nn.Linear(1, 1)
    del net.conv2
    assert [name for name, _ in net.named_children()] == ["conv1", "extra"]
    net.conv1 = None
    assert len(list(net.parameters())) == 2


def test_requires_grad_():
    net = Net().requires_grad_(False)
    assert not net(torch.randn(1, 1, 9, 9)).requires_grad
    net.conv2.requires_grad_(True)
    net(torch.randn(1, 1, 9, 9)).sum().backward()
    assert net.conv1.weight.grad is None and net.conv2.weight.grad is not None


def test_state_dict_round_trip_and_its_errors(tmp_path):
    net, other = nn.BatchNorm2d(3), nn.BatchNorm2d(3)
    net(torch.randn(4, 3, 5, 5))
    framework.save(net.state_dict(), tmp_path / "net.safetensors")
    assert str(other.load_state_dict(framework.load(tmp_path / "net.safetensors"))) == "<All keys matched successfully>"
    assert torch.equal(net.running_mean, other.running_mean) and other.num_batches_tracked.item() == 1
    with pytest.raises(RuntimeError, match='Missing key.*"weight"'):
        other.load_state_dict({})
    with pytest.raises(RuntimeError, match="size mismatch for weight"):
        other.load_state_dict({**net.state_dict(), "weight": torch.ones(4)})
    missing, unexpected = other.load_state_dict({"weight": torch.ones(3), "more": torch.ones(1)}, strict=False)
    assert missing == ["bias", "running_mean", "running_var"] and unexpected == ["more"]


def test_buffers():
    module = nn.Module()
    module.register_buffer("kept", torch.zeros(2))
    module.register_buffer("scratch", torch.zeros(2), persistent=False)
    assert list(module.state_dict()) == ["kept"] and [name for name, _ in module.named_buffers()] == ["kept", "scratch"]
    module.kept = torch.ones(2)
    assert module.state_dict()["kept"].tolist() == [1, 1]
    with pytest.raises(TypeError, match="cannot assign 'int' as 'kept'"):
        module.kept = 3


def test_shared_parameters_count_once():
    a = nn.Linear(3, 3)
    model = nn.Sequential(a, nn.ReLU(), a)
    assert len(list(model.parameters())) == 2 and len(model.state_dict()) == 4
    assert len(list(model.modules())) == 3


def test_dir_names_the_members():
    assert {"weight", "bias", "running_mean", "forward", "training"} <= set(dir(nn.BatchNorm1d(1)))
    model = nn.Sequential(nn.ReLU())
    model.add_module("last", nn.ReLU())
    assert "last" in dir(model) and "0" not in dir(model) and dir(model) == sorted(dir(model))


def test_train_and_eval_reach_everything():
    model = nn.Sequential(nn.Dropout(0.5), nn.Sequential(nn.Dropout(0.5)))
    x = torch.ones(1000)
    assert 0 < (model(x) == 0).sum().item() < 1000
    assert torch.equal(model.eval()(x), x) and not model[1][0].training
    with pytest.raises(ValueError, match="training mode is expected to be boolean"):
        model.train("yes")


def test_hooks():
    seen = []
    layer = nn.Linear(2, 2)
    before = layer.register_forward_pre_hook(lambda module, args: (args[0] * 2,))
    after = layer.register_forward_hook(lambda module, args, out: seen.append(args[0].tolist()) or out + 1)
    x = torch.ones(1, 2)
    with torch.no_grad():
        expected = F.linear(x * 2, layer.weight, layer.bias) + 1
        assert torch.equal(layer(x), expected) and seen == [[[2.0, 2.0]]]
        before.remove()
        after.remove()
        assert torch.equal(layer(x), F.linear(x, layer.weight, layer.bias))


def test_backward_hook_sees_and_replaces_gradients():
    layer, seen = nn.Linear(2, 1), []

    def hook(module, grad_input, grad_output):
        seen.append((grad_input[0].tolist(), grad_output[0].tolist()))
        return (grad_input[0] * 10,)

    layer.register_full_backward_hook(hook)
    x = torch.ones(1, 2, requires_grad=True)
    layer(x).sum().backward()
    assert seen == [(layer.weight.tolist(), [[1.0]])]
    assert x.grad.tolist() == (layer.weight * 10).tolist()


def test_deepcopy_is_independent():
    net = Net()
    twin = copy.deepcopy(net)
    with torch.no_grad():
        twin.conv1.weight.zero_()
    assert net.conv1.weight.abs().sum().item() > 0 and list(net.state_dict()) == list(twin.state_dict())


def test_moves_keep_the_parameter_objects():
    """An optimizer made before `to` still updates the right tensors."""
    layer = nn.Linear(2, 2)
    weight = layer.weight
    layer.double()
    assert layer.weight is weight and weight.dtype is torch.float64
    with pytest.raises(TypeError, match="only accepts floating point"):
        layer.to(torch.int64)


def test_apply_and_get_submodule():
    model, names = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ReLU())), []
    model.apply(lambda module: names.append(type(module).__name__))
    assert names == ["Linear", "ReLU", "Sequential", "Sequential"]
    assert model.get_submodule("1.0") is model[1][0]
    with pytest.raises(AttributeError, match="has no module `2`"):
        model.get_submodule("2")


@pytest.mark.parametrize(
    "do, error, message",
    [
        (lambda m: m(1), NotImplementedError, 'missing the required "forward" function'),
        (lambda m: m.register_buffer("a.b", None), KeyError, "be empty or contain"),
        (lambda m: m.register_parameter("p", torch.zeros(1)), TypeError, "cannot assign 'Tensor' as 'p': it is not a Parameter"),
        (lambda m: m.add_module("m", 3), TypeError, "int is not a Module"),
        (lambda m: m.add_module("", "m"), TypeError, "str is not a Module"),
        (lambda m: m.add_module("", nn.ReLU()), KeyError, "be empty or contain"),
        (lambda m: m.nothing, AttributeError, "'Module' object has no attribute 'nothing'"),
    ],
)
def test_bad_use(do, error, message):
    with pytest.raises(error, match=message):
        do(nn.Module())


def test_members_need_the_constructor():
    class Forgetful(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(1, 1)

    with pytest.raises(AttributeError, match=r"cannot assign modules before Module.__init__\(\) call"):
        Forgetful()


def test_a_gradient_that_is_a_view_is_filled_with_zeros():
    module = nn.Linear(2, 1, bias=False)
    memory = framework.ones(4)
    module.weight.grad = memory[1:3].reshape(1, 2)
    module.zero_grad(set_to_none=False)
    assert memory.tolist() == [1, 0, 0, 1]
