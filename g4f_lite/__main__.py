"""`python -m g4f_lite` is the command `g4f-lite`."""

import sys

from .cli import main

sys.exit(main())
