"""The parent of every import realm; empty on disk, see `hotswap.realm`."""
