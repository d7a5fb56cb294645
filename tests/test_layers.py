"""The house's walls: who may import whom, how long files and functions may be, where time and chance come from."""

import ast
import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "pillarbox"

MAY_IMPORT: dict[str, set[str]] = {
    "base": set(),
    "mime": {"base"},
    "wire": {"mime", "base"},
    "model": {"mime", "base"},
    "database": {"model", "mime", "base"},
    "directory": {"model", "mime", "base"},
    "transport": {"model", "mime", "base"},
    "recovery": {"model", "mime", "base"},
    "monitor": {"model", "mime", "base"},
    "net": {"wire", "base"},
    "servers": {"model", "wire", "net", "mime", "base"},
    "testing": {"model", "wire", "net", "mime", "base", "database", "directory", "transport", "recovery", "servers"},
    "app": {
        "base", "mime", "wire", "model", "database", "directory", "transport", "recovery", "monitor", "net", "servers",
    },
}  # fmt: skip

PURE = {"base", "mime", "wire", "model"}
IO_MODULES = {"asyncio", "socket", "ssl", "threading", "uvloop", "apsw", "subprocess", "multiprocessing"}
CLOCK_AND_CHANCE = {("time", "time"), ("time", "time_ns"), ("random", "random"), ("os", "urandom"), ("uuid", "uuid4")}

FILES = sorted(SOURCE.rglob("*.py"))
LONGEST_FILE = 400
LONGEST_FUNCTION = 60


def layer_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0]


def imports_of(tree: ast.AST) -> list[str]:
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            module = node.module or ""
            names += [f"{module}.{alias.name}" for alias in node.names] if module == "pillarbox" else [module]
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_file_keeps_the_house_rules(path: Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "a module's docstring is its contract"
    assert text.count("\n") <= LONGEST_FILE, "a longer file asks for a new noun"
    assert not re.search(r"r[bf]?[\"'].*[^\\]\)[*+?]\+", text), (
        "Python before 3.11.5 gets (...)*+ wrong: write (?>(...)*)"
    )
    layer = layer_of(path)
    if layer in MAY_IMPORT:
        for name in imports_of(tree):
            parts = name.split(".")
            if parts[0] == "pillarbox" and len(parts) > 1 and (SOURCE / parts[1]).is_dir():
                assert parts[1] == layer or parts[1] in MAY_IMPORT[layer], f"{layer} may not import {name}"
            if layer in PURE:
                assert parts[0] not in IO_MODULES, f"{layer} is pure and may not import {name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= LONGEST_FUNCTION, f"{node.name} has {length} lines"
        if layer != "base" and isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            pair = (node.value.id, node.attr)
            assert pair not in CLOCK_AND_CHANCE, f"{'.'.join(pair)}: the clock and chance are handed in"
