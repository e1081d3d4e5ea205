"""A network of the zoo as one file: it runs without Layerlab, takes the weights, and computes the same to the bit."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from layerlab.errors import LayerlabError
from layerlab.zoo import create, list_models, model_info
from layerlab.zoo.preact_resnet import PreactResNet
from layerlab.zoo.registry import knobs_of
from layerlab.zoo.resnet import ResNet
from layerlab.zoo.source import write_source
from layerlab.zoo.source_parts import Collector, _module, _references, written

SMALL: list[tuple[str, dict[str, Any]]] = [
    ("lecture_cnn", {"activation": "maxout"}),
    ("lenet5", {}),
    ("lenet5_modern", {"norm": "group"}),
    ("alexnet_cifar", {"dropout": 0.25}),
    ("alexnet_2012", {"width": 0.0625}),
    ("vgg11_cifar", {}),
    ("googlenet_cifar", {"auxiliary": True}),
    ("inception_v3", {"width": 0.0625}),
    ("resnet18", {"width": 0.125, "zero_gamma": True}),
    ("resnet20", {"shortcut": "B", "activation": "leaky_relu"}),
    ("plain20", {"norm": "layer"}),
    ("preact_resnet20", {}),
    ("densenet_bc_40_12", {"skip": False}),
    ("xception_cifar", {"padding": "same"}),
    ("mobilenet_v1_025", {"padding": "same"}),
    ("mobilenet_v2_025", {}),
    ("mobilenet_v3_small_025", {}),
]
"""A member of every file of the zoo, with knobs."""

RUNNER = """
import importlib.util, pathlib, sys
folder, whose = pathlib.Path(sys.argv[1]), sys.argv[2]
if whose == "layerlab":
    import layerlab
else:
    sys.modules["layerlab"] = None  # importing it fails from here on
import torch
torch.set_num_threads(1)
for path in sorted(folder.glob("*.py")):
    given = torch.load(path.with_suffix(".in"), weights_only=True)
    if whose == "layerlab":
        network = layerlab.create(given["name"], **given["knobs"])
    else:
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
        network = module.build()
    assert network.training
    network.load_state_dict(given["state"], strict=True)
    with torch.no_grad():
        torch.save(network.eval()(given["images"]), path.with_suffix("." + whose))
"""


def prepare(folder: Path, name: str, knobs: dict[str, Any]) -> None:
    """Write a network's source, weights and input."""
    torch.manual_seed(1)
    network = create(name, **knobs)
    for buffer in network.buffers():
        if buffer.is_floating_point():
            buffer.uniform_(0.5, 1.5)
    channels, height, _ = model_info(name).input_shape
    side = min(height, max(model_info(name).smallest_input, 32))
    given = {
        "name": name,
        "knobs": knobs,
        "state": network.state_dict(),
        "images": torch.randn(2, channels, side, side),
    }
    (folder / f"{name}.py").write_text(write_source(network))
    torch.save(given, folder / f"{name}.in")


def outputs(folder: Path, whose: str) -> dict[str, torch.Tensor]:
    """Run every prepared network in a process of its own: what other tests left set must not choose the kernels."""
    command = [sys.executable, "-c", RUNNER, str(folder), whose]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {path.stem: torch.load(path, weights_only=True) for path in folder.glob(f"*.{whose}")}


def assert_the_same_to_the_bit(folder: Path) -> None:
    ours, files = outputs(folder, "layerlab"), outputs(folder, "file")
    assert ours.keys() == files.keys()
    assert ours
    for name, output in ours.items():
        assert output.isfinite().all(), name
        assert torch.equal(files[name], output), name


def test_a_member_of_every_file_runs_without_layerlab_to_the_bit(tmp_path: Path) -> None:
    families = {model_info(name).family for name in list_models()}
    assert {model_info(name).family for name, _ in SMALL} == families
    for name, knobs in SMALL:
        prepare(tmp_path, name, knobs)
    assert_the_same_to_the_bit(tmp_path)


