"""Settings of the drawn tests."""

from __future__ import annotations

from hypothesis import settings

# The first call into PyTorch takes longer than a case may, and a busy machine has no say in what is right.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
