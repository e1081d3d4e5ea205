"""The Architectures tab: any network of the zoo, or of Keras text, dissected while its knobs are turned.

Each payload is a pure function of what the page asked for; networks are built without memory (device ``meta``) and
nothing of a request is evaluated or imported.
"""

from layerlab.studio.architectures.routes import router

__all__ = ["router"]
