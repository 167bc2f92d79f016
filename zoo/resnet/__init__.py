"""Images in classes, told apart by a residual network: CIFAR-10, or folders of photographs."""

from zoo.common.published import Published

PAPER = "He, Zhang, Ren, Sun: Deep residual learning for image recognition (2015)"
METRICS = {"test_accuracy": "{:.2%}", "test_top5_accuracy": "{:.2%}", "test_loss": "{:.4f}"}
PUBLISHED = tuple(
    Published("test_accuracy", value, "cifar-10", f"{model}, 164 epochs: table 6 of the paper", {"model": model})
    for model, value in (("resnet20", 0.9125), ("resnet32", 0.9249), ("resnet44", 0.9283), ("resnet56", 0.9303))
)
