"""Expressions that give the same text, or the same type of error, here and in PyTorch."""

import copy
import pickle

import numpy as np
import pytest

import framework

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]

CREATION = """
tensor(300, dtype=uint8) | tensor([300], dtype=uint8) | tensor([-1], dtype=uint8) | tensor([2.7, -2.7], dtype=int64)
tensor([300.], dtype=uint8) | tensor([2**63], dtype=int64) | tensor(2**63) | tensor([1e400]) | tensor(1e39)
tensor([70000.], dtype=float16) | full((1,), 70000., dtype=float16) | full((2,), 300, dtype=uint8) | full((2,), -1, dtype=uint8)
tensor(np.array([300]), dtype=uint8) | tensor(tensor([300]), dtype=uint8) | tensor([True, 2.5], dtype=bool) | tensor(None) | tensor([None])
tensor({}) | tensor('text') | tensor(np.float32(2)) | tensor([np.float32(2)]) | tensor([np.float64(2)]) | tensor([np.ones(2, np.float32)])
tensor([tensor(1., dtype=float64)]) | tensor([np.int32(1)]) | tensor((np.ones(2), np.ones(2))) | tensor([[], []]) | tensor([[1, 2], [3.]])
as_tensor(3.0) | as_tensor([1, 2], dtype=float64) | tensor(np.array('a')) | tensor(range(3)) | tensor([]) | arange(5, 0) | arange(1, 2.5)
arange(0, 1, 0.25) | arange(3.) | zeros(2, 'a') | zeros(2.0) | zeros(-1) | zeros(tensor(2)) | full((2,), True) | full((2,), 1)
full((2,), 1.5) | full((), 3) | full((2,), tensor(2)) | zeros(size=(2, 3)) | zeros([2, 3]) | ones(()) | empty((0, 2)) | ones(2, dtype=bool)
ones_like(ones(2), dtype=int8) | full_like(ones(2, dtype=int64), 2.5) | eye(2, 3) | eye(3) | eye(0) | eye(-1) | zeros_like(tensor(1))
linspace(0, 1, 5) | linspace(0, 10, 5, dtype=int64) | linspace(3, -2, 4) | linspace(0, 1, -1) | linspace(0, 1, 1) | linspace(0, 1, 0)
linspace(tensor(1.), 2, 3) | logspace(0, 2, 3) | logspace(0, 3, 4, base=2) | logspace(0, 1, 2, dtype=float64) | tril_indices(2, 3)
triu_indices(3, 3, 1) | tril_indices(3, 2, offset=-1) | ones(2).new_zeros((2, 3)) | ones(2).new_tensor([1, 2])
ones(2).new_ones(2, dtype=int64) | ones(2).new_full((1,), 2) | ones(2).new_zeros(2, 1) | from_numpy(np.float64(1))
set_default_dtype(int64) | Tensor(3.0) | Tensor(2).shape | Tensor((2, 3)) | Tensor(Size([2, 3])).shape | Tensor().shape
Tensor(ones(2, dtype=int32)) | FloatTensor(np.ones(2)) | Tensor(np.ones(2)) | Tensor([[1, 2]]) | LongTensor([1.5]) | LongTensor(ones(2))
DoubleTensor([1]) | ByteTensor([1]) | BoolTensor([1, 0]) | HalfTensor([1]) | IntTensor(2, 3).shape | ShortTensor([1]) | CharTensor([1])
BFloat16Tensor([1]) | FloatTensor.dtype | ones(2).type() | ones(2).bool().type() | isinstance(ones(2), FloatTensor)
tensor([np.ones(2, np.float32), [1, 2.5]]) | tensor([tensor(1., dtype=float16), 2.5]) | tensor([tensor(1), 2.5])
isinstance(ones(2).double(), FloatTensor) | isinstance(1, LongTensor) | ones(2).type(DoubleTensor)
ones(2).type('torch.DoubleTensor') | ones(2).type(int64) | ones(2).type('nonsense')
isinstance(ones(2), Tensor) | tensor([np.float32(1), 1])
"""

