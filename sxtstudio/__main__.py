"""``python -m sxtstudio`` is the command line."""

import sys

from sxtstudio.cli import main

if __name__ == "__main__":
    sys.exit(main())
