"""Sine waves, continued by two LSTM cells that feed on what they foretold."""

from zoo.common.published import Published

PAPER = "Hochreiter, Schmidhuber: Long Short-Term Memory (1997)"
METRICS = {"test_rmse": "{:.3f}", "test_rmse_500": "{:.3f}", "test_rmse_100": "{:.4f}", "test_loss": "{:.2e}"}
PUBLISHED: tuple[Published, ...] = ()  # PyTorch's example shows a picture and gives no figure
