"""The family in plain PyTorch, layers named as torchvision's; needs PyTorch."""

from torch import nn

from resnet_keras.family import DEPTHS, WIDTHS


class ResNet(nn.Module):
    """ResNet of 18 to 152 layers, which returns logits.

    Args:
        depth: key of `family.DEPTHS`.
        classes: how many.
        stride_in: which convolution of a bottleneck strides: "3x3" as in torchvision
            (v1.5), "1x1" as in the course (v1).
        pool_padding: of the max pooling, 1 as in torchvision or 0 as in the course.
    """

    def __init__(self, depth, classes, stride_in="3x3", pool_padding=1):
        super().__init__()
        multiples, numbers = DEPTHS[depth]
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, pool_padding)
        channels = 64
        for index, (width, number) in enumerate(zip(WIDTHS, numbers, strict=True)):
            blocks = []
            for block in range(number):
                stride = 2 if index and not block else 1
                blocks.append(Block(channels, width, multiples, stride, stride_in))
                channels = width * multiples[-1]
            self.add_module(f"layer{index + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(channels, classes)

    def forward(self, x):
        """Return logits (batch, classes) of images (batch, 3, height, width)."""
        x = self.maxpool(_relu(self.bn1(self.conv1(x))))
        for index in range(1, 5):
            x = getattr(self, f"layer{index}")(x)
        return self.fc(x.mean((2, 3)))


class Block(nn.Module):
    """A basic block or a bottleneck; the shortcut projects where the shape changes."""

    def __init__(self, channels, width, multiples, stride, stride_in):
        super().__init__()
        kernel_sizes = [3, 3] if len(multiples) == 2 else [1, 3, 1]
        strided = 1 if len(multiples) == 3 and stride_in == "3x3" else 0
        self.number, before = len(kernel_sizes), channels
        for index, (multiple, kernel_size) in enumerate(
            zip(multiples, kernel_sizes, strict=True)
        ):
            conv = nn.Conv2d(
                before,
                width * multiple,
                kernel_size,
                stride if index == strided else 1,
                kernel_size // 2,
                bias=False,
            )
            before = width * multiple
            self.add_module(f"conv{index + 1}", conv)
            self.add_module(f"bn{index + 1}", nn.BatchNorm2d(before))
        self.downsample = None
        if stride > 1 or before != channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels, before, 1, stride, bias=False),
                nn.BatchNorm2d(before),
            )

    def forward(self, x):
        """Return relu(F(x) + shortcut)."""
        y = x
        for index in range(1, self.number + 1):
            y = getattr(self, f"bn{index}")(getattr(self, f"conv{index}")(y))
            if index < self.number:
                y = _relu(y)
        return _relu(y + (x if self.downsample is None else self.downsample(x)))


def _relu(x):
    return nn.functional.relu(x, inplace=True)
