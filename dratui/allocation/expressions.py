"""The selectors of a manifest: what no API server would take is told with its place, before any node is looked at."""

from collections.abc import Mapping
from typing import Any, Final

from dratui.allocation.documents import Wrong
from dratui.failure import Failure

_LONGEST: Final = 10 * 1024  # resource.k8s.io's CELSelectorExpressionMaxLength
_MOST: Final = 32  # DeviceSelectorsMaxSize
_COMPILED: Final = 4 * 1024  # characters


class Expressions:
    """Those of the manifests. The first few KiB of them are compiled, which takes long for long ones; of the others the
    nodes tell what is wrong."""

    def __init__(self) -> None:
        self._left = _COMPILED

    def check(self, where: str, asked: Mapping[str, Any]) -> None:
        """The selectors of a request or a class. What only some releases know is left to the cluster's. Raises
        Wrong."""
        selectors = asked.get("selectors") or ()
        if len(selectors) > _MOST:
            raise Wrong(f"{where}.selectors: are {len(selectors)}, and may be {_MOST} at most")
        for number, each in enumerate(selectors):
            here = f"{where}.selectors[{number}].cel.expression"
            expression = (each.get("cel") or {}).get("expression")
            if not expression:
                raise Wrong(f"{here}: is needed")
            if len(expression.encode()) > _LONGEST:
                raise Wrong(f"{here}: is longer than {_LONGEST} bytes")
            if len(expression) <= self._left:
                self._left -= len(expression)
                _compile(here, expression)


def _compile(where: str, expression: str) -> None:
    from dratui.allocation.cel.errors import CompileError, line_and_column
    from dratui.allocation.cel.selector import Dialect, selector

    try:
        selector(expression, Dialect(list_attributes=True))
    except CompileError as error:
        first = error.problems[0]
        line, column = line_and_column(expression, first.at)
        at = f"line {line}, column {column}" if "\n" in expression else f"column {column}"
        raise Wrong(f"{where}: {at}: {first.text}", hint=expression.splitlines()[line - 1][:200]) from None
    except Failure as error:
        raise Wrong(f"{where}: {str(error).removeprefix('error: ')}") from None