@pytest.mark.slow
def test_every_member_runs_without_layerlab(tmp_path: Path) -> None:
    """Narrow ones: the full ones together would fill a disk."""
    for name in list_models():
        prepare(tmp_path, name, {"width": 0.25} if "width" in knobs_of(name) and name != "lenet5" else {})
    assert_the_same_to_the_bit(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("activation", ["gelu", "softmax", "prelu", "maxout", "hard_swish"])
def test_every_activation_is_taken_along(tmp_path: Path, activation: str) -> None:
    prepare(tmp_path, "resnet20", {"activation": activation})
    assert_the_same_to_the_bit(tmp_path)


def test_the_file_reads_well_and_is_clean(tmp_path: Path) -> None:
    for name, knobs in SMALL:
        text = write_source(create(name, device="meta", **knobs))
        (tmp_path / f"{name}.py").write_text(text)
        tree = ast.parse(text)
        opening = ast.get_docstring(tree) or ""
        assert opening.startswith(model_info(name).title)
        assert model_info(name).source in " ".join(opening.split())
        assert "Differences from" in opening
        imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        assert {name.partition(".")[0] for name in imported} <= {"torch", *sys.stdlib_module_names}, name
        assert "register(" not in text
        assert "LayerlabError" not in text
        last = tree.body[-1]
        assert isinstance(last, ast.FunctionDef)
        assert last.name == "build"
    ruff = [sys.executable, "-m", "ruff"]
    style = ["--isolated", "--no-cache", "--line-length", "120", str(tmp_path)]
    checked = subprocess.run(
        [*ruff, "check", "--select", "E,F,I,W", *style], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout
    formatted = subprocess.run([*ruff, "format", "--check", *style], capture_output=True, text=True, check=False)
    assert formatted.returncode == 0, formatted.stdout


def test_the_knobs_are_filled_in() -> None:
    text = write_source(create("resnet20", depth=32, num_classes=7, activation="tanh", device="meta"))
    assert '    return CifarResNet(depth=32, skip=True, num_classes=7, activation="tanh")\n' in text
    assert "Built with depth=32, num_classes=7, activation='tanh'." in text


def test_two_definitions_of_one_name_are_kept_apart() -> None:
    collector = Collector()
    collector.name_of(PreactResNet, needed_by="both")
    collector.name_of(ResNet, needed_by="both")
    imports, body = written(collector, family="layerlab.zoo.preact_resnet")
    assert "\n_BLOCKS_of_resnet = {\n" in body
    assert "\n_BLOCKS = {\n" in body
    spaces: dict[str, Any] = {}
    exec(compile(f"{imports}\n{body}", "both.py", "exec"), spaces)
    for ours, theirs in ((ResNet, spaces["ResNet"]), (PreactResNet, spaces["PreactResNet"])):
        one, other = (kind(depth=50, width=0.0625).state_dict() for kind in (ours, theirs))
        assert {name: value.shape for name, value in one.items()} == {n: v.shape for n, v in other.items()}


def test_what_is_no_network_of_the_zoo_is_refused_in_a_sentence() -> None:
    with pytest.raises(LayerlabError, match=r'^"Linear" is not of the zoo: its source is where it was written'):
        write_source(nn.Linear(2, 2))
    changed = create("lenet5_modern")
    changed.dense3 = nn.Linear(84, 3)
    with pytest.raises(LayerlabError, match=r'changed after it was built \("dense3.weight" is not as in a fresh'):
        write_source(changed)
    with pytest.raises(LayerlabError, match=r'"x" is built with .*, which cannot be written as source'):
        Collector().name_of(nn.ReLU, needed_by="x")


def test_a_name_of_a_function_is_not_taken_for_that_of_the_module() -> None:
    tree = ast.parse("def f(a, b=c, *d: e) -> g:\n    h = a\n    return [i + j for i in h] + k(lambda x: x + y)\n")
    assert [name.id for name in _references(tree)] == ["c", "e", "g", "j", "k", "y"]
    assert "ACTIVATIONS" in _module("layerlab.layers.activations").documentation
