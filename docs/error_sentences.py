"""Every sentence with which the program refuses something, read from its source.

The page "When something goes wrong" lists them (``docs/pages.py``), and a test compares the two. What differs
from case to case, such as a name or a number, is a gap: "…".
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "sxtstudio"
GAP = "…"
#: Other exceptions whose text is shown as it is.
_ALSO_SHOWN = frozenset({"ArgumentTypeError"})
_MOST_READINGS = 24
_DEEPEST = 6
Texts = list[str]


@dataclass(eq=False)
class Module:
    """A file of the package: its tree, and what its names stand for."""

    name: str
    tree: ast.Module
    values: dict[str, ast.expr] = field(default_factory=dict)
    functions: dict[str, ast.FunctionDef] = field(default_factory=dict)
    imported: dict[str, tuple[str, str]] = field(default_factory=dict)
    classes: list[ast.ClassDef] = field(default_factory=list)
    calls: list[tuple[ast.FunctionDef | None, ast.Call]] = field(default_factory=list)
    returned: list[tuple[ast.FunctionDef, ast.Call]] = field(default_factory=list)


@dataclass(frozen=True)
class Scope:
    """Where an expression stands: its module, the function around it, and what parameters are bound to."""

    module: Module
    function: ast.FunctionDef | None = None
    bound: Mapping[str, Texts] = field(default_factory=dict)


@cache
def reading(package: Path = PACKAGE) -> tuple[tuple[str, Texts], ...]:
    """Return, for each place in the package that makes an error, its module and what it can say."""
    modules = {path.relative_to(package).as_posix(): read_module(path, package) for path in _sources(package)}
    return tuple(Reader(modules).raised())


def error_sentences(package: Path = PACKAGE) -> dict[str, set[str]]:
    """Return each sentence with the modules ("io/mrc.py") that say it."""
    found: dict[str, set[str]] = {}
    for name, texts in reading(package):
        for text in texts:
            found.setdefault(text, set()).add(name)
    return found


def without_words(package: Path = PACKAGE) -> set[str]:
    """Return the modules that hand on a sentence of which nothing is known here."""
    return {name for name, texts in reading(package) if not texts}


def read_module(path: Path, package: Path) -> Module:
    """Read a file's names: constants, functions and methods, and what it imports of the package."""
    module = Module(path.relative_to(package).as_posix(), ast.parse(path.read_text(encoding="utf-8")))
    for node in module.tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            module.values[node.targets[0].id] = node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            module.values[node.target.id] = node.value
    for function, node in _inside(module.tree):
        if isinstance(node, ast.FunctionDef):
            module.functions.setdefault(node.name, node)
        elif isinstance(node, ast.ClassDef):
            module.classes.append(node)
        elif isinstance(node, ast.Call):
            module.calls.append((function, node))
        elif isinstance(node, ast.Return) and isinstance(node.value, ast.Call) and function is not None:
            module.returned.append((function, node.value))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{package.name}."):
            place = (node.module or "").removeprefix(f"{package.name}.").replace(".", "/")
            for alias in node.names:
                module.imported[alias.asname or alias.name] = (place, alias.name)
    return module


def is_gap(text: str) -> bool:
    """Whether nothing of a text is known: it holds no word."""
    return not re.search(r"[A-Za-z]{2}", text.replace(GAP, ""))


