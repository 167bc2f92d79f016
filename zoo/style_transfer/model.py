"""The network that paints: down to a quarter of the size, five residual blocks, and up again."""

import framework.nn.functional as F
from framework import Tensor, nn


class ConvLayer(nn.Module):
    """A convolution over a picture that is mirrored at its borders, so that no dark frame appears, on an enlarged picture if so wanted."""

    def __init__(self, channels: int, maps: int, kernel: int, stride: int = 1, enlarged: int = 1) -> None:
        super().__init__()
        self.enlarged = enlarged
        self.reflection_pad = nn.ReflectionPad2d(kernel // 2)
        self.conv2d = nn.Conv2d(channels, maps, kernel, stride)

    def forward(self, x: Tensor) -> Tensor:
        if self.enlarged > 1:  # and then convolved: a transposed convolution would leave a chequered pattern (Odena et al., 2016)
            x = F.interpolate(x, scale_factor=self.enlarged, mode="nearest")
        return self.conv2d(self.reflection_pad(x))


class ResidualBlock(nn.Module):
    """x + f(x), of two convolutions."""

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = ConvLayer(maps, maps, 3), ConvLayer(maps, maps, 3)
        self.in1, self.in2 = (nn.InstanceNorm2d(maps, affine=True) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.in2(self.conv2(F.relu(self.in1(self.conv1(x)))))


class TransformerNet(nn.Module):
    """Pictures (N, 3, H, W) from 0 to 255, H and W multiples of 4, to pictures of the same size; 1,679,235 parameters for width 32."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.conv1, self.in1 = ConvLayer(3, width, 9), nn.InstanceNorm2d(width, affine=True)
        self.conv2, self.in2 = ConvLayer(width, 2 * width, 3, stride=2), nn.InstanceNorm2d(2 * width, affine=True)
        self.conv3, self.in3 = ConvLayer(2 * width, 4 * width, 3, stride=2), nn.InstanceNorm2d(4 * width, affine=True)
        self.res1, self.res2, self.res3, self.res4, self.res5 = (ResidualBlock(4 * width) for _ in range(5))
        self.deconv1, self.in4 = ConvLayer(4 * width, 2 * width, 3, enlarged=2), nn.InstanceNorm2d(2 * width, affine=True)
        self.deconv2, self.in5 = ConvLayer(2 * width, width, 3, enlarged=2), nn.InstanceNorm2d(width, affine=True)
        self.deconv3 = ConvLayer(width, 3, 9)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.in1(self.conv1(x / 127.5 - 1)))  # (N, 32, H, W)
        x = F.relu(self.in2(self.conv2(x)))  # (N, 64, H/2, W/2)
        x = F.relu(self.in3(self.conv3(x)))  # (N, 128, H/4, W/4)
        x = self.res5(self.res4(self.res3(self.res2(self.res1(x)))))
        x = F.relu(self.in4(self.deconv1(x)))  # (N, 64, H/2, W/2)
        x = F.relu(self.in5(self.deconv2(x)))  # (N, 32, H, W)
        return 127.5 * (1 + F.tanh(self.deconv3(x)))  # (N, 3, H, W)
