"""Single operations, layers, training steps and data loading, timed by pytest-benchmark in either library."""