class Reader:
    """Reads what expressions can say, through names, functions and conditions."""

    def __init__(self, modules: Mapping[str, Module]) -> None:
        self._modules = modules
        self._errors = self._error_classes()
        self._makers = self._error_makers()

    def raised(self) -> Iterator[tuple[str, Texts]]:
        """Yield, for each place that makes an error for users, its module and what it can say."""
        for module in self._modules.values():
            for function, node in module.calls:
                name = ast.unparse(node.func).split(".")[-1]
                if name in self._errors and node.args:
                    if function is not None and self._errors_returned(function):
                        continue  # what it says is known where it is called
                    texts = self._said(name, node, Scope(module, function))
                elif (maker := self._maker(name, module)) is not None:
                    texts = self._made(*maker, node, Scope(module, function))
                else:
                    continue
                yield module.name, sorted({text for text in map(tidy, texts) if not is_gap(text)})
            if module.name == "core/errors.py":
                function = module.functions["sentence_of"]
                for node in ast.walk(function):
                    if isinstance(node, ast.Return) and node.value is not None:
                        texts = self.texts(node.value, Scope(module, function))
                        if said := [text for text in map(tidy, texts) if not is_gap(text)]:
                            yield module.name, said

    def texts(self, node: ast.expr, scope: Scope, depth: int = 0) -> Texts:
        """Return what an expression can say."""
        if depth > _DEEPEST:
            return [GAP]
        again = depth + 1
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.JoinedStr(values=parts):
                return _joined([self._part(part, scope, again) for part in parts])
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return _joined([self.texts(left, scope, again), self.texts(right, scope, again)])
            case ast.IfExp(body=body, orelse=other):
                return [*self.texts(body, scope, again), *self.texts(other, scope, again)]
            case ast.BoolOp(values=values):
                return [text for value in values for text in self.texts(value, scope, again)]
            case ast.Dict(values=values):
                return [text for value in values for text in self.texts(value, scope, again)]
            case ast.Subscript(value=value):
                return self.texts(value, scope, again)
            case ast.Name(id=name):
                return self._named(name, scope, again)
            case ast.Call():
                return self._called(node, scope, again)
        return [GAP]

    def _part(self, part: ast.expr, scope: Scope, depth: int) -> Texts:
        """Return a piece of an f-string: its own words, those of a constant, else a gap."""
        if isinstance(part, ast.Constant):
            return [str(part.value)]
        assert isinstance(part, ast.FormattedValue)
        if isinstance(part.value, ast.Name):
            name = part.value.id
            if name in scope.bound:
                return list(scope.bound[name])
            texts = self._named(name, scope, depth)
            if not any(is_gap(text) for text in texts):
                return texts
        return [GAP]

    def _named(self, name: str, scope: Scope, depth: int) -> Texts:
        if name in scope.bound:
            return list(scope.bound[name])
        if scope.function is not None:
            texts = [
                text
                for value in _assignments(scope.function).get(name, [])
                for text in self.texts(value, scope, depth)
            ]
            if texts:
                return texts
        module = scope.module
        if name in module.values:
            return self.texts(module.values[name], Scope(module), depth)
        if name in module.imported:
            place, original = module.imported[name]
            other = self._modules.get(f"{place}.py")
            if other is not None and original in other.values:
                return self.texts(other.values[original], Scope(other), depth)
        return [GAP]

    def _called(self, node: ast.Call, scope: Scope, depth: int) -> Texts:
        """Return what a call gives: of ``format``, ``join`` and ``strip``, and functions of the package."""
        name = ast.unparse(node.func).split(".")[-1]
        if isinstance(node.func, ast.Attribute):
            if name == "format":
                return [
                    re.sub(r"\{[^{}]*\}", GAP, text) for text in self.texts(node.func.value, scope, depth)
                ]
            if name in ("strip", "removesuffix", "replace"):
                return self.texts(node.func.value, scope, depth)
            if name == "join" and isinstance(node.args[0], ast.List | ast.Tuple):
                parts = [self.texts(part, scope, depth) for part in node.args[0].elts]
                return [" ".join(words) for words in _product(parts)]
        found = self._function(name, scope.module)
        if found is None:
            return [GAP]
        module, function = found
        bound = self._bind(function, node, scope, depth)
        inside = Scope(module, function, bound)
        return [
            text
            for inner in ast.walk(function)
            if isinstance(inner, ast.Return) and inner.value is not None
            for text in self.texts(inner.value, inside, depth)
        ] or [GAP]

    def _function(self, name: str, module: Module) -> tuple[Module, ast.FunctionDef] | None:
        if name in module.functions:
            return module, module.functions[name]
        if name in module.imported:
            place, original = module.imported[name]
            other = self._modules.get(f"{place}.py")
            if other is not None and original in other.functions:
                return other, other.functions[original]
        return None

    def _bind(self, function: ast.FunctionDef, call: ast.Call, scope: Scope, depth: int) -> dict[str, Texts]:
        """Return what the parameters of a function say in a call of it."""
        names = [argument.arg for argument in function.args.args if argument.arg != "self"]
        given = dict(zip(names, call.args, strict=False))
        given.update({word.arg: word.value for word in call.keywords if word.arg})
        defaults = dict(zip(reversed(names), reversed(function.args.defaults), strict=False))
        bound = {}
        for name in names:
            if name in given:
                bound[name] = self.texts(given[name], scope, depth)
            elif name in defaults:
                bound[name] = self.texts(defaults[name], Scope(scope.module), depth)
        return bound

    def _said(self, name: str, call: ast.Call, scope: Scope) -> Texts:
        """Return what an error says: its first argument, or what its class makes of all of them."""
        made = self._errors[name]
        if made is None:
            return self.texts(call.args[0], scope)
        module, function = made
        bound = self._bind(function, call, scope, 0)
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "super().__init__":
                return self.texts(node.args[0], Scope(module, function, bound))
        return [GAP]

    def _error_makers(self) -> dict[str, list[tuple[Module, ast.FunctionDef]]]:
        """Return the functions and methods, by name, that return an error instead of raising it."""
        found: dict[str, list[tuple[Module, ast.FunctionDef]]] = {}
        for module in self._modules.values():
            for function, call in module.returned:
                if call.args and ast.unparse(call.func).split(".")[-1] in self._errors:
                    makers = found.setdefault(function.name, [])
                    if (module, function) not in makers:
                        makers.append((module, function))
        return found

    def _errors_returned(self, function: ast.FunctionDef) -> list[ast.Call]:
        return [
            call
            for module, maker in self._makers.get(function.name, [])
            if maker is function
            for inside, call in module.returned
            if inside is function and call.args and ast.unparse(call.func).split(".")[-1] in self._errors
        ]

    def _maker(self, name: str, module: Module) -> tuple[Module, ast.FunctionDef] | None:
        """Return the maker of errors of a name: of the same module, else the only one of that name."""
        makers = self._makers.get(name, [])
        return next((one for one in makers if one[0] is module), makers[0] if len(makers) == 1 else None)

    def _made(self, module: Module, function: ast.FunctionDef, call: ast.Call, scope: Scope) -> Texts:
        """Return what a maker of errors says in a call of it."""
        inside = Scope(module, function, self._bind(function, call, scope, 0))
        return [
            text
            for error in self._errors_returned(function)
            for text in self._said(ast.unparse(error.func).split(".")[-1], error, inside)
        ]

    def _error_classes(self) -> dict[str, tuple[Module, ast.FunctionDef] | None]:
        """Return the classes of errors for users, with what makes their sentence where they do it."""
        found: dict[str, tuple[Module, ast.FunctionDef] | None] = {"UserError": None}
        found.update(dict.fromkeys(_ALSO_SHOWN))
        before = 0
        while before != len(found):
            before = len(found)
            for module in self._modules.values():
                for node in module.classes:
                    if node.name in found:
                        continue
                    bases = [ast.unparse(base).split(".")[-1] for base in node.bases]
                    parent = next((base for base in bases if base in found), None)
                    if parent is not None:
                        own = [
                            n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"
                        ]
                        found[node.name] = (module, own[0]) if own else found[parent]
        return found


