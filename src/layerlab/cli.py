"""``layerlab ...``: parses, calls one function, prints.

Heavy imports sit inside the commands, so that ``layerlab --help`` loads neither torch nor Lightning.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from layerlab import __version__
from layerlab.cli_dissect import dissect
from layerlab.cli_lab import ask, lab, sweep
from layerlab.cli_output import print_json, print_table
from layerlab.cli_playground import play
from layerlab.cli_studio import studio
from layerlab.cli_zoo import MODEL_HELP, compare, export, models
from layerlab.errors import LayerlabError

if TYPE_CHECKING:
    from layerlab.training import Run

__all__ = ["main"]

app = typer.Typer(
    name="layerlab",
    help="A laboratory for deep-network architectures.",
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command()(play)
app.command()(studio)
app.command()(dissect)
app.command()(models)
app.command()(compare)
app.command()(export)
app.command()(ask)
app.command()(sweep)
app.add_typer(lab)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]


def main() -> None:
    """Run the command line: a mistake in what was given is one line on standard error and exit code 2."""
    codecs.register_error(_Printable.__name__, _Printable())
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_Printable.__name__)
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
    except LayerlabError as error:
        code = _complain(str(error))
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:  # the reader of our output went away, as `| head` does
        _discard_output()
        code = 0
    except OSError as error:
        code = _complain(f"{error.filename or 'standard output'}: {error.strerror or error}")
        _discard_output()
    except Exception as error:
        usage = getattr(error, "format_message", None)  # what the parser raises for options that it does not know
        if usage is None:
            raise
        known = sys.argv[1] if sys.argv[1:2] and sys.argv[1] in _command_names() else ""
        code = _complain(f"{usage()} ({' '.join(filter(None, ('layerlab', known, '--help')))} lists what there is)")
    sys.exit(code if isinstance(code, int) else 0)


class _Printable:
    """Encode file names byte for byte, and what the terminal's encoding lacks as an escape, instead of failing."""

    def __call__(self, error: UnicodeError) -> tuple[str | bytes, int]:
        try:
            return codecs.lookup_error("surrogateescape")(error)
        except UnicodeError:
            return codecs.lookup_error("backslashreplace")(error)


def _discard_output() -> None:
    """Leave nothing that Python would try to print once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(sentence: str) -> int:
    print(f"layerlab: {' '.join(sentence.split())}", file=sys.stderr)
    return 2


def _command_names() -> set[str]:
    commands = {command.callback.__name__ for command in app.registered_commands if command.callback is not None}
    return commands | {group.typer_instance.info.name or "" for group in app.registered_groups if group.typer_instance}


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        print(f"layerlab {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command()
def train(
    model: Annotated[str | None, typer.Argument(metavar="MODEL", help=MODEL_HELP)] = None,
    data: Annotated[
        str | None,
        typer.Option(
            help="A data set (layerlab data), a folder of class folders, or one with train/ and val/ of them."
        ),
    ] = None,
    epochs: Annotated[int, typer.Option(help="Passes over the training part.")] = 10,
    batch_size: Annotated[int, typer.Option(help="Images a step, over all devices together.")] = 32,
    optimizer: Annotated[str, typer.Option(help="Any of torch.optim, by name.")] = "adam",
    learning_rate: Annotated[
        float | None,
        typer.Option("--learning-rate", "--lr", help="The highest of the schedule (default: the optimiser's)."),
    ] = None,
    weight_decay: Annotated[float | None, typer.Option(help="Default: the optimiser's.")] = None,
    momentum: Annotated[float | None, typer.Option(help="Default: the optimiser's.")] = None,
    schedule: Annotated[str, typer.Option(help="one-cycle, cosine, step or constant.")] = "one-cycle",
    label_smoothing: Annotated[float, typer.Option(help="Share of each target spread evenly over all classes.")] = 0.0,
    mixup: Annotated[float, typer.Option(help="Alpha by which pairs of images are mixed; 0: no mixing.")] = 0.0,
    augmentation: Annotated[str, typer.Option(help="Random changes of the training images, by name.")] = "none",
    early_stopping: Annotated[
        int | None, typer.Option(help="Stop after so many epochs without a lower validation loss.")
    ] = None,
    gradient_clip: Annotated[float | None, typer.Option(help="Largest norm of the gradient.")] = None,
    validation: Annotated[float, typer.Option(help="Share of the training part kept for validation.")] = 0.1,
    seed: Annotated[int, typer.Option(help="Of weights, order, split and augmentation.")] = 0,
    precision: Annotated[str, typer.Option(help="32, bf16, 16 (CUDA), or auto: measured, the fastest.")] = "auto",
    memory_format: Annotated[str, typer.Option(help="contiguous, channels_last, or auto: measured.")] = "auto",
    device: Annotated[str, typer.Option(help="cpu, cuda, mps, or auto: the best there is.")] = "auto",
    devices: Annotated[int, typer.Option(help="Processes on each machine, one a device.")] = 1,
    nodes: Annotated[int, typer.Option(help="Machines.")] = 1,
    strategy: Annotated[str, typer.Option(help="auto, ddp or fsdp.")] = "auto",
    checkpoint_minutes: Annotated[float, typer.Option(help="Also write a checkpoint inside an epoch so often.")] = 5.0,
    weights: Annotated[
        str | None, typer.Option(help="To begin with: imagenet (published), a file of weights, or a run folder.")
    ] = None,
    freeze: Annotated[
        str | None, typer.Option(help="Parts that do not learn: backbone (all but the head), or e.g. layer1,layer2.")
    ] = None,
    backbone_learning_rate: Annotated[
        float | None, typer.Option(help="The highest for all but the head (default: that of the rest).")
    ] = None,
    data_root: Annotated[Path | None, typer.Option(help="Where downloads are kept.")] = None,
    size: Annotated[int | None, typer.Option(help="Height and width of the images (default: the network's).")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that read image files.")] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out images that cannot be read.")] = False,
    output: Annotated[Path | None, typer.Option(help="The run folder (default: runs/MODEL-DATA).")] = None,
    resume: Annotated[Path | None, typer.Option(metavar="RUN", help="Go on with a run, exactly.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Train a network; leaves a run folder with checkpoints, metrics and an HTML report."""
    if resume is None:
        if model is None:
            raise LayerlabError("train what? Name a network, e.g. layerlab train lecture_cnn --data mnist5k")
        if data is None:
            raise LayerlabError(f"train it on what? Add --data, e.g. layerlab train {model} --data mnist5k")
    if not quiet and sys.stderr.isatty():
        print("loading PyTorch ...", end="\r", file=sys.stderr, flush=True)
    from layerlab.training import Stopped, fit

    try:
        run = fit(
            model,
            data,
            epochs=epochs,
            batch_size=batch_size,
            optimizer=optimizer,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            momentum=momentum,
            schedule=schedule,
            label_smoothing=label_smoothing,
            mixup=mixup,
            augmentation=augmentation,
            early_stopping=early_stopping,
            gradient_clip=gradient_clip,
            validation=validation,
            seed=seed,
            precision=precision,
            memory_format=memory_format,
            device=device,
            devices=devices,
            nodes=nodes,
            strategy=strategy,
            checkpoint_minutes=checkpoint_minutes,
            weights=weights,
            freeze=freeze,
            backbone_learning_rate=backbone_learning_rate,
            root=data_root,
            size=size,
            workers=workers,
            skip_bad=skip_bad,
            output=output,
            resume=resume,
            progress=False if quiet else None,
        )
    except Stopped as stopped:
        print(f"layerlab: {stopped}", file=sys.stderr)
        raise typer.Exit(130) from stopped
    _print_result(run)


