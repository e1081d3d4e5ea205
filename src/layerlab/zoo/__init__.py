"""The zoo: classic architectures by name, and every other way in which a person can name a network."""

from layerlab.zoo import alexnet as _alexnet  # noqa: F401  (registers its networks)
from layerlab.zoo import densenet as _densenet  # noqa: F401
from layerlab.zoo import googlenet as _googlenet  # noqa: F401
from layerlab.zoo import inception as _inception  # noqa: F401
from layerlab.zoo import lecture as _lecture  # noqa: F401
from layerlab.zoo import lenet as _lenet  # noqa: F401
from layerlab.zoo import mobilenet_v1 as _mobilenet_v1  # noqa: F401
from layerlab.zoo import mobilenet_v2 as _mobilenet_v2  # noqa: F401
from layerlab.zoo import mobilenet_v3 as _mobilenet_v3  # noqa: F401
from layerlab.zoo import preact_resnet as _preact_resnet  # noqa: F401
from layerlab.zoo import resnet as _resnet  # noqa: F401
from layerlab.zoo import resnet_cifar as _resnet_cifar  # noqa: F401
from layerlab.zoo import vgg as _vgg  # noqa: F401
from layerlab.zoo import xception as _xception  # noqa: F401
from layerlab.zoo.elsewhere import customary_input_of
from layerlab.zoo.origin import Origin, origin_of
from layerlab.zoo.registry import ModelInfo, create, list_models, model_info
from layerlab.zoo.resolve import input_shape_of, rebuild, resolve
from layerlab.zoo.spec import read_spec, zoo_name
from layerlab.zoo.transplant import transplant

__all__ = [
    "ModelInfo",
    "Origin",
    "create",
    "customary_input_of",
    "input_shape_of",
    "list_models",
    "model_info",
    "origin_of",
    "read_spec",
    "rebuild",
    "resolve",
    "transplant",
    "zoo_name",
]
