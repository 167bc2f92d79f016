"""Forecasting: the waves that were never trained on, their continuation as foretold, and the true one."""

import numpy as np
from matplotlib.figure import Figure

import framework
from zoo.common.curves import COLOURS
from zoo.common.errors import UserError
from zoo.common.flags import Device, RunDirectory
from zoo.common.pictures import write_figure
from zoo.time_sequence.evaluate import reload


def forecast(run: RunDirectory, *, steps: int = 1000, device: Device = "cpu") -> None:
    """Draw the test waves and STEPS values more, foretold and true."""
    if steps < 1:
        raise UserError(f"--steps {steps}: expected one or more")
    model, waves = reload(run, device)
    length = waves.test.shape[1]
    with framework.no_grad():
        outputs = model(framework.from_numpy(waves.test).to(model.linear.weight.device), steps - 1).cpu().numpy()  # (3, L + steps − 1)
    shown_at, foretold_at = np.arange(length), np.arange(length, length + steps)
    figure = Figure(figsize=(13, 6), layout="constrained")
    axes = figure.subplots(len(waves.test), 1, sharex=True)
    for axis, shown, true, foretold in zip(axes, waves.test, waves.test_from(length, steps), outputs[:, length - 1 :], strict=True):
        axis.plot(shown_at, shown, color=COLOURS[0], label="shown")
        axis.plot(foretold_at, true, color="0.6", label="true")
        axis.plot(foretold_at, foretold, color=COLOURS[1], linestyle="--", label="foretold")
        axis.grid(alpha=0.3)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    axes[-1].set_xlabel("value")
    write_figure(run / "samples" / "forecast.png", figure)
    print(f"forecast: {run / 'samples' / 'forecast.png'}")
