"""The PyTorch network of the benchmark, with random weights and a softmax."""

import torch
from torch import nn

from resnet_keras.benchmark import torch_resnet


class ResNet(torch_resnet.ResNet):
    """The same with a softmax at its end, as this package's networks have it."""

    def forward(self, x):
        return torch.softmax(super().forward(x), 1)


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
    """Return its probabilities for images (batch, height, width, 3)."""
    with torch.no_grad():
        return model(torch.from_numpy(images.transpose(0, 3, 1, 2).copy())).numpy()
