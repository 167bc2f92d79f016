"""Queues of work for a GPU, and marks in them.

What is given to a GPU waits in the queue, the stream, that is in use; work of one stream is done in order, of several at once.  An event
is a mark in a stream, for which another stream, or the host, can wait.
"""

from contextlib import nullcontext

from ..device import device, gpus, namespace


def _cuda():
    """CuPy's part for the device; RuntimeError if there is no GPU."""
    return namespace(device("cuda")).cuda


def _gpu(number):
    """In this block GPU `number` is in use; for None that which is."""
    return nullcontext() if number is None else _cuda().Device(device(number).index)


class Event:
    """A mark in a stream; two of them made with `enable_timing` tell the time between."""

    def __init__(self, enable_timing: bool = False, blocking: bool = False):
        self._event = _cuda().Event(block=blocking, disable_timing=not enable_timing)

    def record(self, stream=None) -> None:
        """Set the mark behind what `stream`, or the one in use, has been given so far."""
        (stream or current_stream()).record_event(self)

    def wait(self, stream=None) -> None:
        """Let what `stream`, or the one in use, is given from here on wait for the mark."""
        (stream or current_stream()).wait_event(self)

    def query(self) -> bool:
        """Whether all before the mark is done."""
        return self._event.done

    def synchronize(self) -> None:
        """Let the host wait for the mark."""
        self._event.synchronize()

    def elapsed_time(self, end_event) -> float:
        """Milliseconds from this mark to the other, both reached."""
        return _cuda().get_elapsed_time(self._event, end_event._event)


class Stream:
    """A queue of work for a GPU, used in `with cuda.stream(s):`."""

    def __init__(self, device=None, priority: int = 0, _stream=None):
        with _gpu(device):
            self._stream = _stream or _cuda().Stream(non_blocking=True, priority=priority)

    def record_event(self, event=None) -> Event:
        """A mark behind what was given so far."""
        event = event or Event()
        self._stream.record(event._event)
        return event

    def wait_event(self, event: Event) -> None:
        """Let what is given from here on wait for a mark."""
        self._stream.wait_event(event._event)

    def wait_stream(self, stream: "Stream") -> None:
        """Let what is given from here on wait for what `stream` has been given so far."""
        self.wait_event(stream.record_event())

    def query(self) -> bool:
        """Whether all is done."""
        return self._stream.done

    def synchronize(self) -> None:
        """Let the host wait until all is done."""
        self._stream.synchronize()

    def __eq__(self, other) -> bool:
        return isinstance(other, Stream) and self._stream == other._stream

    __hash__ = None


def current_stream(device=None) -> Stream:
    """The stream in use on a GPU."""
    with _gpu(device):
        return Stream(_stream=_cuda().get_current_stream())


def default_stream(device=None) -> Stream:
    """The stream that is in use if no other is."""
    with _gpu(device):
        return Stream(_stream=_cuda().Stream.null)


def is_current_stream_capturing() -> bool:
    """Whether a step is being recorded (`framework.compile`), so that the host can ask nothing of the GPU."""
    return gpus.recording is not None


def stream(stream: Stream | None):
    """In this block work is given to `stream`; None changes nothing."""
    return nullcontext() if stream is None else stream._stream
