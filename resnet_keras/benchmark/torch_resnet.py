"""The same ResNet-50 in plain PyTorch, for comparison where that is installed."""

from torch import nn

from resnet_keras.family import DEPTHS, WIDTHS


def resnet50(classes):
    """Return the network: strides and poolings as in the course, no bias before BN."""
    blocks, channels = [], 64
    for stage, number in enumerate(DEPTHS[50][1]):
        for block in range(number):
            stride = 2 if stage and not block else 1
            blocks.append(Bottleneck(channels, WIDTHS[stage], stride))
            channels = 4 * WIDTHS[stage]
    return nn.Sequential(
        *_normalized(3, 64, 7, stride=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2),
        *blocks,
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(channels, classes),
    )


class Bottleneck(nn.Module):
    """Three convolutions and a shortcut, which projects where the shape changes."""

    def __init__(self, channels, width, stride):
        super().__init__()
        self.path = nn.Sequential(
            *_normalized(channels, width, 1, stride),
            nn.ReLU(inplace=True),
            *_normalized(width, width, 3),
            nn.ReLU(inplace=True),
            *_normalized(width, 4 * width, 1),
        )
        self.shortcut = nn.Identity()
        if stride > 1 or channels != 4 * width:
            shortcut = _normalized(channels, 4 * width, 1, stride)
            self.shortcut = nn.Sequential(*shortcut)

    def forward(self, x):
        """Return F(x) + x, rectified."""
        return nn.functional.relu(self.path(x) + self.shortcut(x), inplace=True)


def _normalized(channels, filters, kernel_size, stride=1):
    convolution = nn.Conv2d(
        channels, filters, kernel_size, stride, kernel_size // 2, bias=False
    )
    return convolution, nn.BatchNorm2d(filters)
