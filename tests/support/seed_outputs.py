"""The document this course grew from, transcribed: each cell's code and what it printed.

This is kept apart from the notebook, so that running the notebook anew can never change it. `print` of a tensor wrote what
follows on stdout; the last line of a cell, where it is an expression, was shown as the cell's result.
"""

from notebooks import code_cells, shown

SEED_CELLS: list[tuple[str, str]] = [
    (
        """\
import torch
import torch.nn as nn""",
        "",
    ),
    ("torch.manual_seed(0)", "<torch._C.Generator at 0x7f5322d63e50>"),
    (
        """\
sample_size = 2
sequence_length = 3
number_feature = 4

x = torch.arange(sample_size*number_feature*sequence_length).reshape(sample_size, sequence_length, number_feature) * 1.0
print(x)""",
        """\
tensor([[[ 0.,  1.,  2.,  3.],
         [ 4.,  5.,  6.,  7.],
         [ 8.,  9., 10., 11.]],

        [[12., 13., 14., 15.],
         [16., 17., 18., 19.],
         [20., 21., 22., 23.]]])""",
    ),
    (
        """\
output_size = 5
number_layers = 1
rnn_function = nn.RNN(input_size=number_feature, hidden_size=output_size, num_layers=number_layers, batch_first=True)""",
        "",
    ),
    (
        """\
h0 = torch.zeros(number_layers, sample_size, output_size)

output, hn = rnn_function(x, h0)""",
        "",
    ),
    (
        "print(output)",
        """\
tensor([[[-0.8913,  0.9556,  0.0240, -0.6370, -0.5639],
         [-0.9969,  0.9986,  0.2649, -0.9997, -0.5647],
         [-0.9999,  0.9999, -0.2600, -1.0000, -0.6001]],

        [[-1.0000,  1.0000, -0.9365, -1.0000, -0.8544],
         [-1.0000,  1.0000, -0.7537, -1.0000, -0.8052],
         [-1.0000,  1.0000, -0.9257, -1.0000, -0.8684]]],
       grad_fn=<TransposeBackward1>)""",
    ),
    (
        "print(hn)",
        """\
tensor([[[-0.9999,  0.9999, -0.2600, -1.0000, -0.6001],
         [-1.0000,  1.0000, -0.9257, -1.0000, -0.8684]]],
       grad_fn=<StackBackward0>)""",
    ),
    (
        """\
# hn = output[:,-1,:]
output[:,-1,:]""",
        """\
tensor([[-0.9999,  0.9999, -0.2600, -1.0000, -0.6001],
        [-1.0000,  1.0000, -0.9257, -1.0000, -0.8684]],
       grad_fn=<SliceBackward0>)""",
    ),
]

# What differs by the version of PyTorch and is no number: it calls the slice's gradient function by another name now.
RENAMED_SINCE = {"SliceBackward0": "SelectBackward0"}


def renamed(text: str) -> str:
    for old, new in RENAMED_SINCE.items():
        text = text.replace(old, new)
    return text


def seed_complaints(notebook) -> list[str]:
    """Where the notebook departs from the seed: a cell that is missing, or shows something else."""
    cells = {cell.source: cell for cell in code_cells(notebook)}
    order = list(cells)
    found = [f"no cell has the seed's code:\n{code}" for code, _ in SEED_CELLS if code not in cells]
    present = [(code, printed) for code, printed in SEED_CELLS if code in cells]
    if [order.index(code) for code, _ in present] != sorted(order.index(code) for code, _ in present):
        found.append("the seed's cells stand in another order")
    for code, printed in present:
        if shown(cells[code]) != renamed(printed):
            found.append(f"{code}\nshows\n{shown(cells[code])}\nand showed in the seed\n{printed}")
    return found
