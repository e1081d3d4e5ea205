"""The pages of the Layers tab: each a pure function from what was typed to numbers and their arithmetic.

The numbers come from the same PyTorch layers as everywhere; PyTorch is loaded by the first request.
"""

from layerlab.studio.layer_pages.routes import router

__all__ = ["router"]
