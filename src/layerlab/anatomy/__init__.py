"""Looking inside any PyTorch module: shapes, parameters, cost, receptive field, and their arithmetic."""

from layerlab.anatomy.anatomy import CONVENTION, Anatomy
from layerlab.anatomy.dissection import diagnose_input, dissect
from layerlab.anatomy.record import Layer, Parameter, Totals

__all__ = ["CONVENTION", "Anatomy", "Layer", "Parameter", "Totals", "diagnose_input", "dissect"]
