"""Training: one call from a network and data to a run folder that can be resumed, read and used."""

from layerlab.training.config import TrainingConfig
from layerlab.training.export import ExportedModel, export_onnx
from layerlab.training.fit import fit
from layerlab.training.interrupts import Stopped
from layerlab.training.predict import Prediction, Predictions, predict
from layerlab.training.run import Run, load_run

__all__ = [
    "ExportedModel",
    "Prediction",
    "Predictions",
    "Run",
    "Stopped",
    "TrainingConfig",
    "export_onnx",
    "fit",
    "load_run",
    "predict",
]
