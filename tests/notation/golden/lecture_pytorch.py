"""LectureNetwork: written by Layerlab from lecture.py.

Input (N, 1, 28, 28), output (N, 10).
The weights of the network that was read fit: load_state_dict(model.state_dict()).
"""

from collections import OrderedDict

import torch
from torch import nn


class LectureNetwork(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv2d = nn.Sequential(OrderedDict(convolution=nn.Conv2d(1, 64, 3), activation=nn.ReLU()))
        self.max_pooling2d = nn.MaxPool2d(2)
        self.batch_normalization = nn.BatchNorm2d(64, eps=0.001, momentum=0.01)
        self.conv2d_1 = nn.Sequential(OrderedDict(convolution=nn.Conv2d(64, 128, 3), activation=nn.ReLU()))
        self.batch_normalization_1 = nn.BatchNorm1d(128, eps=0.001, momentum=0.01)
        self.dense = nn.Sequential(OrderedDict(dense=nn.Linear(128, 512), activation=nn.ReLU()))
        self.dense_1 = nn.Sequential(OrderedDict(dense=nn.Linear(512, 10), activation=nn.Softmax(-1)))

        for module in self.modules():  # kernels begin as in Keras
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv2d(x)  # N, 64, 26, 26
        x = self.max_pooling2d(x)  # N, 64, 13, 13
        x = self.batch_normalization(x)
        x = self.conv2d_1(x)  # N, 128, 11, 11
        x = x.mean((2, 3))  # N, 128
        x = self.batch_normalization_1(x)
        x = self.dense(x)  # N, 512
        return self.dense_1(x)  # N, 10
