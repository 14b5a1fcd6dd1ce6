"""`nn.RNN`, `nn.LSTM`, `nn.GRU`: the checks of a call are PyTorch's, in its order.

>>> rnn = nn.RNN(4, 5, batch_first=True)
>>> h0 = torch.randn(1, 2, 5)
>>> output, hn = rnn(torch.randn(2, 3, 4), h0)
"""

from __future__ import annotations

from typing import Any

import torch
from torch import _VF
from torch._tensor import Tensor
from torch.nn.modules.rnn_base import RNNBase
from torch.nn.modules.rnn_cells import GRUCell, LSTMCell, RNNCell, RNNCellBase
from torch.nn.utils.rnn import PackedSequence

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNBase", "RNNCell", "RNNCellBase"]

PROJECTION = "proj_size argument is only supported for LSTM, not RNN or GRU"
EXAMPLE = """{0}: see PyTorch's documentation of torch.nn.{0}, which says of its equation:

    where `h_t` is the hidden state at time `t`, :math:`{1}` is the hidden state of the {2} at time `t-1` or the initial
    hidden state at time `0`

    >>> rnn = nn.{0}(10, 20, 2)
    >>> input = torch.randn(5, 3, 10)
    >>> h0 = torch.randn(2, 3, 20)
"""


def _zeros(module: RNNBase, rows: Any, width: int, input: Tensor) -> Tensor:
    directions = 2 if module.bidirectional else 1
    return torch.zeros(module.num_layers * directions, int(rows), width, dtype=input.dtype, device=input.device)


class _OneState(RNNBase):
    """`nn.RNN` and `nn.GRU`, whose state is one tensor."""

    def _call(self, *args: Any) -> tuple[Tensor, Tensor]:
        raise NotImplementedError

    def _forward(self, input: Any, hx: Any) -> Any:
        orig_input = input
        is_batched = True
        if isinstance(orig_input, PackedSequence):
            input, batch_sizes, sorted_indices, unsorted_indices = input
            max_batch_size = batch_sizes[0]
        else:
            batch_sizes = sorted_indices = unsorted_indices = None
            if input.dim() not in (2, 3):
                kind = "tensor " if isinstance(self, RNN) else ""
                raise ValueError(
                    f"{'RNN' if isinstance(self, RNN) else 'GRU'}: Expected input to be 2D or 3D, got {input.dim()}D "
                    f"{kind}instead"
                )
            is_batched = input.dim() == 3
            batch_dim = 0 if self.batch_first else 1
            if not is_batched:
                input = input.unsqueeze(batch_dim)
                if hx is not None:
                    if hx.dim() != 2:
                        raise RuntimeError(
                            f"For unbatched 2-D input, hx should also be 2-D but got {hx.dim()}-D tensor"
                        )
                    hx = hx.unsqueeze(1)
            elif hx is not None and hx.dim() != 3:
                raise RuntimeError(f"For batched 3-D input, hx should also be 3-D but got {hx.dim()}-D tensor")
            max_batch_size = input.size(0) if self.batch_first else input.size(1)
        if hx is None:
            hx = _zeros(self, max_batch_size, self.hidden_size, input)
        else:
            hx = self.permute_hidden(hx, sorted_indices)
        self.check_forward_args(input, hx, batch_sizes)
        options = (self._flat_weights, self.bias, self.num_layers, self.dropout, self.training, self.bidirectional)
        if batch_sizes is not None:
            output, hidden = self._call(input, batch_sizes, hx, *options)
            packed = PackedSequence(output, batch_sizes, sorted_indices, unsorted_indices)
            return packed, self.permute_hidden(hidden, unsorted_indices)
        output, hidden = self._call(input, hx, *options, self.batch_first)
        if not is_batched:
            return output.squeeze(batch_dim), hidden.squeeze(1)
        return output, hidden


class RNN(_OneState):
    __doc__ = EXAMPLE.format("RNN", "h_{(t-1)}", "previous layer")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError(PROJECTION)
        if len(args) > 3:
            nonlinearity = args[3]
            args = args[:3] + args[4:]
        else:
            nonlinearity = kwargs.pop("nonlinearity", "tanh")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__(f"RNN_{nonlinearity.upper()}", *args, **kwargs)
        self.nonlinearity = nonlinearity

    def forward(self, input: Any, hx: Any = None) -> Any:
        """(output, h_n)"""
        return self._forward(input, hx)

    def _call(self, *args: Any) -> tuple[Tensor, Tensor]:
        return _VF.rnn_tanh(*args) if self.mode == "RNN_TANH" else _VF.rnn_relu(*args)


class GRU(_OneState):
    __doc__ = EXAMPLE.format("GRU", "h_{(t-1)}", "layer")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError(PROJECTION)
        super().__init__("GRU", *args, **kwargs)

    def forward(self, input: Any, hx: Any = None) -> Any:
        """(output, h_n)"""
        return self._forward(input, hx)

    def _call(self, *args: Any) -> tuple[Tensor, Tensor]:
        return _VF.gru(*args)


