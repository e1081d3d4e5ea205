"""A network of one's own: layerlab train examples.nets:build --data ./my_images"""

from torch import nn


def build(num_classes: int = 10, in_channels: int = 3) -> nn.Module:
    """Return a small convolutional classifier for images of any size from 8 x 8."""
    return nn.Sequential(
        nn.Conv2d(in_channels, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, num_classes),
    )