SHAPES = """
cat([]) | cat([ones(()), ones(1)]) | cat([ones(2, 2), ones(3, 3)]) | cat([ones(2, 2), ones(3)]) | cat([ones(2), 1])
cat([ones(0), ones(2, 2, dtype=int32)]) | cat([ones(2), tensor([1])]) | cat([tensor([1]), tensor([True])]) | cat([ones(0), ones(0)])
cat((ones(2, 1), ones(2, 2)), axis=1) | cat([ones(2)], dim=3) | cat([ones(2, dtype=float16), ones(2, dtype=bfloat16)]) | stack([])
stack([ones(2), ones(3)]) | stack([ones(2), tensor([1, 2])], -1) | stack([ones(2)], 3) | Size([1]) + (2,) | (2,) + Size([1])
Size([1, 2])[0:1] | Size((1, 2)).numel() | Size([]).numel() | Size([1, 2])[0] | ones(3).narrow(0, 2, 3)
ones(3).narrow(0, 5, 0) | ones(3).narrow(0, 0, -1) | arange(3).narrow(0, -2, 1) | narrow(ones(3), dim=0, start=tensor(1), length=1)
ones(2, 3).select(0, 5) | ones(()).select(0, 0) | arange(6).view(2, 3).select(-1, -1) | ones(3).unfold(0, 5, 1) | ones(3).unfold(0, 2, 0)
ones(3).unfold(0, -2, 1) | ones(3).unfold(0, 0, 1).shape | ones(6).unflatten(0, (-1, 2)).shape | ones(6).unflatten(0, (4, 2))
ones(6).unflatten(0, ()) | ones(2, 3).unflatten(dim=-1, sizes=(3, 1)) | ones(6).tensor_split(0) | ones(6, 6).hsplit(4) | ones(6).vsplit(2)
ones(6, 2).dsplit(2) | ones(()).hsplit(2) | ones(6).chunk(0) | ones(0).chunk(3) | ones(3).chunk(7)
tensor_split(arange(5), tensor([1, 3])) | tensor_split(arange(5), tensor(2)) | ones(5).tensor_split((7, 2)) | ones(6).split(-1)
ones(6).split(0) | ones(0).split(0) | ones(6).split([1, 2]) | ones(6).split([-1, 7]) | ones(()).split(1)
ones(2, 3).split(split_size=1, dim=1) | ones(()).unbind() | ones(0, 2).unbind() | ones(2, 0).unbind() | ones(3).rot90()
ones(3, 3).rot90(1, (0,)) | ones(3, 3).rot90(1, (0, 0)) | ones(2, 3).rot90(k=1, dims=[0, 1]).shape | ones(3).fliplr() | ones(()).flipud()
ones(3).tril() | ones(()).triu() | ones(3).diagonal() | ones(3, 3).diagonal(0, 0, 0) | ones(3, 3, 3).diag() | ones(()).diag()
ones(3, 3).diagonal(7) | ones(3).diag_embed(0, 0, 0) | arange(6).view(2, 3).diagonal(dim1=1, dim2=0, offset=-1)
diag_embed(arange(2), offset=1, dim1=0, dim2=-1) | diagflat(arange(4).view(2, 2), -1) | broadcast_shapes((2, 1), (3,), 4)
broadcast_shapes((2, 1), (3,), 3) | broadcast_shapes((2,), (3,)) | broadcast_shapes() | broadcast_tensors(ones(2), ones(3))
broadcast_tensors(ones(2, 1), arange(3)) | broadcast_to(arange(3), (2, 3)) | broadcast_to(ones(3), size=(2,))
ones(3).broadcast_to((2, 3)).stride() | meshgrid(ones(2), ones(2, 2)) | meshgrid(ones(2), ones(()), indexing='xy')
meshgrid(ones(2), indexing='zz') | meshgrid([arange(2), arange(3)]) | hstack([tensor(1), tensor(2)]) | repeat_interleave(tensor([1, 2, 0]))
ones(3).repeat_interleave(tensor([1, 2])) | ones(3).repeat_interleave(-1) | arange(3).repeat_interleave(tensor([2, 0, 1]), dim=0)
ones(2, 2).view(int32) | ones(2, 2).view(float64) | ones(2, 2).view(int8).shape | ones(2, 4).t().view(float64) | ones(()).view(int8)
ones(3).view(float64) | tensor([1., -2.]).view(int32) | ones(2, 3).permute(0, 0) | ones(2, 3).permute(0) | ones(2, 3).permute(0, 2)
ones(2, 3).permute(dims=(1, 0)).shape | ones(2, 3).flip(0, 0) | arange(3).flip(dims=(0,)) | flip(arange(4).view(2, 2), [])
ones(2, 3).view(-1, -1) | ones(2, 3).view(-2, 3) | ones(0, 3).view(0, -1) | ones(2, 3).view(size=(3, 2)).shape
ones(2, 3).reshape(shape=(3, 2)).shape | ones(2, 3).reshape(4) | ones(2, 3).roll((1, 1), 0) | ones(2, 3).roll((1, 1)) | ones(()).roll(1)
arange(6).view(2, 3).roll(shifts=1, dims=1) | ones(2, 3).roll(1, (0, 1)) | ones(2, 3).squeeze((0, 0)) | ones(1, 2, 1).squeeze((0, 1)).shape
ones(2, 3).movedim((0, 0), (0, 1)) | ones(2, 3).movedim((0,), (0, 1)) | ones(2, 3).movedim(0, 5)
ones(2, 3).swapaxes(axis0=0, axis1=1).shape | ones(2, 3).expand(2, -1, -1).shape | ones(3).expand(-1, 3)
ones(1, 3).expand(size=(2, 3)).shape | ones(3).expand(2) | ones(2, 3).expand(3) | ones(3).mT | ones(3).tile(dims=(2,)) | ones(3).tile(2, 2)
ones(3).repeat(repeats=(2,)) | ones(2, 3).repeat(2) | ones(2, 3).stride(5) | ones(2, 3).stride(-1) | ones(3).unsqueeze(5)
ones(2).size(dim=0) | atleast_2d(ones(()), ones(2)) | atleast_3d([ones(2)]) | fill(ones(2), 3) | fill(tensor([1, 2]), 2.5)
constant_pad_nd(ones(2, 2), (1,)) | constant_pad_nd(ones(2, 2), (1, 1, 1, 1, 1, 1)) | constant_pad_nd(ones(2, 2), (-2, -1))
constant_pad_nd(ones(2), (1, -1), value=2) | ones(2, dtype=int64).fill_(2.5) | ones(2).fill_(ones(1)) | ones(2).fill_(tensor(3))
ones(2, dtype=uint8).fill_(300) | ones(2, dtype=bool).fill_(2) | ones(2).zero_() | ones(2).copy_(tensor([1, 2]))
ones(2, 2).copy_(arange(2)) | ones(2).copy_(ones(3)) | ones(2, dtype=int64).copy_(tensor([1.5, -1.5])) | ones(2).copy_(ones(2, 2))
ones(3).expand(2, 3).add_(1) | ones(3).expand(2, 3).zero_() | ones(3).expand(2, 3).fill_(2) | ones(3).expand(2, 3).copy_(ones(2, 3))
ones(3).expand(2, 3).uniform_() | ones(3).expand(2, 3)[0].add_(1) | ones(1).expand(1, 1).add_(1) | ones(2, 1).expand(2, 0).add_(1)
ones(3).unfold(0, 2, 2).add_(1) | ones(2, 2).diagonal().add_(1) | ones(2).bfloat16().tolist() | ones(2, requires_grad=True).__dlpack__()
f'{tensor(1.5):.3f}' | f'{ones(2)}' | format(ones(2), '.2f') | ones(2, 3).numel() | len(ones(2, 3)) | float(ones(2)) | int(tensor([3]))
bool(ones(0)) | tensor(2) in ones(2) | [10, 20][tensor(1)] | ones(2, 3).T.shape | ones(2, 3).ravel().shape | list(arange(2))
ones(2).dim() | column_stack([arange(2), ones(2)]) | dstack([arange(2), arange(2)])
vstack((ones(2), ones(1, 2))) | moveaxis(ones(2, 3), 0, 1).shape
"""