class LSTM(RNNBase):
    __doc__ = EXAMPLE.format("LSTM", "h_{t-1}", "layer") + "    >>> c0 = torch.randn(2, 3, 20)\n"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)

    def get_expected_cell_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, int, int]:
        """The shape that c_0 must have."""
        rows, mini_batch, _ = self.get_expected_hidden_size(input, batch_sizes)
        return rows, mini_batch, self.hidden_size

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Check the input and both states."""
        self.check_input(input, batch_sizes)
        sizes = self.get_expected_hidden_size(input, batch_sizes), self.get_expected_cell_size(input, batch_sizes)
        self.check_hidden_size(hidden[0], sizes[0], "Expected hidden[0] size {}, got {}")
        self.check_hidden_size(hidden[1], sizes[1], "Expected hidden[1] size {}, got {}")

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """Both states' samples in the order of a packed input."""
        if permutation is None:
            return hx
        return hx[0].index_select(1, permutation), hx[1].index_select(1, permutation)

    def forward(self, input: Any, hx: Any = None) -> Any:
        """(output, (h_n, c_n))"""
        orig_input = input
        batch_sizes = sorted_indices = unsorted_indices = None
        width = self.proj_size or self.hidden_size
        if isinstance(orig_input, PackedSequence):
            input, batch_sizes, sorted_indices, unsorted_indices = input
            rows = batch_sizes[0]
            if hx is None:
                hx = (_zeros(self, rows, width, input), _zeros(self, rows, self.hidden_size, input))
            else:
                hx = self.permute_hidden(hx, sorted_indices)
            self._check_packed(input, hx, int(rows))
            options = (self._flat_weights, self.bias, self.num_layers, self.dropout, self.training, self.bidirectional)
            output, *hidden = _VF.lstm(input, batch_sizes, hx, *options)
            packed = PackedSequence(output, batch_sizes, sorted_indices, unsorted_indices)
            return packed, self.permute_hidden(tuple(hidden), unsorted_indices)
        if input.dim() not in (2, 3):
            raise ValueError(f"LSTM: Expected input to be 2D or 3D, got {input.dim()}D instead")
        is_batched = input.dim() == 3
        batch_dim = 0 if self.batch_first else 1
        if not is_batched:
            input = input.unsqueeze(batch_dim)
        if hx is None:
            rows = input.size(0) if self.batch_first else input.size(1)
            hx = (_zeros(self, rows, width, input), _zeros(self, rows, self.hidden_size, input))
        else:
            hx = self._checked_states(hx, is_batched)
        self.check_forward_args(input, hx, batch_sizes)
        options = (self._flat_weights, self.bias, self.num_layers, self.dropout, self.training, self.bidirectional)
        output, *hidden = _VF.lstm(input, hx, *options, self.batch_first)
        if not is_batched:
            return output.squeeze(batch_dim), (hidden[0].squeeze(1), hidden[1].squeeze(1))
        return output, tuple(hidden)

    def _checked_states(self, hx: Any, is_batched: bool) -> Any:
        rank, words = (3, "For batched 3-D input") if is_batched else (2, "For unbatched 2-D input")
        if hx[0].dim() != rank or hx[1].dim() != rank:
            raise RuntimeError(
                f"{words}, hx and cx should also be {rank}-D but got ({hx[0].dim()}-D, {hx[1].dim()}-D) tensors"
            )
        return hx if is_batched else (hx[0].unsqueeze(1), hx[1].unsqueeze(1))

    def _check_packed(self, input: Tensor, hx: Any, running: int) -> None:
        """What PyTorch says, which checks nothing before it computes."""
        if input.shape[-1] != self.input_size:
            raise RuntimeError(
                f"mat1 and mat2 shapes cannot be multiplied ({input.shape[0]}x{input.shape[-1]} and "
                f"{self.input_size}x{4 * self.hidden_size})"
            )
        if len(hx) != 2:
            raise RuntimeError("lstm expects two hidden states")
        h, c = hx
        runs = len(self._all_weights)
        if h.shape[0] > runs:
            raise RuntimeError("Expected more hidden states in stacked_rnn")
        if h.shape[2] != (self.proj_size or self.hidden_size):
            raise RuntimeError(
                f"mat1 and mat2 shapes cannot be multiplied ({h.shape[1]}x{h.shape[2]} and "
                f"{self.proj_size or self.hidden_size}x{4 * self.hidden_size})"
            )
        if h.shape[1] != running and h.shape[1] != 1:
            raise RuntimeError(
                f"The size of tensor a ({h.shape[1]}) must match the size of tensor b ({running}) at non-singleton "
                "dimension 0"
            )
        if c.shape[1] != running and c.shape[1] != 1:
            raise RuntimeError(
                f"The size of tensor a ({running}) must match the size of tensor b ({c.shape[1]}) at non-singleton "
                "dimension 0"
            )
        if h.shape[1] != running:
            width = 4 * self.hidden_size
            raise RuntimeError(f"output with shape [1, {width}] doesn't match the broadcast shape [{running}, {width}]")


for _kind in (RNNBase, RNNCellBase, RNNCell, LSTMCell, GRUCell):
    _kind.__module__ = __name__
