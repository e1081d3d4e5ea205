"""``python -m layerlab``: the same as the command ``layerlab``."""

from layerlab.cli import main

if __name__ == "__main__":
    main()