RANDOM = """
bernoulli(tensor([2.0])) | bernoulli(tensor([0., 1.])) | bernoulli(ones(2), p=0) | bernoulli(ones(2), 1.) | ones(2).bernoulli_(2)
ones(2).bernoulli_(tensor([0., 1.])) | ones(2, dtype=int64).bernoulli_(0.) | multinomial(tensor([1., 0.]), 3)
multinomial(tensor([0., 0.]), 1) | multinomial(tensor([-1., 1.]), 1) | multinomial(ones(2, 2, 2), 1) | multinomial(tensor([1, 2]), 1)
multinomial(tensor([0., 3., 0.]), 3, replacement=True) | multinomial(tensor([[0., 3.], [1., 0.]]), 1)
tensor([0., 1.]).multinomial(1).dtype | normal(zeros(2), ones(3)) | normal(0., -1., (2,)) | normal(zeros(2), -ones(2))
normal(tensor([1., 2.]), 0.) | normal(1., zeros(2, 1)) | normal(zeros(2)).shape | normal(2., 0., (2, 3))
normal(2., 0., size=(1,), dtype=float64) | ones(2, dtype=int64).uniform_() | ones(2, dtype=int64).normal_() | ones(2).uniform_(1, 0)
ones(2).uniform_(2, 2) | ones(2).normal_(0, -1) | ones(2).normal_(3, 0) | ones(2).normal_(mean=3, std=0) | ones(2).exponential_(-1)
ones(2).exponential_(0) | ones(2).random_(3, 3) | ones(2).random_(1) | ones(2).random_(2, 3) | ones(2, dtype=uint8).random_(0, 300)
ones(2, dtype=uint8).random_(-3, 5) | ones(2, dtype=int64).exponential_() | tensor(np.int64(300), dtype=uint8) | tensor(ones(2, 2)[1])
tensor([[ones(()), 2], [3, 4.5]]) | tensor([np.int16(3), 4]) | tensor(np.arange(4)[1:3], dtype=float64) | tensor([True], dtype=float64)
rand_like(ones(2, dtype=int64)) | rand(2, dtype=int64) | randn(2, dtype=int64) | randint_like(ones(2), 1) | randint_like(tensor([5]), 2, 3)
randint(3, 3, (2,)) | randint(1, (2,)) | rand(size=(0, 2)) | randn((2, 3)).shape | randperm(1, dtype=int32) | randperm(-1)
"""


