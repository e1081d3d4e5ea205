"""What Keras's layers need and PyTorch has not.

Each class stands by itself on PyTorch alone, because :func:`~layerlab.notation.write_pytorch` copies the source of
those that a network needs into the file that it writes.
"""
