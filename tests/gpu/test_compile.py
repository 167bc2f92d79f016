"""framework.compile: a step recorded as a graph does what the step does, hundreds of times over; on a CPU it is the step."""

import warnings

import numpy as np
import pytest

import framework
import framework.nn.functional as F
from framework import nn, optim
from tests.gpu.cupy_module import cupy  # noqa: F401 - a fixture


@pytest.fixture(params=["cpu", "cuda"])
def device(request, cupy):  # noqa: F811
    return request.param


def network():
    # no bias before the normalisation: its gradient is rounding alone, which Adam makes whole steps of
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.3), nn.Flatten(),
        nn.Linear(36, 3),
    )


def trained(device, make_optimizer, compiled, steps=40, schedule=True):
    framework.manual_seed(0)
    model = network().to(device)
    optimizer = make_optimizer(model.parameters())
    scheduler = optim.lr_scheduler.StepLR(optimizer, 7, 0.8)

    def step(images, labels):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss

    run, losses = framework.compile(step) if compiled else step, []
    images, labels = framework.randn(steps, 8, 1, 6, 6).to(device), framework.randint(0, 3, (steps, 8)).to(device)
    for number in range(steps):
        losses.append(run(images[number], labels[number]).item())
        _ = [framework.rand(50, device=device) for _ in range(3)]  # other memory, and other random numbers, in between
        if schedule:
            scheduler.step()
    return losses, [each.cpu().numpy() for each in model.state_dict().values()], run


MAKERS = {
    "sgd": lambda p: optim.SGD(p, 0.05),
    "momentum": lambda p: optim.SGD(p, 0.05, momentum=0.9, nesterov=True, weight_decay=1e-3),
    "adam": lambda p: optim.Adam(p, 0.01),
    "adamw": lambda p: optim.AdamW(p, 0.01, amsgrad=True),
    "adadelta": lambda p: optim.Adadelta(p, 1.0),
    "rmsprop": lambda p: optim.RMSprop(p, 0.01, momentum=0.5, centered=True),
    "adagrad": lambda p: optim.Adagrad(p, 0.05),
    "adamax": lambda p: optim.Adamax(p, 0.01),
}


@pytest.mark.parametrize("name", MAKERS)
def test_the_same_training(device, name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        losses, weights, run = trained(device, MAKERS[name], compiled=True)
    expected, theirs, _ = trained(device, MAKERS[name], compiled=False)
    np.testing.assert_allclose(losses, expected, rtol=2e-4)
    for ours, other in zip(weights, theirs, strict=True):
        np.testing.assert_allclose(ours, other, rtol=2e-3, atol=1e-4)
    assert len(run.graphs) == (device == "cuda")


@pytest.mark.parametrize("kind, options", [("LSTM", {"num_layers": 2}), ("GRU", {}), ("RNN", {}), ("LSTM", {"proj_size": 2})], ids=str)
@pytest.mark.parametrize("batch_first", [False, True])
def test_sequences_of_other_lengths_at_every_call(device, kind, options, batch_first):
    """Lengths that lie on the GPU leave the batch padded while a step is recorded, for nobody can ask for them: the same results."""

    def training(compiled):
        framework.manual_seed(0)
        layer = getattr(nn, kind)(3, 4, bidirectional=True, batch_first=batch_first, **options).to(device)
        optimizer = optim.SGD(layer.parameters(), 0.1)

        def step(x, lengths):
            optimizer.zero_grad()
            packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first, enforce_sorted=False)
            out, last = layer(packed._replace(data=packed.data * 2))
            padded, found = nn.utils.rnn.pad_packed_sequence(out, batch_first, -1.0, total_length=6)
            loss = (padded.amax(1 if batch_first else 0) ** 2).mean() + sum([each.square().sum() for each in last]) / 10
            loss.backward()
            optimizer.step()
            return loss, padded, found, last

        run, outcomes = framework.compile(step) if compiled else step, []
        for _ in range(8):
            x, lengths = framework.randn((4, 5, 3) if batch_first else (5, 4, 3)), framework.randint(1, 6, (4,))
            outcomes.append(run(x.to(device), lengths.to(device)))
        if compiled:
            assert len(run.graphs) == (device == "cuda")
        return [each.detach().cpu().numpy() for each in flat(outcomes)]

    for ours, expected in zip(training(True), training(False), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5)


def test_a_step_can_ask_whether_it_is_recorded(device):
    answers = []
    run = framework.compile(lambda x: (answers.append(framework.cuda.is_current_stream_capturing()), x * 2)[1])
    for _ in range(4):
        run(framework.ones(2, device=device))
    assert answers == ([False, False, True] if device == "cuda" else [False] * 4)
    assert not framework.cuda.is_current_stream_capturing()