def expressions(text):
    return [each.strip() for line in text.strip().splitlines() for each in line.split(" | ")]


def outcome(namespace, expression):
    """The text of the value, or the kinds of error that it is."""
    names = {name: each for name, each in vars(namespace).items() if name not in ("float", "int", "bool", "range", "isinstance")}
    kinds = {"bool": namespace.bool} if "dtype=bool" in expression else {}
    try:
        return repr(eval(expression, {**names, **kinds, "np": np})).replace("torch.", "framework."), ()
    except Exception as error:
        return None, type(error).__mro__


@pytest.mark.parametrize("expression", expressions(CREATION) + expressions(SHAPES) + expressions(RANDOM))
def test_same_text_or_error(expression):
    (ours, errors), (theirs, their_errors) = outcome(framework, expression), outcome(torch, expression)
    assert ours == theirs
    assert not their_errors or their_errors[0] in errors


WRITES = """
x.split(1)[0].add_(1) | x.unbind()[1][0].add_(1) | x.chunk(2)[1].add_(1) | x.tensor_split(2)[1].add_(1) | [row.add_(1) for row in x]
x.hsplit(2)[0].mul_(2) | x.detach().split(1)[1].add_(1) | x.detach().split(1)[1].add_(x[:1]) | x.t().add_(1) | x[0].copy_(x[1])
x.diagonal().mul_(2) | x[None].zero_() | x.unfold(0, 2, 2).mul_(2) | leaf.add_(1) | leaf[0].add_(1) | leaf.detach().add_(1)
leaf.data.add_(1) | leaf.view(-1).zero_() | leaf.split(1)[0].add_(1) | x.expand(2, 3, 2).add_(1)
(a := x.unbind()[1], x.add_(1), a.grad_fn) | (a := x[1], x.add_(1), a.grad_fn) | (a := hidden(x), x.add_(1), a.grad_fn) | hidden(x).add_(1)
hidden(x).detach().add_(1) | (a := x.detach().split(1)[1], a.add_(1), x.detach().mul_(2)) | x.fill_(1) | x.zero_() | x.copy_(x.detach())
x.uniform_(1, 1) | x.add_(1).mul_(2) | x[0, 0].fill_(3)
"""


@pytest.mark.parametrize("expression", expressions(WRITES))
def test_in_place_changes_of_views(expression):
    """The values and gradients of x * x after a change, or the error."""

    def after(namespace):
        leaf = namespace.arange(6.0).reshape(3, 2).clone().requires_grad_()
        x = leaf * 1
        hidden = namespace.no_grad()(lambda tensor: tensor[:2])
        try:
            eval(expression, {"x": x, "leaf": leaf, "hidden": hidden})
        except RuntimeError:
            return "RuntimeError"
        return x.tolist(), x.requires_grad, namespace.autograd.grad((x * x).sum(), leaf)[0].tolist()

    assert after(framework) == after(torch)