@app.command()
def predict(
    model: Annotated[str, typer.Argument(metavar="RUN|MODEL", help="A run folder, or a zoo name with --weights.")],
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Image files, of any size and mode.")],
    weights: Annotated[
        str | None, typer.Option(help="For a zoo name: imagenet (published), a file of weights, or a run folder.")
    ] = None,
    classes: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The names of the classes, a line each, for a file of weights.")
    ] = None,
    top: Annotated[int, typer.Option(help="How many classes to name.")] = 3,
    invert: Annotated[
        bool, typer.Option("--invert", help="Exchange light and dark first, e.g. for ink on paper.")
    ] = False,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out images that cannot be read.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Classify image files with a trained run, or with a network of the zoo and published weights."""
    from layerlab.training import predict as predict_images
    from layerlab.training.classifier import chosen_classifier

    with redirect_stdout(sys.stderr):
        classifier = chosen_classifier(model, weights, classes)
        predictions = predict_images(classifier, images, top=top, invert=invert, skip_bad=skip_bad)
    if as_json:
        shown = [{"path": str(one.path), "classes": dict(one.classes)} for one in predictions]
        print_json(shown)
    else:
        for one in predictions:
            print(f"{one.path}  " + "  ".join(f"{name} {share:.1%}" for name, share in one.classes))
    if any(one.looks_inverted for one in predictions) and not invert:
        print("some images are dark on light, the training images light on dark: try --invert", file=sys.stderr)
    for sentence in predictions.skipped:
        print(f"skipped: {sentence}", file=sys.stderr)


@app.command()
def data(as_json: JsonOption = False) -> None:
    """List the data sets."""
    from dataclasses import asdict

    from layerlab.data import list_datasets

    infos = list_datasets()
    if as_json:
        print_json([asdict(info) for info in infos])
        return
    rows = [
        (
            info.name,
            "x".join(map(str, info.shape)) if info.shape else "varies",
            str(info.number_of_classes),
            f"{sum(info.sizes):,}" if info.sizes else "-",
            info.needs,
            info.line,
        )
        for info in infos
    ]
    print_table(("data set", "image", "classes", "images", "needs", "what it is"), rows, numbers=(2, 3))
    print("Any folder of class folders works too, by its path; so does one with train/ and val/ of them.")


def _print_result(run: Run) -> None:
    """Print what a person wants to know when training has ended."""
    metrics = run.metrics
    print(
        f"test accuracy {metrics['test_accuracy']:.1%}, loss {_loss(metrics['test_loss'])}"
        f"  (validation {metrics['val_accuracy']:.1%}, {_loss(metrics['val_loss'])})"
    )
    print(f"run     {run.path}")
    if (run.path / "report.html").is_file():
        print(f"report  {run.path / 'report.html'}")


def _loss(value: float) -> str:
    return f"{value:.4f}" if value < 10_000 else f"{value:.3g}"
