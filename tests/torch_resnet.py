"""The paper's networks of PyTorch's own layers, named as torchvision names them."""

import torch
from torch import nn

from resnet_keras import family


class Block(nn.Module):
    """A basic block or a bottleneck, with or without a projection."""

    def __init__(self, channels, width, multiples, stride, stride_in):
        super().__init__()
        windows = [3, 3] if len(multiples) == 2 else [1, 3, 1]
        at = 1 if len(multiples) == 3 and stride_in == "3x3" else 0
        self.number, before = len(windows), channels
        for index, (multiple, window) in enumerate(
            zip(multiples, windows, strict=True)
        ):
            conv = nn.Conv2d(
                before,
                width * multiple,
                window,
                stride if index == at else 1,
                window // 2,
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
        y = x
        for index in range(1, self.number + 1):
            y = getattr(self, f"bn{index}")(getattr(self, f"conv{index}")(y))
            if index < self.number:
                y = torch.relu(y)
        shortcut = x if self.downsample is None else self.downsample(x)
        return torch.relu(y + shortcut)


class ResNet(nn.Module):
    """ResNet of 18 to 152 layers; `stride_in` is "3x3" for v1.5, "1x1" for v1."""

    def __init__(self, depth, classes, stride_in="3x3"):
        super().__init__()
        multiples, numbers = family.DEPTHS[depth]
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        channels = 64
        for index, (width, number) in enumerate(
            zip(family.WIDTHS, numbers, strict=True)
        ):
            blocks = []
            for block in range(number):
                stride = 2 if index and not block else 1
                blocks.append(Block(channels, width, multiples, stride, stride_in))
                channels = width * multiples[-1]
            self.add_module(f"layer{index + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(channels, classes)

    def forward(self, x):
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        for index in range(1, 5):
            x = getattr(self, f"layer{index}")(x)
        return torch.softmax(self.fc(x.mean((2, 3))), 1)


def build(depth, classes, stride_in="3x3", seed=0):
    """Return a network with random weights, statistics included, for prediction."""
    torch.manual_seed(seed)
    model = ResNet(depth, classes, stride_in)
    for name, tensor in model.state_dict().items():
        if name.endswith("running_mean") or (tensor.ndim == 1 and "bias" in name):
            tensor.uniform_(-0.2, 0.2)
        elif tensor.ndim == 1:  # variances and scales
            tensor.uniform_(0.5, 1.5)
        elif tensor.ndim == 4:
            nn.init.xavier_uniform_(tensor)
    return model.eval()


def answers(model, images):
    """Return what it says of (batch, height, width, 3)."""
    with torch.no_grad():
        return model(torch.from_numpy(images.transpose(0, 3, 1, 2).copy())).numpy()
