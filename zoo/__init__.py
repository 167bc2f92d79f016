"""Complete examples of deep learning, one a package: model, training loop, evaluation, and something to play with."""
