"""Training steps, each written once for both libraries: `torch` is PyTorch or `framework`."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Workload:
    """A training step: `make(torch)` returns a function that takes one step and returns its loss, and one that evaluates a test batch."""

    make: Callable
    gflop: float  # multiplications and additions of its matrix products and convolutions, forward and backward


def mnist_cnn(torch):
    """PyTorch's MNIST example: batch 64, Adadelta; its digits are random bytes, as many as MNIST has."""
    nn, F = torch.nn, torch.nn.functional

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(1, 32, 3, 1), nn.Conv2d(32, 64, 3, 1)
            self.dropout1, self.dropout2 = nn.Dropout(0.25), nn.Dropout(0.5)
            self.fc1, self.fc2 = nn.Linear(9216, 128), nn.Linear(128, 10)

        def forward(self, x):
            x = F.relu(self.conv2(F.relu(self.conv1(x))))
            x = self.dropout1(F.max_pool2d(x, 2))
            x = self.dropout2(F.relu(self.fc1(torch.flatten(x, 1))))
            return F.log_softmax(self.fc2(x), dim=1)

    torch.manual_seed(0)
    images = torch.randint(0, 256, (600, 28, 28), dtype=torch.uint8).repeat(100, 1, 1)
    labels = torch.randint(0, 10, (60000,))
    model = Net()
    optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)

    def step():
        batch = torch.randint(0, 60000, (64,))
        x = (images[batch].unsqueeze(1).float() / 255 - 0.1307) / 0.3081  # (64, 1, 28, 28)
        optimizer.zero_grad()
        loss = F.nll_loss(model(x), labels[batch])
        loss.backward()
        optimizer.step()
        return loss.item()

    def evaluate():
        with torch.no_grad():
            model.eval()
            model((images[:1000].unsqueeze(1).float() / 255 - 0.1307) / 0.3081)
            model.train()

    return step, evaluate


def small_add(torch):
    """`a + b`, recorded, on 3 x 4 elements, 1,000 times: milliseconds a step are microseconds an addition."""
    a, b = (torch.randn(3, 4, requires_grad=True) for _ in range(2))

    def step():
        for _ in range(1000):
            out = a + b
        return out.sum().item()

    return step, lambda: None


def small_mlp(torch):
    """Forward, loss and backward of an MLP of three layers on a single sample, 100 times."""
    nn, F = torch.nn, torch.nn.functional
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))
    x, y = torch.randn(1, 10), torch.randn(1, 1)

    def step():
        for _ in range(100):
            model.zero_grad()
            loss = F.mse_loss(model(x), y)
            loss.backward()
        return loss.item()

    return step, lambda: None


# conv1: 2 * 64 * 26² * 32 * 9 * 2 (no gradient of the images); conv2: 2 * 64 * 24² * 64 * 288 * 3;
# fc1, fc2: 2 * 64 * (9216 * 128 + 128 * 10) * 3
WORKLOADS = {
    "mnist_cnn": Workload(mnist_cnn, 4.58),
    "a + b on 3 × 4, 1,000 times": Workload(small_add, 0.0),
    "MLP of 3 layers, batch 1, 100 times": Workload(small_mlp, 0.001),
}
