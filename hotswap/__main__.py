"""`python -m hotswap` is the command `hotswap`."""

from .cli import main

if __name__ == "__main__":
    main(prog_name="hotswap")
