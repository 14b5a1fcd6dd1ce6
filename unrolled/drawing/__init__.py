"""Pictures: the grid of hidden states, and matplotlib figures that fit every host."""