def test_the_longest_of_sequences_must_be_said(device):
    """Without it what is padded is as long as the longest sequence of the batch, which a graph would not know."""
    layer = nn.GRU(2, 3).to(device)

    def step(x, lengths):
        out, _ = layer(nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False))
        return nn.utils.rnn.pad_packed_sequence(out)[0].detach()

    run = framework.compile(step)
    for longest in (3, 2, 4, 1):
        x, lengths = framework.randn(4, 2, 2).to(device), framework.tensor([1, longest]).to(device)
        if device == "cuda" and longest == 4:
            with pytest.warns(UserWarning, match="must be told total_length"):
                out = run(x, lengths)
        else:
            out = run(x, lengths)
        assert framework.equal(out, step(x, lengths)) and len(out) == longest


@pytest.mark.parametrize("dtype", [framework.float16, framework.bfloat16], ids=lambda each: each.name)
def test_in_16_bits(device, dtype):
    def training(compiled):
        framework.manual_seed(0)
        layers = nn.Linear(6, 40), nn.LayerNorm(40), nn.GELU(), nn.Unflatten(1, (10, 4)), nn.MultiheadAttention(4, 2, batch_first=True)
        layers, head = nn.ModuleList(layers).to(device, dtype), nn.Linear(40, 3).to(device, dtype)
        optimizer = optim.SGD([*layers.parameters(), *head.parameters()], 0.1, momentum=0.9)

        def step(x, labels):
            optimizer.zero_grad()
            for layer in layers[:-1]:
                x = layer(x)
            loss = F.cross_entropy(head(layers[-1](x, x, x)[0].flatten(1)), labels)
            loss.backward()
            optimizer.step()
            return loss

        run = framework.compile(step) if compiled else step
        losses = [run(framework.randn(8, 6).to(device, dtype), framework.randint(0, 3, (8,)).to(device)).item() for _ in range(8)]
        if compiled:
            assert len(run.graphs) == (device == "cuda")
        return losses

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(training(True), training(False), rtol=0.02)


def flat(outcomes):
    return [each for outcome in outcomes for each in (flat(outcome) if isinstance(outcome, (tuple, list)) else [outcome])]


def test_a_rate_that_begins_as_an_integer(device):
    weight = framework.zeros(2, device=device, requires_grad=True)
    optimizer = optim.SGD([weight], lr=1)

    def step(x):
        optimizer.zero_grad()
        (weight * x).sum().backward()
        optimizer.step()

    run = framework.compile(step)
    for lr in (1, 1, 1, 1, 0.25, 0.25):
        optimizer.param_groups[0]["lr"] = lr
        run(framework.ones(2, device=device))
    assert weight.tolist() == [-4.5, -4.5]


def test_hundreds_of_steps(device):
    losses, _, _ = trained(device, MAKERS["momentum"], compiled=True, steps=300)
    expected, _, _ = trained(device, MAKERS["momentum"], compiled=False, steps=300)
    np.testing.assert_allclose(losses, expected, rtol=1e-2)


def test_a_graph_for_each_shape(device):
    weight = framework.ones(3, device=device, requires_grad=True)
    calls = []

    def step(x, scale):
        calls.append(x.shape)
        return {"loss": ((x * weight).sum().detach() * scale,), "rows": len(x)}

    run = framework.compile(step)
    for _ in range(5):
        for rows in (2, 4):
            for scale in (1.0, 3.0):
                x = framework.rand(rows, 3, device=device)
                out = run(x, scale)
                assert out["rows"] == rows
                assert out["loss"][0].item() == pytest.approx(x.sum().item() * scale, rel=1e-6)
    assert len(calls) == (12 if device == "cuda" else 20)


def test_outputs_are_not_written_over(device):
    run = framework.compile(lambda x: x * 2)
    outs = [run(framework.full((2,), float(number), device=device)) for number in range(6)]
    assert [each.tolist() for each in outs] == [[2.0 * number] * 2 for number in range(6)]


UNRECORDED = {
    "a number for the host": lambda x: x * x.sum().item(),
    "a decision": lambda x: x * 2 if x.sum() > 0 else x,
    "a shape by values": lambda x: x[x > 0].sum(),
    "a copy": lambda x: x + framework.ones(3).to(x.device),
}


@pytest.mark.parametrize("name", UNRECORDED)
def test_what_cannot_be_recorded_is_said_and_runs(cupy, name):  # noqa: F811
    run, x = framework.compile(UNRECORDED[name]), framework.tensor([1.0, -2.0, 4.0], device="cuda")
    for _ in range(2):
        run(x)
    with pytest.warns(UserWarning, match="cannot be recorded and runs as it is: .*captur"):
        out = run(x)
    assert np.array_equal(out.cpu().numpy(), UNRECORDED[name](x).cpu().numpy())
    assert np.array_equal(run(x).cpu().numpy(), out.cpu().numpy())


