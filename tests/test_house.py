"""The rules of the house that a program can check."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "layerlab"
ORDER = ["layers", "notation", "zoo", "data", "anatomy", "training", "playground", "lab", "studio"]


@cache
def nodes_of(file: Path) -> list[ast.AST]:
    """Return what ``file`` consists of that the rules are about."""
    kinds = (ast.Import, ast.ImportFrom, ast.Call, ast.Assert)
    return [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, kinds)]


def imports_of(file: Path) -> list[str]:
    """Return the dotted names of every import of Layerlab in ``file``, those inside functions too."""
    found: list[str] = []
    for node in nodes_of(file):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            found.append(node.module or "")
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return [name for name in found if name.split(".")[0] == "layerlab"]


@pytest.mark.parametrize("folder", [folder for folder in ORDER if (PACKAGE / folder).is_dir()])
def test_a_folder_imports_only_from_those_before_it(folder: str) -> None:
    allowed = set(ORDER[: ORDER.index(folder) + 1])
    for file in (PACKAGE / folder).rglob("*.py"):
        for name in imports_of(file):
            part = name.split(".")[1] if "." in name else ""
            assert part not in ORDER or part in allowed, f"{file.relative_to(ROOT)} imports {name}"
            assert not part.startswith("cli"), f"{file.relative_to(ROOT)} imports the command line"


def test_every_folder_is_in_the_order() -> None:
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert folders <= set(ORDER)


def test_nothing_executes_text() -> None:
    forbidden = {"eval", "exec", "compile", "__import__"}
    for file in PACKAGE.rglob("*.py"):
        for node in nodes_of(file):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in forbidden, f"{file.relative_to(ROOT)}:{node.lineno} calls {node.func.id}"
        assert not {"pickle", "dill", "cloudpickle"} & {name.split(".")[0] for name in all_imports(file)}, file
        assert "weights_only=False" not in file.read_text(), file


def all_imports(file: Path) -> list[str]:
    """Return the names of every module that ``file`` imports."""
    found: list[str] = []
    for node in nodes_of(file):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append(node.module or "")
    return found


def test_no_assert_outside_the_tests() -> None:
    for file in PACKAGE.rglob("*.py"):
        for node in nodes_of(file):
            assert not isinstance(node, ast.Assert), f"{file.relative_to(ROOT)}:{node.lineno}"


def test_starting_loads_neither_torch_nor_lightning() -> None:
    program = (
        "import sys, layerlab, layerlab.cli; sys.argv = ['layerlab', '--help']\n"
        "try: layerlab.cli.main()\n"
        "except SystemExit as end: assert end.code == 0, end.code\n"
        "heavy = {'torch', 'lightning', 'torchvision', 'numpy', 'PIL', 'plotly'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "train" in done.stdout


def test_the_studio_starts_without_what_only_some_pages_need() -> None:
    program = (
        "import sys, layerlab.studio.app\n"
        "heavy = {'torch', 'scipy', 'numba', 'pandas', 'plotly', 'sklearn'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_no_file_is_large() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        file = ROOT / name
        assert not file.exists() or file.stat().st_size <= 500_000, name


STATIC = [PACKAGE / "studio" / "static", PACKAGE / "anatomy" / "static"]
MODULES = sorted(file for folder in STATIC for file in folder.rglob("*.js"))


@pytest.mark.parametrize("file", MODULES, ids=[str(file.relative_to(PACKAGE)) for file in MODULES])
def test_a_module_of_the_page_is_short_and_puts_no_text_into_html(file: Path) -> None:
    text = file.read_text()
    assert text.count("\n") <= 400, "a file over 400 lines is a question"
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "srcdoc"):
        assert way not in text, way
    for source in re.findall(r"""(?:\bfrom|\bimport\(?)\s*["']([^"']+)["']""", text):
        assert source.startswith("."), f"imports {source}"


def test_the_page_asks_no_other_server() -> None:
    files = [file for folder in STATIC for file in folder.rglob("*")]
    for file in (file for file in files if file.suffix in {".js", ".css", ".html"}):
        found = set(re.findall(r"https?://[\w.]+", file.read_text())) - NAMESPACES
        assert not found, f"{file.relative_to(ROOT)}: {found}"


NAMESPACES = {"http://www.w3.org"}