NAMES = """
x + 1 | x - 1 | x * 2 | x / 2 | -x | x ** 2 | x.exp() | x.log() | x.sqrt() | x.abs() | x.sum() | x.relu() | x.sigmoid() | x.tanh()
x.softmax(0) | x.log_softmax(0) | x.max(0)[0] | x.amax() | x.prod() | x.cumsum(0) | x.gather(0, index)
x.masked_fill(x > 0, 0) | T.where(x > 0, x, x) | T.maximum(x, x) | x[0] | x[0:1] | x[:, 0] | x[0, 1:] | x[None] | x[:] | x[...] | x[[0, 1]]
x[x > 0] | T.cat([x, x]) | T.stack([x, x]) | x.split(2)[0] | x.chunk(2)[0] | x.unbind()[0]
x.tensor_split(2)[0] | T.hsplit(x, 3)[0] | x.narrow(0, 0, 1) | x.select(0, 1) | x.unfold(0, 2, 1)
x.unflatten(0, (3, 1)) | x.flatten() | x.reshape(9) | x.view(9) | x.permute(1, 0)
x.T | x.mT | x.t() | x.transpose(0, 1) | x.movedim(0, 1) | x.swapaxes(0, 1) | x.expand(2, 3, 3) | T.broadcast_to(x, (2, 3, 3))
x.squeeze() | x.unsqueeze(0) | x.clone() | x.contiguous() | x.t().contiguous() | x.flip(0) | x.fliplr() | x.roll(1) | x.tril() | x.triu()
x.repeat(2, 1) | x.tile(2) | x.diagonal() | x[0].diag() | T.diag_embed(x) | T.diagflat(x) | T.atleast_3d(x) | T.hstack([x, x])
T.dstack([x, x]) | T.column_stack([x, x]) | T.constant_pad_nd(x, (1, 1)) | x.double()
"""


@pytest.mark.parametrize("expression", expressions(NAMES))
def test_names_on_the_tape(expression):
    def name(namespace):
        x = namespace.ones(3, 3, requires_grad=True) * 1
        return eval(expression, {"x": x, "T": namespace, "index": namespace.zeros(1, 1, dtype=namespace.int64)}).grad_fn.name()

    assert name(framework) == name(torch)


def test_random_fills_follow_their_distributions():
    """Mean and standard deviation of many numbers, where there are any."""
    framework.manual_seed(0)
    x = framework.empty(20000, dtype=framework.float64)
    for fill, mean, std in [
        (lambda: x.uniform_(-1, 3), 1, 4 / 12**0.5),
        (lambda: x.normal_(2, 3), 2, 3),
        (lambda: x.exponential_(2), 0.5, 0.5),
        (lambda: x.bernoulli_(0.3), 0.3, 0.21**0.5),
        (lambda: x.random_(10), 4.5, 8.25**0.5),
        (lambda: x.copy_(framework.normal(framework.full((20000,), 1.0), 2.0)), 1, 2),
        (lambda: x.copy_(framework.multinomial(framework.tensor([1.0, 0.0, 3.0]), 20000, True)), 1.5, 0.75**0.5),
        (lambda: x.copy_(framework.multinomial(framework.tensor([[1.0, 0.0, 3.0]] * 20000), 1)[:, 0]), 1.5, 0.75**0.5),
    ]:
        fill()
        assert abs(x.mean().item() - mean) < 0.05 * max(std, 1) and abs(x.std().item() / std - 1) < 0.05
    for dtype in (framework.float16, framework.bfloat16, framework.float32):
        assert framework.rand(200000, dtype=dtype).max() < 1 and framework.rand(9, dtype=dtype).dtype is dtype
    assert sorted(framework.multinomial(framework.ones(5), 5).tolist()) == [0, 1, 2, 3, 4]
    generator = framework.Generator()
    first = [framework.bernoulli(framework.full((9,), 0.5), generator=generator.manual_seed(3)).tolist() for _ in range(2)]
    assert first[0] == first[1]


def test_protocols():
    for namespace in (framework, torch):
        x = namespace.arange(6.0).reshape(2, 3).clone()
        assert copy.copy(x).data_ptr() == x.data_ptr() and copy.deepcopy(x).data_ptr() != x.data_ptr()
        assert pickle.loads(pickle.dumps(x.shape)) == (2, 3) and type(pickle.loads(pickle.dumps(x.shape))) is namespace.Size
        y = namespace.from_dlpack(x)
        y[0, 0] = 9
        assert x[0, 0] == 9 and np.from_dlpack(x)[0, 0] == 9 and x.numpy()[0, 0] == 9
        assert x.contiguous() is x and x.t().contiguous() is not x
        assert x.view(6)._base is x and x.view(6)[1:]._base is x and x._base is None and x.unfold(0, 2, 1)._base is x
        assert x.expand(2, 2, 3)._base is x and x.diagonal()._base is x and x.split(1)[1]._base is x and x.detach()._base is None
