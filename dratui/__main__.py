"""`python -m dratui` is the command `dratui`."""

import sys

from dratui.cli import main

sys.exit(main())
