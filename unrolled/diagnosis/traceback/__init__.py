"""What an error's traceback shows: names in frames, bytecode, autograd's graph."""
