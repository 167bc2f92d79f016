"""The same training steps here and in PyTorch, side by side: `python -m benchmarks`."""
