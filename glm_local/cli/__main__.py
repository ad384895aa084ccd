"""The command ``glm`` as ``python -m glm_local.cli``."""

from __future__ import annotations

from glm_local.cli.commands import main

if __name__ == "__main__":
    main()