def test_a_step_that_fails_to_be_recorded_has_not_counted(cupy):  # noqa: F811
    weight = framework.ones(3, device="cuda", requires_grad=True)
    optimizer = optim.Adam([weight], 0.1)

    def step(x):
        optimizer.zero_grad()
        loss = ((F.dropout(weight, 0.5) - x) ** 2).sum()
        loss.backward()
        optimizer.step()
        return loss.item()

    framework.manual_seed(0)
    run = framework.compile(step)
    with pytest.warns(UserWarning, match="cannot be recorded"):
        losses = [run(framework.zeros(3, device="cuda")) for _ in range(6)]
    assert optimizer.state[weight]["step"].item() == 6
    weight.data.fill_(1.0)
    optimizer = optim.Adam([weight], 0.1)
    framework.manual_seed(0)
    assert losses == [step(framework.zeros(3, device="cuda")) for _ in range(6)]


# What a step does to tensors that it was not given


def learnt(device, compiled, **zeroed):
    """A weight's values and gradients where only forward and backward are compiled: the rest stands outside."""
    weight = framework.ones(3, device=device, requires_grad=True)
    optimizer, seen = optim.SGD([weight], 0.1), []

    def step(x):
        loss = ((weight - x) ** 2).sum()
        loss.backward()
        return loss

    run = framework.compile(step) if compiled else step
    for number in range(12):
        loss = run(framework.full((3,), float(number), device=device))
        seen += [loss.item(), *weight.grad.tolist(), *weight.tolist()]
        if number % zeroed.get("every", 1) == zeroed.get("every", 1) - 1:  # else gradients add up
            optimizer.step()
            optimizer.zero_grad(zeroed.get("set_to_none", True))
    return seen, run


@pytest.mark.parametrize("zeroed", [{}, {"set_to_none": False}, {"every": 2}, {"every": 3, "set_to_none": False}], ids=str)
def test_gradients_that_are_forgotten_outside(device, zeroed):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found, run = learnt(device, True, **zeroed)
    np.testing.assert_allclose(found, learnt(device, False, **zeroed)[0], rtol=1e-6)
    assert bool(run.graphs) == (device == "cuda")


def test_a_recording_that_fails_leaves_the_gradients_alone(cupy):  # noqa: F811
    weight = framework.ones(3, device="cuda", requires_grad=True)

    def step(x):
        loss = (weight * x).sum()
        loss.backward()
        return loss.item()

    run = framework.compile(step)
    with pytest.warns(UserWarning, match="cannot be recorded"):
        for number in range(6):
            weight.grad = weight.grad if number in (1, 3) else None  # 3: the call after that which should be recorded
            run(framework.full((3,), 2.0, device="cuda"))
            assert weight.grad.tolist() == [4.0 if number in (1, 3) else 2.0] * 3


def test_values_of_the_cpu_and_of_python_are_part_of_the_kind(device):
    x = framework.tensor([1.0, 2.0, 3.0, 4.0], device=device)
    by_number, by_index = framework.compile(lambda x, s: x.sum() * s.item()), framework.compile(lambda x, i: x[i].sum())
    for value in (1.0, 2.0) * 4:
        assert by_number(x, framework.tensor(value)).item() == 10 * value
        assert by_index(x, framework.tensor([0, int(value)])).item() == 2 + value
    times, whole = framework.compile(lambda x, factor: x * factor), framework.tensor([1, 2], device=device)
    for factor in (2, 2, 2, 2, 2.0, 2.0, 2.0, 2.0):
        assert times(whole, factor).dtype is (framework.int64 if type(factor) is int else framework.float32)


