"""Diagrams in a real Chromium: every text fits into its box, with whatever font the system has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torchvision
from torch import nn

from layerlab import dissect

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

# For each group of a rectangle and texts: the texts that are wider or higher than the last rectangle before them.
OVERFLOWING = """() => [...document.querySelectorAll('svg g > g')].flatMap(group => {
  const found = []
  let box = null
  for (const one of group.children) {
    if (one.tagName === 'rect') box = one.getBBox()
    if (one.tagName !== 'text') continue
    const text = one.getBBox()
    const fits = text.x >= box.x + 2 && text.x + text.width <= box.x + box.width - 2 && text.y >= box.y - 1
      && text.y + text.height <= box.y + box.height + 1
    if (!fits) found.push(one.textContent)
  }
  return found
})"""


class Wide(nn.Module):
    """Names and classes of wide letters."""

    def __init__(self) -> None:
        super().__init__()
        self.WWWWWMMMMM = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
        self.mmmmmmwwwwww = nn.Linear(4, 4)

    def forward(self, x: object) -> object:
        return self.mmmmmmwwwwww(self.WWWWWMMMMM(x))


@pytest.mark.parametrize("font", ["", "sans-serif", "DejaVu Sans"])
def test_every_text_fits_into_its_box(chromium: Browser, font: str) -> None:
    page = chromium.new_page()
    inception = torchvision.models.googlenet(init_weights=False, aux_logits=False).inception3a
    networks = [
        (torchvision.models.resnet18(), (3, 64, 64)),
        (inception, (192, 28, 28)),
        (Wide(), (4,)),
        (nn.TransformerEncoderLayer(16, 2), (5, 16)),
    ]
    for module, size in networks:
        for depth in (1, 3):
            svg = dissect(module, size).diagram(depth)
            page.set_content(f"<style>svg text {{ {f'font-family: {font} !important' if font else ''} }}</style>{svg}")
            assert page.locator("svg text").count() > 3
            assert page.evaluate(OVERFLOWING) == []
    page.close()
