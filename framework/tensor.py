"""`Tensor`: PyTorch's methods, a line each onto the ops."""

from operator import index as index_of

import numpy as np

from . import creation, dtypes, methods, printing
from .autograd import engine
from .autograd.inplace import check_writable, overwrite
from .autograd.op import cast, op
from .autograd.variable import Variable
from .device import array_module, device, device_of, gpus, move, namespace
from .offered import expect
from .ops import elementwise, index, shape
from .size import Size, as_one


class Tensor(Variable):
    """A multi-dimensional array of one type that remembers how it was computed, if a gradient of it is wanted."""

    __array_priority__ = 1000  # NumPy's operators leave mixed operands to ours
    __hash__ = object.__hash__

    def __init__(self, *data):
        self._array, self._version = creation.of_old_constructor(data), [0]

    # What it is

    shape = property(lambda self: Size(self._array.shape), doc="The length of each dimension.")
    dtype = property(lambda self: dtypes.of_numpy(self._array.dtype), doc="The type of the elements.")
    device = property(lambda self: device_of(self._array), doc="Where the elements are.")
    ndim = property(lambda self: self._array.ndim, doc="The number of dimensions.")
    is_cuda = property(lambda self: array_module(self._array) is not np, doc="Whether the elements are on a GPU.")
    T = property(lambda self: shape.permute(self, tuple(range(self.ndim))[::-1]), doc="The dimensions in reverse order.")
    mT = property(lambda self: shape.transpose(shape.at_least(2, self, "mT"), -2, -1), doc="Each matrix with rows and columns exchanged.")

    def size(self, dim=None):
        """The shape, or its entry `dim`."""
        return self.shape if dim is None else self._array.shape[shape.normalize(dim, self.ndim)]

    def dim(self) -> int:
        """The number of dimensions."""
        return self._array.ndim

    def numel(self) -> int:
        """The number of elements."""
        return self._array.size

    def element_size(self) -> int:
        """Bytes an element."""
        return self._array.itemsize

    def stride(self, dim=None):
        """How many elements apart neighbours along each dimension are in memory."""
        strides = tuple(each // self._array.itemsize for each in self._array.strides)
        return strides if dim is None else strides[shape.normalize(dim, self.ndim)]

    def is_contiguous(self) -> bool:
        """Whether the elements lie in memory in the order they are read, without gaps."""
        return self._array.flags.c_contiguous

    def is_floating_point(self) -> bool:
        """Whether the type is a floating one."""
        return self.dtype.is_floating_point

    def data_ptr(self) -> int:
        """The address of the first element."""
        return self._array.ctypes.data

    def __len__(self) -> int:
        return len(self._array)

    def __iter__(self):
        return iter(self.unbind(0) if len(self) else ())  # of no dimensions: TypeError

    def __repr__(self) -> str:
        return printing.to_string(self)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if not self.ndim and type(self) is Tensor else object.__format__(self, spec)

    def _number(self, error, what: str):
        expect(self._array.size == 1, f"a Tensor with {self._array.size} elements cannot be converted to {what}", error)
        value = self._array.item()
        return float(value) if self.dtype.is_floating_point else value

    def __bool__(self) -> bool:
        return bool(self._number(RuntimeError, "a truth value"))

    def __float__(self) -> float:
        return float(self._number(ValueError, "a float"))

    def __int__(self) -> int:
        return int(self._number(ValueError, "an int"))

    def __index__(self) -> int:
        return +index_of(self._number(TypeError, "an index"))  # a floating number: TypeError

    def __contains__(self, element) -> bool:
        return bool((self == element).any())

    # Its data elsewhere

    def item(self):
        """The Python number of a tensor of one element."""
        return self._number(RuntimeError, "Scalar")

    def tolist(self):
        """Nested lists of Python numbers."""
        array = self.detach().cpu()._array
        return (array.astype(np.float32) if array.dtype.kind == "V" else array).tolist()  # V: bfloat16

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """A NumPy array of the same memory; with `force`, of a copy where that cannot be."""
        if force:
            return self.detach().cpu()._array
        expect(not self.requires_grad, "Can't call numpy() on Tensor that requires grad: use tensor.detach().numpy()")
        expect(not self.is_cuda, f"can't convert {self.device} device type tensor to numpy. Use Tensor.cpu() first", TypeError)
        return self._array

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        array = self.numpy() if dtype is None else self.numpy().astype(dtype, copy=False)
        return array.copy() if copy else array

    def __dlpack__(self, **options):
        expect(not self.requires_grad, "Can't export tensors that require gradient, use tensor.detach()", BufferError)
        return self._array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self._array.__dlpack_device__()

    def to(self, *args, dtype=None, device=None, non_blocking=False, copy=False):
        """This tensor with another type, on another device or both: itself if nothing changes."""
        for each in args:
            if isinstance(each, dtypes.dtype):
                dtype = each
            elif isinstance(each, Variable):
                dtype, device = each.dtype, each.device
            elif not isinstance(each, bool):
                device = each
        result = self if device is None else _on(self, device)
        result = result if dtype in (None, self.dtype) else cast(result, dtype.numpy)
        return result.clone() if copy and result is self else result

    def cpu(self):
        """This tensor in the host's memory."""
        return self.to("cpu")

    def cuda(self, device=None, non_blocking=False):
        """This tensor on a GPU."""
        return self.to("cuda" if device is None else device)

    def pin_memory(self):
        """A copy in memory that a GPU reads by itself, from where it is moved to one without the host; RuntimeError without a GPU."""
        return Variable.wrap(namespace(device("cuda")) and gpus.pinned(self._array))

    def type(self, dtype=None):
        """The name of the type, or this tensor in another: a dtype, a `FloatTensor`, or the name of one."""
        if dtype is None:
            return f"framework.{'cuda.' * self.is_cuda}{self.dtype.title}Tensor"
        if isinstance(dtype, str):
            title = dtype.rpartition(".")[2]
            expect(title in creation.TENSOR_TYPES, f"invalid type: '{dtype}'", ValueError)
            dtype = creation.TENSOR_TYPES[title]
        return self.to(getattr(dtype, "dtype", dtype))

    def type_as(self, other):
        """This tensor in the type of `other`."""
        return self.to(other.dtype)

    # Autograd

    def backward(self, gradient=None, retain_graph=None, create_graph=False, inputs=None) -> None:
        """Add d(self)/d(leaf) to the `.grad` of every leaf this tensor was computed from."""
        engine.backward((self,), (gradient,), retain_graph, create_graph, inputs)

    def detach(self):
        """The same memory, off the tape."""
        result = Variable.wrap(self._array)
        result._version = self._version
        return result

    def detach_(self):
        """Take this tensor off the tape."""
        expect(self._view is None, "Can't detach views in-place. Use detach() instead")
        self._edge, self._needs_grad = None, False
        return self

    def requires_grad_(self, requires_grad: bool = True):
        """Say whether the gradient of this leaf is wanted."""
        self.requires_grad = requires_grad
        return self

    @property
    def data(self):
        """The same memory, unknown to autograd: changes of it are not noticed."""
        return Variable.wrap(self._array)

    @data.setter
    def data(self, new) -> None:
        self._array, self._version = new._array, [self._version[0] + 1]
        gpus.changes += 1

    def retain_grad(self) -> None:
        """Keep the gradient of this tensor in `.grad` although it is not a leaf."""
        expect(self.requires_grad, "can't retain_grad on Tensor that has requires_grad=False")
        if not self.is_leaf:
            engine.keep_gradient(self)

    def register_hook(self, hook):
        """Call `hook(grad)` whenever the gradient of this tensor is known; what it returns, if not None, takes its place."""
        expect(self.requires_grad, "cannot register a hook on a tensor that doesn't require gradient")
        return engine.add_hook(self, hook)

    def share_memory_(self):
        """Nothing to do: worker threads share all memory."""
        return self

    def __deepcopy__(self, memo):
        expect(self.is_leaf, "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol")
        memo[id(self)] = copy = self.__class__.__new__(self.__class__)
        copy.__dict__.update(self.__dict__, _array=self._array.copy(), _version=[0], _view=None, _hooks=None)
        copy.grad = None if self.grad is None else self.grad.__deepcopy__(memo)
        return copy

    def __getstate__(self) -> dict:
        return {"_array": self.detach().cpu()._array, "_version": [0], "_needs_grad": self._needs_grad}

    # Indexing

    __getitem__ = index.read

    def __setitem__(self, position, value) -> None:
        index.write(self, position, value if isinstance(value, Variable) else creation.as_tensor(value, dtype=self.dtype))

    # Shapes

    def view(self, *sizes, size=None):
        """The same memory in another shape, RuntimeError if that cannot be; or its bits read as another dtype."""
        if len(sizes) == 1 and isinstance(sizes[0], dtypes.dtype):
            return shape.reinterpret(self, sizes[0].numpy)
        return shape.view(self, as_one(sizes) if size is None else tuple(size))

    def split(self, split_size, dim=0):
        """The tensor cut along `dim` into pieces of one size (the last may be smaller) or of the sizes given."""
        return shape.split(self, split_size, dim)

    def where(self, condition, other):
        """This tensor where `condition` is true, `other` elsewhere."""
        return elementwise.where(condition, self, other)

    # Changes in place that are not the in-place form of a function

    def copy_(self, src, non_blocking=False):
        """Overwrite with `src`, broadcast and cast."""
        check_writable(self)
        src = cast(_on(src, self.device), self._array.dtype)
        return overwrite(self, src if src.shape == self.shape else shape.expand(src, self.shape))

    def fill_(self, value):
        """Overwrite with one number."""
        check_writable(self, one_value=True)
        return overwrite(self, elementwise.fill(self.detach(), value))

    def zero_(self):
        """Overwrite with zeros."""
        return self.fill_(0)


def _on(tensor: Variable, where):
    """`tensor` itself if it is on the device `where`, else a copy there."""
    where, here = device(where), tensor.device
    return tensor if where.type == here.type and where.index in (None, here.index) else _moved(tensor, where)


_moved = op(lambda input, where: move(input, where), name="to_copy", input=lambda grad, input: _moved(grad, device_of(input)))


methods.attach(Tensor)
Variable._class = Tensor
