"""Training: one call from a network and data to a run folder that can be resumed, read and used."""

from layerlab.interrupts import Stopped
from layerlab.training.architecture_check import ArchitectureReport, Check, check_architecture
from layerlab.training.classifier import Classifier, load_classifier
from layerlab.training.config import TrainingConfig
from layerlab.training.export import ExportedModel, export_onnx
from layerlab.training.fit import fit
from layerlab.training.predict import Prediction, Predictions, predict
from layerlab.training.run import Run, load_run

__all__ = [
    "ArchitectureReport",
    "Check",
    "Classifier",
    "ExportedModel",
    "Prediction",
    "Predictions",
    "Run",
    "Stopped",
    "TrainingConfig",
    "check_architecture",
    "export_onnx",
    "fit",
    "load_classifier",
    "load_run",
    "predict",
]
