"""Handwritten digits, told apart by a small convolutional network."""

from zoo.common.results import Published

PUBLISHED = (
    Published(
        metric="test_accuracy",
        value=0.9925,
        data="mnist",
        source="the same network and optimizer, 12 epochs of batches of 128: keras-team/keras, examples/mnist_cnn.py",
    ),
)
