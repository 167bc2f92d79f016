"""Handwritten digits, told apart by a small convolutional network."""

from zoo.common.published import Published

PAPER = "LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition (1998)"
# How each is written; the first is the one to compare
METRICS = {"test_accuracy": "{:.2%}", "test_loss": "{:.4f}"}
PUBLISHED = (
    Published(
        metric="test_accuracy",
        value=0.9925,
        data="mnist",
        source="the same network and optimizer, 12 epochs of batches of 128: keras-team/keras, examples/mnist_cnn.py",
    ),
)