def test_with_and_without_a_tape(device):
    model = nn.Linear(2, 1, bias=False).to(device)
    run, x = framework.compile(lambda x: model(x).sum()), framework.ones(1, 2, device=device)
    with framework.no_grad():
        for _ in range(4):
            run(x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a result that waits for backward cannot be recorded
        for _ in range(4):
            run(x).backward()
    assert model.weight.grad.tolist() == [[4.0, 4.0]]


def test_an_argument_that_needs_a_gradient_is_not_recorded(device):
    weight = framework.ones(2, device=device, requires_grad=True)

    def step(x):
        (x * x * weight).sum().backward()
        return x.grad

    run = framework.compile(step)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(5):
            x = framework.tensor([1.0, 3.0], device=device, requires_grad=True)
            assert run(x).tolist() == x.grad.tolist() == [2.0, 6.0]


@pytest.mark.parametrize("change", ["data", "parameter", "state", "group"])
def test_other_memory_than_before(device, change):
    """A weight that is given other values, and an optimizer that is taken back, are seen by what was recorded."""

    def learn(compiled):
        model, other = nn.Linear(2, 1, bias=False).to(device), framework.ones(2, device=device, requires_grad=True)
        model.weight.data.fill_(1.0)
        optimizer, seen = optim.SGD(model.parameters(), 0.125, momentum=0.5), []

        def step(x):
            optimizer.zero_grad()
            other.grad = None
            loss = (model(x) * other.sum()).sum()
            loss.backward()
            optimizer.step()
            return loss

        run = framework.compile(step) if compiled else step
        for number in range(12):
            if number == 2:
                saved = {"state": {0: {"momentum_buffer": framework.tensor([[7.0, 7.0]], device=device)}},
                         "param_groups": optimizer.state_dict()["param_groups"]}  # fmt: skip
            if number == 5:
                if change == "data":
                    model.weight.data = framework.full((1, 2), 5.0, device=device)
                elif change == "parameter":
                    model.weight = nn.Parameter(framework.full((1, 2), 5.0, device=device))
                elif change == "state":
                    optimizer.load_state_dict(saved)
                else:
                    optimizer.add_param_group({"params": [other], "lr": 0.25})
            seen += [run(framework.ones(1, 2, device=device)).item(), *model.weight.flatten().tolist(), *other.tolist()]
        return seen, run

    found, run = learn(True)
    np.testing.assert_allclose(found, learn(False)[0], rtol=1e-5)
    assert bool(run.graphs) == (device == "cuda")


def test_a_scheduler_inside_is_refused(cupy):  # noqa: F811
    weight = framework.ones(2, device="cuda", requires_grad=True)
    optimizer = optim.SGD([weight], 1.0)
    scheduler = optim.lr_scheduler.ExponentialLR(optimizer, 0.5)

    def step(x):
        optimizer.zero_grad()
        (weight * x).sum().backward()
        optimizer.step()
        scheduler.step()

    run = framework.compile(step)
    with pytest.warns(UserWarning, match="cannot be recorded and runs as it is: RuntimeError: a scheduler's step"):
        for _ in range(5):
            run(framework.ones(2, device="cuda"))
    assert scheduler.get_last_lr() == [0.5**5]
    assert weight.tolist() == [1 - sum(0.5**i for i in range(5))] * 2


def test_constants_of_a_graph_stay_though_others_come(device):
    resized = framework.compile(lambda x: F.interpolate(x, size=(7, 7), mode="bilinear").sum())
    image = framework.arange(16.0, device=device).reshape(1, 1, 4, 4)
    for _ in range(4):
        expected = resized(image).item()
    data = framework.randn(1000, 5, device=device)
    for number in range(300):
        _ = data[np.random.default_rng(number).permutation(1000)[:64]]
    assert resized(image).item() == expected
    if device == "cuda":  # what a graph reads must be held by somebody
        (graph,) = resized.graphs
        assert len(graph.recording.constants) >= 2


def test_casts_of_autocast_see_what_a_graph_has_changed(device):
    def learn(compiled):
        model = nn.Linear(2, 1, bias=False).to(device)
        model.weight.data.fill_(1.0)
        optimizer, x, seen = optim.SGD(model.parameters(), 0.5), framework.ones(1, 2, device=device), []

        def step(x):
            optimizer.zero_grad()
            model(x).sum().backward()
            optimizer.step()

        run = framework.compile(step) if compiled else step
        with framework.autocast(device):
            for _ in range(4):
                run(x)
                run(x)
                seen.append(model(x).item())
        return seen

    assert learn(True) == learn(False) == [0.0, -2.0, -4.0, -6.0]


def test_a_method(device):
    class Doubler:
        factor = 2

        @framework.compile
        def __call__(self, x):
            return x * self.factor

    double = Doubler()
    assert [double(framework.full((1,), float(n), device=device)).item() for n in range(5)] == [0.0, 2.0, 4.0, 6.0, 8.0]
    assert Doubler.__call__.__name__ == "__call__"


def test_arguments_that_are_never_the_same_kind(cupy):  # noqa: F811
    run, x = framework.compile(lambda x, number: x * number), framework.ones(2, device="cuda")
    with pytest.warns(UserWarning, match="changed in kind more than 32 times") as said:
        for number in range(100):
            assert run(x, number).tolist() == [number, number]
    assert len(said) == 1
    assert len(run.calls) <= 33 and len(run.leaves) <= 33  # nothing is kept of the others


def test_one_compiled_step_inside_another(device):
    weight = framework.ones(2, device=device, requires_grad=True)
    inner = framework.compile(lambda x: (weight * x).sum())

    def step(x):
        weight.grad = None
        loss = inner(x)
        loss.backward()
        return loss.detach()

    outer = framework.compile(step)
    for number in range(6):
        outer(framework.full((2,), float(number), device=device))
        assert weight.grad.tolist() == [number, number]
