"""`python -m kpatch_tools`, which is the command kpt: Ctrl-C may come before the command line is even imported."""

import sys


def main() -> None:
    """Run `kpt` and exit."""
    try:
        from kpatch_tools.cli.main import main as run
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; nothing was done\n")
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
