"""``layerlab dissect`` as a person meets it: tables, files, comparisons, and every mistake in one line."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from layerlab.anatomy import dissect

Layerlab = Callable[..., Any]

RESNET = "torchvision.models:resnet50"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty folder with an image in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    pixels = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    Image.fromarray(pixels).save("cat.png")
    return tmp_path


def there() -> list[str]:
    """Return the names of the files in the folder."""
    return sorted(path.name for path in Path().iterdir())


def test_a_table_of_blocks_with_repeats(here: Path, layerlab: Layerlab) -> None:
    done = layerlab("dissect", RESNET, "--input", "3x224x224")
    assert done.code == 0, done.err
    lines = [line.split() for line in done.out.splitlines()]
    assert [
        "7.2-6",
        "1-5",
        "Bottleneck",
        "x5",
        "1024x14x14",
        "5,585,920",
        "1.09",
        "G",
        "12.0",
        "MB",
        "267",
        "16",
    ] in lines
    assert "MACs 4,089,184,256" in done.out
    assert "training: gradients 102 MB, kept for backward 86.1 MB" in done.out
    assert done.err == "", "a progress line is for a terminal"
    assert layerlab("dissect", RESNET).out == done.out, "torchvision says the size of the input"


def test_depth_and_all(here: Path, layerlab: Layerlab) -> None:
    rows = [len(layerlab("dissect", "resnet20", *more).out.splitlines()) for more in ((), ("--depth", 1), ("--all",))]
    assert rows[1] < rows[0] < rows[2]
    assert "BasicBlock x3" in layerlab("dissect", "resnet20", "--depth", 2).out
    assert "BasicBlock x3" not in layerlab("dissect", "resnet20", "--depth", 2, "--all").out


def test_timm_says_the_size_of_its_input(here: Path, layerlab: Layerlab) -> None:
    done = layerlab("dissect", "timm:vit_tiny_patch16_224")
    assert done.code == 0, done.err
    assert done.out.startswith("VisionTransformer, input 1x3x224x224\n")
    assert "MACs 1,253,683,200\n" in done.out
    assert "Block x12" in done.out


def test_a_known_network_is_built_without_memory(
    here: Path, layerlab: Layerlab, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    import layerlab.anatomy as package

    def watched(module: nn.Module, *args: Any) -> Any:
        seen.append(next(module.parameters()).device.type)
        return dissect(module, *args)

    monkeypatch.setattr(package, "dissect", watched)
    for model in ("lenet5", "timm:test_resnet"):
        assert layerlab("dissect", model).code == 0
    assert seen == ["meta", "meta"]


DECIDES = """
import torch
class Decides(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.a = torch.nn.Linear(4, 4)
    def forward(self, x):
        return self.a(x) if float(x.sum()) < 9 else x
"""


def test_a_known_network_that_needs_numbers_gets_them(
    here: Path, layerlab: Layerlab, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("decides_for_test.py").write_text(DECIDES)
    monkeypatch.syspath_prepend(here)
    monkeypatch.setattr("layerlab.cli_subject._WEIGHTLESS", ("decides_for_test",))
    done = layerlab("dissect", "decides_for_test:Decides", "--input", "4")
    assert done.code == 0, done.err
    assert "MACs 16\n" in done.out
    assert "the figures are for this input" in done.out.replace("\n", " ")


def test_several_files_in_one_call(here: Path, layerlab: Layerlab) -> None:
    done = layerlab("dissect", "lenet5", "--diagram", "net.svg", "--html", "net.html", "--to-scale", "boxes.svg")
    assert done.code == 0, done.err
    assert done.out == "net.svg: written\nboxes.svg: written\nnet.html: written\n"
    assert "<svg" in Path("net.svg").read_text()[:500]
    assert "<svg" in Path("boxes.svg").read_text()[:500]
    assert Path("net.svg").read_text() != Path("boxes.svg").read_text()
    assert "</html>" in Path("net.html").read_text()
    assert there() == ["boxes.svg", "cat.png", "net.html", "net.svg"], "no temporary file is left"

    done = layerlab("dissect", "lenet5", "--diagram", "net.svg", "--layer", "1", "--json")
    assert isinstance(json.loads(done.out), list)
    assert done.err == "net.svg: written\n", "beside JSON nothing else stands"


@pytest.mark.parametrize(
    ("option", "name", "content", "sentence"),
    [
        ("--diagram", "a.txt", None, '--diagram writes SVG and "a.txt" does not end so; write "a.svg"'),
        ("--diagram", "a.png", None, 'write "a.svg"'),
        ("--html", "a", None, '--html writes HTML and "a" does not end so; write "a.html"'),
        ("--html", "no/a.html", None, '--html: there is no folder "no" for "a.html"; make it first'),
        ("--html", ".", None, '--html "." is a folder; name a file in it, such as "network.html"'),
        ("--diagram", "a.svg", "my poem", '--diagram: "a.svg" is there already and is no SVG; only a file of the same'),
        ("--html", "a.html", "<svg>", "is there already and is no HTML"),
        ("--output", "a.svg", None, '--output writes HTML and "a.svg" does not end so'),
    ],
)
def test_what_may_not_be_written_is_said_first(
    option: str, name: str, content: str | None, sentence: str, here: Path, layerlab: Layerlab
) -> None:
    if content is not None:
        Path(name).write_text(content)
    with_image = ("--image", "cat.png", "--layer", "1") if option == "--output" else ()
    assert sentence in layerlab("dissect", "not_even_a_model", option, name, *with_image).complaint()
    if content is not None:
        assert Path(name).read_text() == content


def test_a_file_of_the_same_kind_is_replaced(here: Path, layerlab: Layerlab) -> None:
    Path("net.svg").write_text('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>')
    assert layerlab("dissect", "lenet5", "--diagram", "net.svg").code == 0
    assert len(Path("net.svg").read_text()) > 1000


def test_two_options_may_not_name_one_file(here: Path, layerlab: Layerlab) -> None:
    done = layerlab(
        "dissect", "lenet5", "--html", "a.html", "--image", "cat.png", "--layer", "1", "--output", "./a.html"
    )
    assert '--html and --output both name "a.html"; give each a file of its own' in done.complaint()


def test_nothing_is_written_when_something_fails(here: Path, layerlab: Layerlab) -> None:
    assert layerlab("dissect", "lenet5", "--diagram", "net.svg", "--layer", "nothing").code == 2
    assert there() == ["cat.png"]


def test_compare(here: Path, layerlab: Layerlab) -> None:
    done = layerlab("dissect", "resnet20", "--compare", "resnet20:width=0.5")
    assert done.code == 0, done.err
    assert done.out.splitlines()[0].split() == ["resnet20", "resnet20:width=0.5", "ratio"]
    data = json.loads(layerlab("dissect", "resnet20", "--compare", "resnet20:width=0.5", "--json").out)
    assert data["totals"][0] == {"name": "parameters", "one": 269_722, "other": 68_050, "ratio": 68_050 / 269_722}
    assert 'no model "resnet21"' in layerlab("dissect", "resnet20", "--compare", "resnet21").complaint()


def test_several_answers_are_one_json(here: Path, layerlab: Layerlab) -> None:
    done = layerlab("dissect", "lenet5", "--layer", "1", "--compare", "lenet5", "--json")
    assert set(json.loads(done.out)) == {"layer", "comparison"}
    done = layerlab("dissect", "lenet5", "--layer", "1", "--compare", "lenet5")
    assert done.out.index("parameters =") < done.out.index("ratio")


def test_time(here: Path, layerlab: Layerlab, monkeypatch: pytest.MonkeyPatch) -> None:
    from layerlab.anatomy import timing

    measure = timing.time_layers
    monkeypatch.setattr(timing, "time_layers", lambda *args, **kwargs: measure(*args, **kwargs, seconds=0.05))
    done = layerlab("dissect", "lenet5", "--time", "--json")
    assert done.code == 0, done.err
    data = json.loads(done.out)
    assert data["seconds"] > 0
    done = layerlab("dissect", "lenet5", "--time")
    assert done.code == 0, done.err
    assert "at best" in done.out


def test_language(here: Path, layerlab: Layerlab) -> None:
    english, polish = (layerlab("dissect", "lenet5", "--layer", "1", "--language", name).out for name in ("en", "pl"))
    assert english == layerlab("dissect", "lenet5", "--layer", "1").out
    assert "parametry" in polish
    assert "parameters" not in polish


def test_what_a_layer_makes_of_an_image(here: Path, layerlab: Layerlab) -> None:
    done = layerlab("dissect", "lenet5", "--image", "cat.png", "--layer", "1")
    assert done.code == 0, done.err
    assert done.out.endswith("cat-1.html: written\n")
    assert "the weights are fresh" in " ".join(done.out.split())
    assert "</html>" in Path("cat-1.html").read_text()
    done = layerlab("dissect", "lenet5", "--image", "cat.png", "--layer", "1", "--output", "maps.html", "--json")
    assert json.loads(done.out)["kind"]
    assert Path("maps.html").is_file()


@pytest.mark.slow
def test_the_weights_of_a_file_and_of_a_run(here: Path, layerlab: Layerlab) -> None:
    command = ("--data", "digits", "--epochs", 1, "--quiet", "--precision", "32", "--memory-format", "contiguous")
    assert layerlab("train", "lenet5_modern", *command, "--output", "run").code == 0
    figures = [
        next(line for line in layerlab("dissect", *words).out.splitlines() if line.startswith("MACs "))
        for words in (("run",), ("lenet5_modern", "--weights", "run"), ("lenet5_modern",))
    ]
    assert figures[0] == figures[1]
    for words in (("run",), ("lenet5_modern", "--weights", "run")):
        done = layerlab("dissect", *words, "--image", "cat.png", "--layer", "1")
        assert done.code == 0, done.err
        assert "fresh" not in done.out


MISTAKES = [
    (("--depth", "-1"), "--depth is -1; expected a whole number from 0"),
    (("--layer", "conv_1"), "has no layer"),
    (("--language", "pl"), "--language pl is of the arithmetic of a layer: add --layer"),
    (("--layer", "1", "--language", "de"), '--language is "de"; expected en or pl'),
    (("--image", "cat.png"), "--image cat.png shows what one layer makes of it: add --layer"),
    (("--image", "dog.png", "--layer", "1"), '--image: no file "dog.png"; expected an image'),
    (("--image", "broken.png", "--layer", "1"), "broken.png"),
    (("--image", "cat.png", "--layer", "nothing"), 'has no layer "nothing"'),
    (("--output", "a.html"), "--output a.html is where the page of --image goes: add --image, or write --html a.html"),
    (("--weights", "nothing"), "nothing"),
    (("--digram", "a.svg"), "No such option: --digram"),
    (("--compare", "lenett"), 'no model "lenett"; did you mean'),
]


@pytest.mark.parametrize(("options", "sentence"), MISTAKES, ids=lambda value: str(value)[:50])
def test_a_mistake_is_one_line(options: tuple[str, ...], sentence: str, here: Path, layerlab: Layerlab) -> None:
    Path("broken.png").write_bytes(b"\x89PNG\r\n\x1a\nhalf")
    done = layerlab("dissect", "lenet5", *options)
    assert done.code == 2
    assert sentence in done.complaint()
    assert there() == ["broken.png", "cat.png"]


def test_weights_are_for_the_zoo(here: Path, layerlab: Layerlab) -> None:
    sentence = layerlab("dissect", RESNET, "--weights", "imagenet").complaint()
    assert sentence.startswith(f'--weights "imagenet" are for a network of the zoo and "{RESNET}" is none')


def test_a_network_without_images_has_no_maps_of_one(
    here: Path, layerlab: Layerlab, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("words_for_test.py").write_text(
        "from torch import nn\ndef build(): return nn.Sequential(nn.Embedding(9, 4))\n"
    )
    monkeypatch.syspath_prepend(here)
    done = layerlab("dissect", "words_for_test:build", "--input", "5", "--image", "cat.png", "--layer", "0")
    assert done.code == 2
    assert done.complaint()


def test_help_says_what_every_option_is_for(layerlab: Layerlab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    shown = layerlab("dissect", "--help").out
    for option in (
        "--input", "--layer", "--language", "--depth", "--all", "--diagram", "--to-scale", "--html", "--image",
        "--output", "--weights", "--time", "--compare", "--json",
    ):  # fmt: skip
        assert option in shown
    assert "replaces one of the same kind and no other" in " ".join(shown.split())


def test_colours_are_for_terminals_that_want_them(here: Path, layerlab: Layerlab, monkeypatch: Any) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b[" in layerlab("dissect", "lenet5").out
    monkeypatch.delenv("FORCE_COLOR")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in layerlab("dissect", "lenet5").out


def test_a_terminal_is_told_what_is_being_done(monkeypatch: pytest.MonkeyPatch) -> None:
    from layerlab.cli_dissect import _progress

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for stream, shown in ((Terminal(), ["one", "two", ""]), (io.StringIO(), [])):
        monkeypatch.setattr(sys, "stderr", stream)
        with pytest.raises(KeyboardInterrupt), _progress("one") as say:
            say("two")
            raise KeyboardInterrupt
        assert stream.getvalue().split("\r\x1b[K")[1:] == shown, "the line is gone in the end"


@pytest.mark.slow
def test_ctrl_c_is_quiet_and_leaves_nothing(here: Path) -> None:
    Path("waits_for_test.py").write_text(
        "import time\ndef build():\n    print('ready', flush=True)\n    time.sleep(60)\n"
    )
    command = [sys.executable, "-m", "layerlab", "dissect", "waits_for_test:build", "--input", "3", "--html", "a.html"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert running.stderr is not None
    assert running.stderr.readline() == "ready\n"
    time.sleep(0.1)
    os.kill(running.pid, signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert (out, err) == ("", "")
    assert "a.html" not in there()


def test_the_generator_is_left_alone_by_a_network_without_memory() -> None:
    from layerlab.cli_subject import Subject

    before = torch.get_rng_state()
    assert Subject("lenet5", None).anatomy.totals.parameters
    assert torch.equal(torch.get_rng_state(), before)
