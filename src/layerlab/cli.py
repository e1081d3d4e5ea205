"""``layerlab ...``: parses, calls one function, prints.

Heavy imports sit inside the commands, so that ``layerlab --help`` loads neither torch nor Lightning.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from layerlab import __version__
from layerlab.errors import LayerlabError

if TYPE_CHECKING:
    from rich.console import Console
    from torch import nn

    from layerlab.training import Run

__all__ = ["main"]

app = typer.Typer(
    name="layerlab",
    help="A laboratory for deep-network architectures.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)

_MODEL_HELP = "A zoo name (layerlab models), a file of Keras text (- for standard input), or package.module:callable."
ModelArgument = Annotated[str, typer.Argument(metavar="MODEL", help=_MODEL_HELP)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]


def main() -> None:
    """Run the command line: a mistake in what was given is one line on standard error and exit code 2."""
    try:
        code = app(standalone_mode=False)
    except LayerlabError as error:
        code = _complain(str(error))
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:  # the reader of our output went away, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:
        usage = getattr(error, "format_message", None)  # what the parser raises for options that it does not know
        if usage is None:
            raise
        code = _complain(f"{usage()} (layerlab {' '.join(sys.argv[1:2])} --help lists what there is)")
    sys.exit(code if isinstance(code, int) else 0)


def _complain(sentence: str) -> int:
    print(f"layerlab: {' '.join(sentence.split())}", file=sys.stderr)
    return 2


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        print(f"layerlab {__version__}")
        raise typer.Exit


@app.command()
def train(  # one parameter an option: they are the command's interface
    model: Annotated[str | None, typer.Argument(metavar="[MODEL]", help=_MODEL_HELP)] = None,
    data: Annotated[
        str | None,
        typer.Option(
            help="A data set (layerlab data), a folder of class folders, or one with train/ and val/ of them."
        ),
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training part.")] = 10,
    batch_size: Annotated[int, typer.Option(min=1, help="Images a step, over all devices.")] = 64,
    optimizer: Annotated[str, typer.Option(help="Any of torch.optim, by name.")] = "adam",
    learning_rate: Annotated[
        float | None,
        typer.Option("--learning-rate", "--lr", help="Peak learning rate [default: the optimiser's]"),
    ] = None,
    weight_decay: Annotated[float | None, typer.Option(help="[default: the optimiser's]")] = None,
    momentum: Annotated[float | None, typer.Option(help="[default: the optimiser's]")] = None,
    schedule: Annotated[str, typer.Option(help="one-cycle, cosine, step or constant.")] = "one-cycle",
    label_smoothing: Annotated[float, typer.Option(help="Share of the target spread over all classes.")] = 0.0,
    mixup: Annotated[float, typer.Option(help="Alpha of the Beta distribution; 0 is off.")] = 0.0,
    augmentation: Annotated[str, typer.Option(help="none, light, standard, ...")] = "none",
    early_stopping: Annotated[
        int | None, typer.Option(help="Stop after so many epochs without a lower validation loss.")
    ] = None,
    gradient_clip: Annotated[float | None, typer.Option(help="Largest norm of the gradient.")] = None,
    validation: Annotated[float, typer.Option(help="Share of the training part kept for validation.")] = 0.1,
    seed: Annotated[int, typer.Option(help="Of weights, order, split and augmentation.")] = 0,
    precision: Annotated[str, typer.Option(help="32, bf16, or auto: measured, the faster.")] = "auto",
    memory_format: Annotated[str, typer.Option(help="contiguous, channels_last, or auto: measured.")] = "auto",
    device: Annotated[str, typer.Option(help="cpu, cuda, mps or auto.")] = "auto",
    devices: Annotated[int, typer.Option(min=1, help="Processes on this machine.")] = 1,
    nodes: Annotated[int, typer.Option(min=1, help="Machines.")] = 1,
    strategy: Annotated[str, typer.Option(help="auto, ddp or fsdp.")] = "auto",
    data_root: Annotated[Path | None, typer.Option(help="Where downloaded data is kept.")] = None,
    size: Annotated[int | None, typer.Option(min=1, help="Height and width of the images.")] = None,
    workers: Annotated[int | None, typer.Option(min=0, help="Processes that read image files.")] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out images that cannot be read.")] = False,
    output: Annotated[Path | None, typer.Option(help="The run folder [default: runs/MODEL-DATA]")] = None,
    resume: Annotated[Path | None, typer.Option(help="A run folder to go on with, exactly.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Train a network; leaves a run folder with checkpoints, metrics and an HTML report."""


@app.command()
def dissect(
    model: ModelArgument,
    input_size: Annotated[
        str | None, typer.Option("--input", metavar="CxHxW", help="Its input, e.g. 3x224x224.")
    ] = None,
    layer: Annotated[str | None, typer.Option(help="A number or name of the table: its arithmetic, worked.")] = None,
    depth: Annotated[int | None, typer.Option(min=1, help="Levels of nesting to show.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show a network layer by layer: shapes, parameters, arithmetic, receptive field."""
    from layerlab.anatomy import dissect as dissect_module
    from layerlab.zoo import resolve

    module = resolve(model)
    anatomy = dissect_module(module, _input_size(module, model, input_size))
    if layer is not None:
        explanation = anatomy.explain(layer)
        print(json.dumps(explanation.lines, indent=2, ensure_ascii=False) if as_json else explanation)
    elif as_json:
        print(anatomy.to_json())
    else:
        _console().print(anatomy.table(depth=depth))


@app.command()
def predict(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Image files, of any size and mode.")],
    top: Annotated[int, typer.Option(min=1, help="Classes to show.")] = 3,
    invert: Annotated[
        bool,
        typer.Option("--invert", help="Swap dark and light (ink on paper, for networks that saw white on black)."),
    ] = False,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out images that cannot be read.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Classify image files with a trained run."""


@app.command()
def export(
    source: Annotated[str, typer.Argument(metavar="RUN|MODEL", help="A run folder, or a network as for train.")],
    onnx: Annotated[Path | None, typer.Option(metavar="FILE", help="ONNX, checked against ONNX Runtime.")] = None,
    pytorch: Annotated[
        Path | None, typer.Option(metavar="FILE", help="PyTorch source (networks from Keras text).")
    ] = None,
    keras: Annotated[Path | None, typer.Option(metavar="FILE", help="Keras source (networks from Keras text).")] = None,
    input_size: Annotated[
        str | None, typer.Option("--input", metavar="CxHxW", help="Its input, e.g. 3x224x224.")
    ] = None,
) -> None:
    """Write a network in another form."""


@app.command()
def models(
    pattern: Annotated[str, typer.Argument(help="Names to list, e.g. 'resnet*'.")] = "*",
    as_json: JsonOption = False,
) -> None:
    """List the zoo."""


@app.command()
def data(as_json: JsonOption = False) -> None:
    """List the data sets."""


def _input_size(module: nn.Module, spec: str, given: str | None) -> tuple[int, ...]:
    """Return the input's size without the batch: what was given, or what the network says."""
    from layerlab.zoo import input_shape_of

    if given is not None:
        try:
            size = tuple(int(part) for part in given.lower().replace("×", "x").split("x"))
        except ValueError:
            size = ()
        if not size or min(size) < 1:
            raise LayerlabError(f'--input "{given}" is not a size; expected whole numbers joined by x, e.g. 3x224x224')
        return size
    known = input_shape_of(module)
    if known is None or None in known:
        raise LayerlabError(f'"{spec}" does not say the size of its input; add --input CxHxW, e.g. --input 3x224x224')
    return tuple(side for side in known if side is not None)


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False, soft_wrap=False)