def tidy(text: str) -> str:
    """Return a sentence in one line, with one gap where several follow each other."""
    text = re.sub(r"\s+", " ", text.replace("{slices}", GAP)).strip()
    text = re.sub(rf"(?:{GAP}\s*)+{GAP}", GAP, text)
    return re.sub(rf"^{GAP}[:.]? (?=[A-Z])", f"{GAP} ", text)


def _sources(package: Path) -> list[Path]:
    return sorted(package.rglob("*.py"))


def _inside(tree: ast.AST) -> Iterator[tuple[ast.FunctionDef | None, ast.AST]]:
    """Yield all parts of a file, each with the innermost function around it."""
    waiting: list[tuple[ast.AST, ast.FunctionDef | None]] = [(tree, None)]
    while waiting:
        node, function = waiting.pop()
        yield function, node
        inside = node if isinstance(node, ast.FunctionDef) else function
        waiting += [(child, inside) for child in ast.iter_child_nodes(node)]


@cache
def _assignments(function: ast.AST) -> dict[str, list[ast.expr]]:
    """Return what the names in a function are given."""
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(node.value)
        elif isinstance(node, ast.NamedExpr):
            found.setdefault(node.target.id, []).append(node.value)
    return found


def _joined(parts: Sequence[Texts]) -> Texts:
    return ["".join(words) for words in _product(parts)]


def _product(parts: Sequence[Texts]) -> list[tuple[str, ...]]:
    return list(itertools.islice(itertools.product(*parts), _MOST_READINGS))


if __name__ == "__main__":
    for sentence, places in sorted(error_sentences().items(), key=lambda entry: sorted(entry[1])):
        print(f"{', '.join(sorted(places))}\t{sentence}")
