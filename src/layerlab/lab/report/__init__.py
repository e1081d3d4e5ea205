"""Figures of an answer, and its report: one HTML file that opens anywhere, without a network."""

from layerlab.lab.report.figures import figure
from layerlab.lab.report.page import write_report

__all__ = ["figure", "write_report"]
