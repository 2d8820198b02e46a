"""Has none of the seven functions."""
