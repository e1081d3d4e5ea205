"""Keras's names beside those of its layers: modules, functions, objects, and the arguments of inputs."""

__all__ = [
    "INITIALIZERS",
    "INPUT_ARGUMENTS",
    "INPUT_LAYER_ARGUMENTS",
    "MERGES",
    "MODULES",
    "NAMED_OBJECTS",
    "NETWORKS",
    "OBJECTS",
    "OBJECT_NAMES",
    "OTHERS",
    "SIGNS",
]

MODULES = frozenset(
    [
        "tf",
        "tensorflow",
        "keras",
        "layers",
        "models",
        "python",
        "engine",
        "compat",
        "v1",
        "v2",
        "api",
        "_api",
        "nn",
        "activations",
        "merge",
        "ops",
        "experimental",
        "core",
        "convolutional",
        "pooling",
        "normalization",
        "recurrent",
        "wrappers",
        "embeddings",
        "advanced_activations",
        "src",
        "initializers",
        "regularizers",
        "constraints",
        "K",
        "backend",
        "tf_keras",
        "keras_core",
    ]
)
OTHERS = frozenset({"torch", "nn", "F", "np", "self"})
OBJECTS = frozenset({"initializers", "regularizers", "constraints"})
OBJECT_NAMES = frozenset(
    ["l1", "l2", "l1_l2", "L1", "L2", "L1L2", "MaxNorm", "max_norm", "NonNeg", "UnitNorm", "MinMaxNorm"]
)
INITIALIZERS = frozenset(
    [
        "Constant",
        "GlorotNormal",
        "GlorotUniform",
        "HeNormal",
        "HeUniform",
        "LecunNormal",
        "LecunUniform",
        "Ones",
        "Orthogonal",
        "RandomNormal",
        "RandomUniform",
        "TruncatedNormal",
        "VarianceScaling",
        "Zeros",
        "glorot_normal",
        "glorot_uniform",
        "he_normal",
        "he_uniform",
        "lecun_normal",
        "lecun_uniform",
    ]
)
MERGES = {
    "add": "Add",
    "subtract": "Subtract",
    "multiply": "Multiply",
    "average": "Average",
    "maximum": "Maximum",
    "minimum": "Minimum",
    "concatenate": "Concatenate",
}
SIGNS = {"Add": "Add", "Sub": "Subtract", "Mult": "Multiply"}
NETWORKS = frozenset({"Sequential", "Model", "Functional", "Input", "InputLayer"})
INPUT_ARGUMENTS = ("shape", "batch_size", "dtype", "sparse", "batch_shape", "name", "tensor", "optional", "ragged")
INPUT_LAYER_ARGUMENTS = ("shape", "batch_size", "dtype", "sparse", "ragged", "batch_shape", "input_tensor", "optional",
                          "name", "input_shape", "batch_input_shape")  # fmt: skip
NAMED_OBJECTS = ("activation", "_initializer")
