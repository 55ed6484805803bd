"""CEL as device selectors have it, exactly: cel-go 0.26 with the API server's libraries.

source → `lexer` → `parser` (`macros`) → `checker` (`declarations`, `types`) → `compiler` (`paths`, `calls`, `loops`,
with `library` and `values`), asked through `selector`. `estimate` says what an expression costs at most, `cost` what
it did.

Selectors come from tenants: no text of theirs becomes Python's, and what they ask for is bounded.
"""

import sys
from typing import Final

_DEEP: Final = 10_000
"""Frames. An expression may be nested 250 deep, and takes nine for each level; they cost no stack of the machine's."""

sys.setrecursionlimit(max(sys.getrecursionlimit(), _DEEP))
