"""Ordinary errors that are not about recurrent layers get no note, also where an LSTM is in another branch.

The kinds are those that people report of popular model code: wrong widths and pairs, missing keys, broadcasting,
devices, losses, attention, convolution, embeddings, checkpoints, data loading.
"""

import textwrap

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from unrolled.diagnosis.clarify_error import clarify

pytestmark = [
    pytest.mark.filterwarnings("ignore:Using a target size"),
    pytest.mark.filterwarnings("ignore:The use of `x.T`"),
    pytest.mark.filterwarnings("ignore:enable_nested_tensor"),
]

PAIR = "pair = (torch.randn(2, 3, 8), torch.randn(2, 3, 8))\n"
ATTENTION = "attention = nn.MultiheadAttention(8, 2, batch_first=True)\nx = torch.randn(2, 3, 8)\n"
BATCH = "batch = (torch.randn(2, 8), torch.tensor([0, 1]))\n"

WIDTHS = {
    "linear, 2-D": "nn.Linear(8, 4)(torch.randn(2, 16))",
    "linear, 3-D": "nn.Linear(16, 4)(torch.randn(2, 3, 8))",
    "linear, 1-D": "nn.Linear(16, 4)(torch.randn(8))",
    "linear after a linear": "nn.Linear(8, 4)(nn.Linear(4, 16)(torch.randn(2, 4)))",
    "linear half as wide": "nn.Linear(8, 4)(nn.Linear(4, 16)(torch.randn(2, 3, 4)))",
    "linear twice as wide": "nn.Linear(16, 4)(nn.Linear(4, 8)(torch.randn(2, 3, 4)))",
    "linear after an embedding": "nn.Linear(16, 4)(nn.Embedding(9, 8)(torch.tensor([[1, 2]])))",
    "linear after a convolution": "nn.Linear(8, 4)(nn.Conv1d(3, 16, 1)(torch.randn(2, 3, 5)).mean(2))",
    "linear after flatten": "nn.Linear(16, 4)(nn.Conv2d(1, 2, 3)(torch.randn(2, 1, 6, 6)).flatten(1))",
    "linear in a Sequential": "nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(16, 2))(torch.randn(2, 4))",
    "F.linear": "x, weight = torch.randn(2, 16), torch.randn(4, 8)\nF.linear(x, weight)",
    "F.linear of parameters": "x, weight = torch.randn(2, 8), nn.Linear(16, 4).weight\nF.linear(x, weight)",
    "a product": "torch.randn(2, 8) @ torch.randn(16, 4)",
    "a product of three axes": "torch.randn(2, 3, 8) @ torch.randn(2, 16, 4)",
    "matmul of vectors": "torch.randn(8) @ torch.randn(16)",
    "mm of three axes": "torch.mm(torch.randn(2, 3, 8), torch.randn(8, 4))",
    "bmm": "torch.bmm(torch.randn(2, 3, 8), torch.randn(2, 16, 4))",
    "einsum": "torch.einsum('ij,jk->ik', torch.randn(2, 8), torch.randn(16, 4))",
    "bilinear": "nn.Bilinear(8, 16, 4)(torch.randn(2, 16), torch.randn(2, 8))",
    "addmm": "torch.addmm(torch.randn(4), torch.randn(2, 8), torch.randn(16, 4))",
}
PAIRS = {
    "norm of attention's pair": ATTENTION + "nn.LayerNorm(8)(attention(x, x, x))",
    "dropout of attention's pair": ATTENTION + "nn.Dropout(0.1)(attention(x, x, x))",
    "sum with attention's pair": ATTENTION + "x + attention(x, x, x)",
    "index of attention's pair": ATTENTION + "attention(x, x, x)[:, -1]",
    "relu of attention's pair": ATTENTION + "result = attention(x, x, x)\ntorch.relu(result)",
    "shape of attention's pair": ATTENTION + "result = attention(x, x, x)\nresult.shape",
    "three names for attention's pair": ATTENTION + "a, b, c = attention(x, x, x)",
    "a square attention": "attention = nn.MultiheadAttention(2, 1, batch_first=True)\nx = torch.randn(2, 2, 2)\n"
    "nn.Linear(2, 2)(attention(x, x, x))",
    "an MLP of a batch": BATCH + "nn.Linear(8, 4)(batch)",
    "an MLP of two float tensors": "nn.Linear(8, 4)((torch.randn(2, 8), torch.randn(2, 1)))",
    "a Sequential of a batch": BATCH + "nn.Sequential(nn.Linear(8, 4), nn.ReLU())(batch)",
    "a batch on its way to a device": BATCH + "batch.to('cpu')",
    "a batch indexed": BATCH + "batch[:, 0]",
    "a list of tensors": "nn.Linear(8, 4)([torch.randn(8), torch.randn(8)])",
    "relu of a list": "torch.relu([torch.randn(8)])",
    "F.relu of a pair": PAIR + "F.relu(pair)",
    "a pair detached": PAIR + "pair.detach()",
    "a pair of states of no layer": "pair = (torch.randn(1, 2, 5), torch.randn(1, 2, 5))\npair.detach()",
    "a pair measured": PAIR + "pair.size(0)",
    "a pair made float": PAIR + "pair.float()",
    "a max's pair": "values = torch.randn(2, 3, 8).max(dim=1)\nnn.Linear(8, 4)(values)",
    "a max's pair normalised": "nn.LayerNorm(8)(torch.randn(2, 3, 8).max(dim=1))",
    "topk's pair": "torch.relu(torch.randn(2, 8).topk(3))",
    "an autoencoder's pair": "pair = (nn.Linear(8, 8)(torch.randn(1, 2, 8)), nn.Linear(8, 8)(torch.randn(1, 2, 8)))\n"
    "nn.Linear(8, 4)(pair)",
    "mean and log of variance": "mean, log = torch.randn(2, 8), torch.randn(2, 8)\nnn.Linear(8, 4)((mean, log))",
    "three names for two": "a, b, c = torch.randn(2, 3)",
    "two names for three": "a, b = torch.randn(3, 2)",
    "a loader's batch of three": "for x, y in [(1, 2, 3)]:\n    pass",
    "two names for one tensor": "a, b = nn.Linear(4, 2)(torch.randn(1, 4))",
    "a tuple for a tensor's method": "torch.cat((1, 2)).view(-1)",
    "a dictionary for a tensor": "nn.Linear(8, 4)({'x': torch.randn(2, 8)})",
    "an output object": "class Output:\n    pass\nnn.Linear(8, 4)(Output())",
    "a tuple added": PAIR + "pair + torch.randn(2)",
    "a tuple's first of a number": "first = 1\nfirst[0]",
    "padded with labels": "batch = (torch.randn(2, 3, 8), torch.tensor([1, 0]))\nnn.Dropout(0.1)(batch)",
}
BROADCASTING = {
    "a sum": "torch.randn(2, 3) + torch.randn(2, 4)",
    "a sum of three axes": "torch.randn(2, 3, 8) + torch.randn(3, 2, 8)",
    "a residual": "x = torch.randn(2, 3, 8)\nx + nn.Linear(8, 16)(x)",
    "a product of masks": "torch.randn(2, 3, 8) * torch.ones(2, 4, 1)",
    "a positional encoding": "torch.randn(2, 7, 8) + torch.randn(1, 5, 8)",
    "a cat": "torch.cat([torch.randn(2, 3), torch.randn(3, 3)], dim=1)",
    "a cat of three axes": "torch.cat([torch.randn(2, 3, 8), torch.randn(2, 5, 8)], dim=2)",
    "a cat of other axes": "torch.cat([torch.randn(2, 3, 8), torch.randn(2, 8)], dim=1)",
    "a stack": "torch.stack([torch.randn(3), torch.randn(4)])",
    "an expand": "torch.randn(3, 2).expand(4, 2)",
    "a repeat": "torch.randn(2, 3, 8).repeat(1, 2)",
    "a view": "torch.randn(2, 3).view(4, -1)",
    "a view of a transpose": "torch.randn(2, 3).T.view(-1)",
    "a view of three axes": "torch.randn(2, 3, 8).transpose(0, 1).view(6, 8)",
    "a view after permute": "nn.Linear(8, 8)(torch.randn(2, 3, 8)).permute(1, 0, 2).view(3, -1)",
    "a view of patches": "patches = torch.randn(2, 8, 9).transpose(1, 2)\npatches.view(18, 8)",
    "a reshape": "torch.randn(2, 3).reshape(5)",
    "a squeeze and a sum": "torch.randn(2, 3, 1).squeeze(1) + torch.randn(2, 4, 2)",
    "an index": "torch.randn(2, 3)[:, 5]",
    "too many indices": "torch.randn(2, 3)[:, 0, 0]",
    "a mask of another size": "torch.randn(2, 3)[torch.ones(2, 4).bool()]",
    "a gather": "torch.randn(2, 3).gather(1, torch.tensor([[5], [0]]))",
    "an assignment": "x = torch.zeros(2, 3)\nx[:, 0] = torch.ones(3)",
    "a where": "torch.where(torch.ones(2).bool(), torch.ones(2), torch.ones(3))",
    "a masked fill": "torch.randn(2, 3, 3).masked_fill(torch.ones(2, 4).bool(), 0)",
    "a transpose of two axes": "torch.randn(2, 3).transpose(1, 2)",
    "a permute": "torch.randn(2, 3).permute(0, 2, 1)",
    "a dot": "torch.randn(3).dot(torch.randn(4))",
    "a division": "torch.randn(2, 3) / torch.randn(3, 2)",
    "a comparison": "torch.randn(2, 3) > torch.randn(4)",
}
CONVOLUTION = {
    "conv1d, channels": "nn.Conv1d(8, 4, 3)(torch.randn(2, 5, 8))",
    "conv1d, axes": "nn.Conv1d(8, 4, 3)(torch.randn(2, 3, 8, 8))",
    "conv1d, too short": "nn.Conv1d(8, 4, 5)(torch.randn(2, 8, 3))",
    "conv2d, channels": "nn.Conv2d(3, 4, 3)(torch.randn(2, 1, 8, 8))",
    "conv2d, channels last": "nn.Conv2d(3, 4, 3)(torch.randn(2, 8, 8, 3))",
    "conv2d, too small": "nn.Conv2d(3, 4, 5)(torch.randn(2, 3, 2, 2))",
    "conv2d, a byte image": "nn.Conv2d(3, 4, 3)(torch.zeros(2, 3, 8, 8, dtype=torch.uint8))",
    "transposed": "nn.ConvTranspose2d(3, 4, 3)(torch.randn(2, 4, 8, 8))",
    "batch norm, 1-D": "nn.BatchNorm1d(8)(torch.randn(2, 5, 8))",
    "batch norm, 1-D after a linear": "nn.BatchNorm1d(8)(nn.Linear(4, 8)(torch.randn(2, 5, 4)))",
    "batch norm, 2-D": "nn.BatchNorm2d(3)(torch.randn(2, 4, 8, 8))",
    "batch norm, axes": "nn.BatchNorm2d(3)(torch.randn(2, 3))",
    "batch norm, one sample": "nn.BatchNorm1d(8)(torch.randn(1, 8))",
    "layer norm": "nn.LayerNorm(8)(torch.randn(2, 16))",
    "layer norm after a linear": "nn.LayerNorm(8)(nn.Linear(4, 16)(torch.randn(2, 3, 4)))",
    "layer norm of two axes": "nn.LayerNorm([3, 8])(torch.randn(2, 8, 3))",
    "group norm": "nn.GroupNorm(2, 8)(torch.randn(2, 6, 4))",
    "group norm, made": "nn.GroupNorm(3, 8)",
    "pooling": "nn.MaxPool2d(4)(torch.randn(2, 3, 2, 2))",
    "pooling, axes": "nn.MaxPool1d(2)(torch.randn(3))",
    "padding": "F.pad(torch.randn(2, 3), (1, 1, 1, 1, 1, 1))",
    "interpolate": "F.interpolate(torch.randn(2, 3), scale_factor=2)",
    "unfold": "torch.randn(3).unfold(0, 5, 1)",
}
ATTENTIONS = {
    "heads": "nn.MultiheadAttention(8, 3)",
    "width": "attention = nn.MultiheadAttention(8, 2)\nx = torch.randn(3, 2, 16)\nattention(x, x, x)",
    "width after a linear": "attention = nn.MultiheadAttention(8, 2)\nx = nn.Linear(4, 16)(torch.randn(3, 2, 4))\n"
    "attention(x, x, x)",
    "keys of another length": ATTENTION + "attention(x, torch.randn(2, 5, 8), x)",
    "a mask of another size": ATTENTION + "attention(x, x, x, attn_mask=torch.zeros(4, 4))",
    "a padding mask of another size": ATTENTION + "attention(x, x, x, key_padding_mask=torch.zeros(3, 2).bool())",
    "an encoder layer": "nn.TransformerEncoderLayer(8, 2)(torch.randn(3, 2, 16))",
    "a transformer": "nn.Transformer(8, 2, 1, 1)(torch.randn(3, 2, 8), torch.randn(3, 4, 8))",
    "a decoder without memory": "nn.TransformerDecoderLayer(8, 2)(torch.randn(3, 2, 8))",
    "scaled dot product": "F.scaled_dot_product_attention(torch.randn(2, 3, 8), torch.randn(2, 3, 16), torch.randn(2, 3, 8))",
    "by hand": "q, k = torch.randn(2, 3, 8), torch.randn(2, 3, 8)\ntorch.bmm(q, k)",
    "softmax of another axis": "torch.randn(2, 3).softmax(2)",
    "additive, by hand": "torch.tanh(nn.Linear(8, 8)(torch.randn(2, 3, 8)) + nn.Linear(8, 8)(torch.randn(3, 5, 8)))",
    "scores against values": "torch.randn(2, 3, 3).softmax(-1) @ torch.randn(2, 4, 8)",
    "rotary halves": "x = torch.randn(2, 3, 7)\nx[..., :4] * torch.randn(3, 3)",
    "concatenated with a state of its own": "torch.cat([torch.randn(2, 1, 8), torch.randn(2, 5, 8)], dim=2)",
}
EMBEDDINGS = {
    "an id too high": "nn.Embedding(9, 8)(torch.tensor([9]))",
    "an id below zero": "nn.Embedding(9, 8)(torch.tensor([-1]))",
    "floats": "nn.Embedding(9, 8)(torch.randn(2, 3))",
    "a list": "nn.Embedding(9, 8)([1, 2])",
    "one-hot floats": "F.one_hot(torch.randn(3))",
    "one-hot too high": "F.one_hot(torch.tensor([5]), num_classes=3)",
    "a bag": "nn.EmbeddingBag(9, 8)(torch.tensor([1, 2, 3]))",
    "the padding's index": "nn.Embedding(9, 8, padding_idx=12)",
    "pretrained of one axis": "nn.Embedding.from_pretrained(torch.randn(9))",
    "sizes that are words": "nn.Embedding('9', 8)",
}
LOSSES = {
    "cross entropy, batch": "F.cross_entropy(torch.randn(3, 4), torch.tensor([0, 1]))",
    "cross entropy after a linear": "F.cross_entropy(nn.Linear(8, 4)(torch.randn(3, 8)), torch.tensor([0, 1]))",
    "cross entropy, classes last": "F.cross_entropy(nn.Linear(8, 4)(torch.randn(2, 3, 8)), torch.zeros(2, 3).long())",
    "cross entropy, a label too high": "F.cross_entropy(torch.randn(2, 4), torch.tensor([0, 4]))",
    "cross entropy, float labels": "F.cross_entropy(torch.randn(2, 4), torch.tensor([0.0, 1.0]))",
    "cross entropy, a column of labels": "F.cross_entropy(torch.randn(2, 4), torch.tensor([[0], [1]]))",
    "nll": "F.nll_loss(torch.randn(3, 4), torch.tensor([0, 1]))",
    "mse": "F.mse_loss(torch.randn(2, 3), torch.randn(2, 4))",
    "mse after a linear": "F.mse_loss(nn.Linear(8, 3)(torch.randn(2, 8)), torch.randn(4, 3))",
    "bce with logits, a column": "nn.BCEWithLogitsLoss()(nn.Linear(8, 1)(torch.randn(6, 8)), torch.zeros(6))",
    "bce with logits, steps": "nn.BCEWithLogitsLoss()(nn.Linear(8, 1)(torch.randn(2, 3, 8)), torch.zeros(2, 3))",
    "bce out of range": "F.binary_cross_entropy(torch.randn(2) * 9, torch.ones(2))",
    "bce, sizes": "F.binary_cross_entropy(torch.rand(2, 1), torch.ones(2))",
    "bce, integer labels": "F.binary_cross_entropy_with_logits(torch.randn(2), torch.ones(3).long())",
    "kl": "F.kl_div(torch.randn(2, 3), torch.randn(2, 4))",
    "cosine": "F.cosine_embedding_loss(torch.randn(2, 3), torch.randn(2, 4), torch.ones(2))",
    "triplet": "F.triplet_margin_loss(torch.randn(2, 3), torch.randn(2, 3), torch.randn(3, 4))",
    "ctc": "nn.CTCLoss()(torch.randn(12, 2, 6).log_softmax(-1), torch.ones(3, 4).long(), torch.tensor([12] * 3), torch.tensor([4] * 3))",
    "ctc, batch in front": "nn.CTCLoss()(nn.Linear(8, 6)(torch.randn(2, 12, 8)).log_softmax(-1), torch.ones(2, 4).long(), "
    "torch.tensor([12, 12]), torch.tensor([4, 4]))",
    "smooth l1": "nn.SmoothL1Loss()(torch.randn(2, 3), torch.randn(3, 3))",
    "a weight of another size": "F.cross_entropy(torch.randn(2, 4), torch.tensor([0, 1]), weight=torch.ones(3))",
    "a loss of the outputs of a tuple": "F.cross_entropy((torch.randn(2, 4), 1), torch.tensor([0, 1]))",
}
AUTOGRAD = {
    "a second backward": "loss = nn.Linear(8, 1)(torch.randn(2, 8)).pow(2).mean()\nloss.backward()\nloss.backward()",
    "a shared part": "features = nn.Linear(8, 4)(torch.randn(2, 8)).relu()\n"
    "for _ in range(2):\n    loss = nn.Linear(4, 1)(features).pow(2).mean()\n    loss.backward()",
    "an in-place change": "x = torch.randn(3, requires_grad=True)\ny = x.exp()\ny.add_(1)\ny.sum().backward()",
    "an in-place change of weights": "layer = nn.Linear(3, 3)\nloss = layer(layer(torch.randn(2, 3))).pow(2).mean()\n"
    "layer.weight.data.add_(1)\nlayer.weight.data = layer.weight.data\nwith torch.no_grad():\n    layer.weight.add_(1)\n"
    "loss.backward()",
    "a leaf in place": "x = torch.randn(3, requires_grad=True)\nx += 1",
    "a vector": "(torch.randn(3, requires_grad=True) * 2).backward()",
    "no graph": "torch.ones(1).backward()",
    "no graph, detached": "nn.Linear(2, 1)(torch.randn(1, 2)).detach().sum().backward()",
    "numpy of a graph": "nn.Linear(2, 1)(torch.randn(1, 2)).numpy()",
    "deepcopy of a result": "import copy\ncopy.deepcopy(nn.Linear(2, 1)(torch.randn(1, 2)))",
    "deepcopy of a module with a result": "import copy\nmodel = nn.Linear(2, 1)\nmodel.kept = model(torch.randn(1, 2))\n"
    "copy.deepcopy(model)",
    "grad of what is not used": "x = torch.ones(1, requires_grad=True)\ntorch.autograd.grad((x * 2).sum(), torch.ones(1, requires_grad=True))",
    "integers with a gradient": "torch.ones(2, dtype=torch.int64, requires_grad=True)",
    "an optimizer without parameters": "torch.optim.SGD([], lr=0.1)",
    "an optimizer's rate": "torch.optim.SGD(nn.Linear(2, 1).parameters(), lr=-1)",
    "item of many": "torch.randn(3).item()",
    "a truth value of many": "bool(torch.randn(3) > 0)",
}
CHECKPOINTS = {
    "missing keys": "nn.Linear(8, 4).load_state_dict({})",
    "another width": "nn.Linear(8, 4).load_state_dict(nn.Linear(16, 4).state_dict())",
    "unexpected keys": "nn.Linear(8, 4, bias=False).load_state_dict(nn.Linear(8, 4).state_dict())",
    "a prefix": "nn.Linear(8, 4).load_state_dict({'module.' + k: v for k, v in nn.Linear(8, 4).state_dict().items()})",
    "a whole checkpoint": "nn.Linear(8, 4).load_state_dict({'state_dict': nn.Linear(8, 4).state_dict(), 'epoch': 1})",
    "another model": "nn.Sequential(nn.Linear(8, 4)).load_state_dict(nn.Sequential(nn.ReLU(), nn.Linear(8, 4)).state_dict())",
    "no mapping": "nn.Linear(8, 4).load_state_dict([1])",
    "an optimizer's": "torch.optim.Adam(nn.Linear(8, 4).parameters()).load_state_dict({'state': {}, 'param_groups': []})",
    "a batch norm's": "nn.BatchNorm1d(8).load_state_dict(nn.BatchNorm1d(4).state_dict())",
    "a transformer's": "nn.TransformerEncoderLayer(8, 2).load_state_dict(nn.TransformerEncoderLayer(16, 2).state_dict())",
}
LOADING = {
    "samples of several lengths": "list(torch.utils.data.DataLoader([torch.randn(2), torch.randn(3)], batch_size=2))",
    "an error of a data set": "class Data(torch.utils.data.Dataset):\n    def __len__(self):\n        return 2\n"
    "    def __getitem__(self, index):\n        raise ValueError('no such file')\n"
    "list(torch.utils.data.DataLoader(Data()))",
    "an error of a collate function": "def collate(batch):\n    return torch.stack(batch)\n"
    "list(torch.utils.data.DataLoader([torch.randn(2), torch.randn(3)], batch_size=2, collate_fn=collate))",
    "an unknown type": "list(torch.utils.data.DataLoader([object(), object()], batch_size=2))",
    "a batch size": "torch.utils.data.DataLoader([1], batch_size=0)",
    "a sampler and a shuffle": "torch.utils.data.DataLoader([1], shuffle=True, sampler=[0])",
    "lengths of a split": "torch.utils.data.random_split([1, 2, 3], [2, 2])",
    "tensors of other lengths": "torch.utils.data.TensorDataset(torch.randn(2, 3), torch.randn(3))",
    "a key": "{}['features']",
    "an index": "[1, 2][5]",
    "a value": "int('nan')",
    "a type": "len(5)",
    "an attribute": "nn.Linear(2, 1).wieght",
    "an attribute of None": "result = None\nresult.shape",
    "a call of a tensor": "torch.randn(2)(3)",
    "a word for a number": "torch.zeros('3')",
    "None for a tensor": "nn.Linear(8, 4)(None)",
    "an argument too many": "nn.Linear(8, 4)(torch.randn(2, 8), torch.randn(2, 8))",
    "a keyword too many": "nn.Linear(8, 4)(torch.randn(2, 8), mask=None)",
    "an argument missing": "nn.Linear(8)",
    "a forward that is not there": "class Net(nn.Module):\n    pass\nNet()(torch.randn(2))",
    "a module before super": "class Net(nn.Module):\n    def __init__(self):\n        self.a = nn.Linear(2, 1)\nNet()",
}
DTYPES = {
    "double for float": "nn.Linear(8, 4)(torch.randn(2, 8).double())",
    "integers for float": "nn.Linear(8, 4)(torch.ones(2, 8).long())",
    "half weights": "nn.Linear(8, 4).double()(torch.randn(2, 8))",
    "a mean of integers": "torch.ones(3).long().mean()",
    "an index of floats": "torch.randn(3)[torch.tensor([0.0])]",
    "a device that is not there": "torch.randn(2).to('cuda:99')",
    "two devices": "torch.randn(2) + torch.randn(2, device='meta').sum(0, keepdim=True)",
    "a linear on another device": "nn.Linear(8, 4)(torch.randn(2, 8, device='meta'))",
    "a numpy array": "import numpy\nnn.Linear(8, 4)(numpy.zeros((2, 8)))",
    "bool arithmetic": "torch.ones(2).bool() - torch.ones(2).bool()",
    "complex for float": "nn.Linear(8, 4)(torch.randn(2, 8, dtype=torch.complex64))",
    "a generator of another device": "torch.randn(2, generator=5)",
    "dropout's probability": "nn.Dropout(2)",
    "dropout of integers": "F.dropout(torch.ones(2).long())",
    "a negative size": "torch.zeros(-1)",
    "an axis that is not there": "torch.randn(2, 3).sum(5)",
    "a cholesky": "torch.linalg.cholesky(torch.zeros(2, 2))",
    "an inverse": "torch.linalg.inv(torch.zeros(2, 2))",
}
MORE = {
    # losses
    "focal loss by hand": "p = nn.Linear(8, 1)(torch.randn(4, 8)).sigmoid()\n-(torch.ones(3, 1) * p.log()).mean()",
    "dice of other sizes": "a, b = torch.rand(2, 4, 4), torch.rand(2, 3, 4)\n2 * (a * b).sum() / (a.sum() + b.sum())",
    "label smoothing": "F.cross_entropy(torch.randn(2, 4), torch.tensor([0, 1]), label_smoothing=2.0)",
    "class probabilities of other classes": "F.cross_entropy(nn.Linear(8, 4)(torch.randn(2, 8)), torch.rand(2, 5))",
    "poisson": "nn.PoissonNLLLoss()(torch.randn(2, 3), torch.rand(4))",
    "gaussian": "nn.GaussianNLLLoss()(torch.randn(2, 3), torch.randn(2, 3), torch.rand(4, 3))",
    "hinge": "nn.HingeEmbeddingLoss()(torch.randn(2, 3), torch.ones(2, 4))",
    "ranking": "nn.MarginRankingLoss()(torch.randn(4), torch.randn(3), torch.ones(4))",
    "huber of a step less": "y = torch.randn(2, 6, 1)\nF.huber_loss(nn.Linear(8, 1)(torch.randn(2, 5, 8)), y)",
    "language model, not shifted": "logits, ids = nn.Linear(8, 9)(torch.randn(2, 5, 8)), torch.ones(2, 6).long()\nF.cross_entropy(logits.flatten(0, 1), ids.flatten())",
    "a column of probabilities": "F.binary_cross_entropy(nn.Linear(8, 1)(torch.randn(4, 8)).sigmoid(), torch.ones(4))",
    "regression of two outputs": "nn.MSELoss()(nn.Linear(8, 2)(torch.randn(4, 8)), torch.randn(4, 3))",
    # attention
    "causal mask of another length": "mask = torch.ones(4, 4).tril().bool()\nscores = torch.randn(2, 5, 5).masked_fill(~mask, -1e9)",
    "heads that do not divide": "torch.randn(2, 5, 10).view(2, 5, 4, -1)",
    "heads not transposed": "q = torch.randn(2, 5, 4, 8)\nk = torch.randn(2, 7, 4, 8)\nq @ k.transpose(1, 2)",
    "grouped heads": "F.scaled_dot_product_attention(torch.randn(2, 4, 5, 8), torch.randn(2, 3, 5, 8), torch.randn(2, 3, 5, 8))",
    "a mask of fewer queries": "x = torch.randn(1, 2, 5, 8)\nF.scaled_dot_product_attention(x, x, x, attn_mask=torch.ones(4, 5).bool())",
    "cross attention of another width": "attention = nn.MultiheadAttention(8, 2, batch_first=True)\nattention(torch.randn(2, 3, 8), torch.randn(2, 5, 16), torch.randn(2, 5, 16))",
    "a query of one axis": "attention = nn.MultiheadAttention(8, 2)\nattention(torch.randn(8), torch.randn(3, 8), torch.randn(3, 8))",
    "positions beyond the table": "positions = nn.Embedding(4, 8)\nnn.Linear(8, 8)(torch.randn(2, 6, 8)) + positions(torch.arange(6))",
    "relative bias": "torch.randn(2, 4, 5, 5) + torch.randn(4, 6, 6)",
    "pooling by attention": "weights = torch.randn(3, 5).softmax(-1)\nweights.unsqueeze(1) @ torch.randn(2, 5, 8)",
    "memory repeated for beams": "memory = nn.Linear(8, 8)(torch.randn(2, 5, 8))\nquery = torch.randn(6, 1, 8)\n(query * memory).sum(-1)",
    "a transformer's wide mask": "layer = nn.TransformerEncoderLayer(8, 2, batch_first=True)\nlayer(torch.randn(2, 3, 8), src_key_padding_mask=torch.zeros(3, 2).bool())",
    # convolutions
    "a depthwise convolution": "nn.Conv1d(6, 8, 3, groups=4)",
    "channels after a linear": "nn.Conv1d(8, 4, 3)(nn.Linear(4, 8)(torch.randn(2, 5, 4)))",
    "a kernel wider than its input": "nn.Conv1d(1, 1, 9)(torch.randn(2, 1, 4))",
    "3-D for 2-D": "nn.Conv2d(3, 4, 3)(torch.randn(2, 3, 4, 8, 8))",
    "a skip of another size": "x = torch.randn(1, 3, 8, 8)\nx + nn.Conv2d(3, 3, 3)(x)",
    "a skip of other channels": "x = torch.randn(1, 3, 8, 8)\nx + nn.Conv2d(3, 6, 1)(x)",
    "unpooling": "nn.MaxUnpool1d(2)(torch.randn(1, 3, 4), torch.zeros(1, 3, 5).long())",
    "instance norm": "nn.InstanceNorm1d(8, affine=True)(torch.randn(2, 5, 8))",
    "batch norm of a mean": "nn.BatchNorm1d(16)(nn.Linear(4, 8)(torch.randn(2, 5, 4)).mean(1))",
    "group norm of tokens": "nn.GroupNorm(2, 8)(nn.Linear(4, 8)(torch.randn(2, 5, 4)))",
    "pixel shuffle": "nn.PixelShuffle(3)(torch.randn(1, 4, 2, 2))",
    # embeddings
    "tied weights of another width": "embed, head = nn.Embedding(9, 8), nn.Linear(16, 9)\nhead.weight = embed.weight\nhead(torch.randn(2, 16))",
    "ids of another vocabulary": "nn.Embedding(9, 8)(torch.full((2, 3), 50))",
    "bag's offsets": "nn.EmbeddingBag(9, 8)(torch.tensor([1, 2, 3]), torch.tensor([1, 2]))",
    "pretrained of another size": "embed = nn.Embedding(9, 8)\nembed.weight.data.copy_(torch.randn(9, 16))",
    "embedding and position": "nn.Embedding(9, 8)(torch.ones(2, 3).long()) + nn.Embedding(9, 16)(torch.ones(2, 3).long())",
    "characters and words": "torch.cat([nn.Embedding(9, 8)(torch.ones(2, 3).long()), nn.Embedding(9, 8)(torch.ones(2, 4).long())], -1)",
    "a mean over words": "nn.Linear(16, 2)(nn.Embedding(9, 8)(torch.ones(2, 3).long()).mean(1))",
    # checkpoints
    "a head of other classes": "nn.Linear(8, 4).load_state_dict(nn.Linear(8, 5).state_dict())",
    "a key renamed": "nn.ModuleDict({'a': nn.Linear(2, 1)}).load_state_dict(nn.ModuleDict({'b': nn.Linear(2, 1)}).state_dict())",
    "a whole file": "nn.Linear(2, 1).load_state_dict({'model': nn.Linear(2, 1).state_dict(), 'epoch': 1})",
    "a list for a dict": "nn.Linear(2, 1).load_state_dict([1, 2])",
    "an optimizer of other groups": "a = torch.optim.SGD(nn.Linear(2, 1).parameters(), 0.1)\na.load_state_dict(torch.optim.SGD([{'params': [nn.Parameter(torch.ones(1))]}, {'params': [nn.Parameter(torch.ones(1))]}], 0.1).state_dict())",
    "a file that is not there": "torch.load('/nowhere/model.pt')",
    "an embedding of more words": "nn.Embedding(9, 8).load_state_dict(nn.Embedding(12, 8).state_dict())",
    # data loading
    "samples of two lengths": "next(iter(torch.utils.data.DataLoader([torch.randn(2, 4), torch.randn(3, 4)], batch_size=2)))",
    "a sample that is None": "next(iter(torch.utils.data.DataLoader([None, None], batch_size=2)))",
    "a data set without a length": "torch.utils.data.DataLoader(iter([1, 2]), shuffle=True)",
    "two tensors of other lengths": "torch.utils.data.TensorDataset(torch.randn(3, 2), torch.randn(4))",
    "a split that does not add up": "torch.utils.data.random_split([1, 2, 3], [1, 1])",
    "pad_sequence of other widths": "nn.utils.rnn.pad_sequence([torch.randn(2, 4), torch.randn(3, 5)])",
    "a sampler and shuffle": "torch.utils.data.DataLoader([1], sampler=[0], shuffle=True)",
    "a worker's own error": "def broken(batch):\n    return batch[5]\nnext(iter(torch.utils.data.DataLoader([1, 2], collate_fn=broken, num_workers=1)))",
    # distributed
    "no group": "torch.distributed.all_reduce(torch.ones(1))",
    "no rank": "torch.distributed.init_process_group('gloo')",
    "parallel without a group": "nn.parallel.DistributedDataParallel(nn.Linear(2, 1))",
    "gathering other sizes": "torch.cat([torch.randn(2, 4), torch.randn(2, 5)])",
    "a device that is not a number": "torch.cuda.set_device('nowhere')",
    # indexing
    "a step beyond": "nn.Linear(8, 4)(torch.randn(2, 3, 8))[:, 5]",
    "steps of another batch": "x = torch.randn(2, 3, 8)\nx[torch.arange(3), torch.tensor([0, 1])]",
    "a gather of other axes": "torch.randn(2, 3, 8).gather(1, torch.tensor([[0], [1]]))",
    "a mask of steps": "torch.randn(2, 3, 8)[torch.ones(3, 2).bool()]",
    "a scatter of other axes": "torch.zeros(2, 3).scatter_(1, torch.tensor([0, 1]), 1.0)",
    "an unbind into too few": "a, b = nn.Linear(8, 4)(torch.randn(2, 3, 8)).unbind(1)",
    "a select of no axis": "torch.randn(2, 3).select(3, 0)",
    "a split of other sizes": "torch.randn(2, 7).split([3, 3], dim=1)",
    "a top of more": "torch.randn(2, 3).topk(5)",
    "a narrow beyond": "torch.randn(2, 3).narrow(1, 2, 3)",
    "an item of a dict": "batch = {'input_ids': torch.ones(2, 3)}\nbatch['labels']",
    "a dict with dots": "batch = {'x': torch.ones(2, 3)}\nbatch.x",
    "roll of two": "torch.randn(2, 3).roll((1, 2), 0)",
}  # fmt: skip
"""Written later, by another hand: losses, attention, convolutions, embeddings, checkpoints, data, processes, indices."""
KINDS = {
    "widths": WIDTHS,
    "pairs": PAIRS,
    "broadcasting": BROADCASTING,
    "convolution": CONVOLUTION,
    "attention": ATTENTIONS,
    "embeddings": EMBEDDINGS,
    "losses": LOSSES,
    "autograd": AUTOGRAD,
    "checkpoints": CHECKPOINTS,
    "loading": LOADING,
    "dtypes": DTYPES,
    "more": MORE,
}
ERRORS = {f"{kind}: {name}": snippet for kind, snippets in KINDS.items() for name, snippet in snippets.items()}

BRANCH = """
lstm, deep = nn.LSTM(4, 8, batch_first=True), nn.GRU(4, 8, num_layers=2, bidirectional=True)
words, (hidden, cell) = lstm(torch.randn(2, 3, 4))
both, states = deep(torch.randn(3, 2, 4))
one_step = nn.LSTMCell(4, 8)
branch = nn.ModuleDict({"lstm": lstm, "deep": deep, "one_step": one_step, "head": nn.Linear(8, 2)})
answers = branch["head"](hidden[-1])
"""
"""Another branch of the program: its layers, and what they return, are in sight and have the sizes of the snippets."""


def raised(snippet: str, around: str) -> BaseException:
    """What a snippet raises inside clarify(), in a function of its own."""
    return raised_by("program()", f"def program():\n{textwrap.indent(around + snippet, '    ')}\n")


def raised_by(call: str, program: str) -> BaseException:
    """What a call raises inside clarify(), after a program."""
    names = {"torch": torch, "nn": nn, "F": F}
    exec(compile(program, "<program>", "exec"), names)
    with pytest.raises(BaseException) as caught, clarify():  # noqa: PT011 whatever the call raises passes through
        exec(call, names)
    return caught.value


def notes(error: BaseException | None) -> list[str]:
    """The notes of an error and of those that it was raised from."""
    chain = []
    while error is not None:
        chain += getattr(error, "__notes__", [])
        error = error.__cause__ or error.__context__
    return chain


def test_there_are_at_least_150_of_them():
    assert len(ERRORS) >= 150


@pytest.mark.parametrize("name", ERRORS)
def test_an_ordinary_error_gets_no_note_with_or_without_a_recurrent_layer_in_sight(name):
    for around in ("", BRANCH):
        error = raised(ERRORS[name], around)
        assert isinstance(error, Exception), error
        assert not isinstance(error, SyntaxError | NameError), error
        assert not notes(error), (error, notes(error))


@pytest.mark.parametrize("name", ERRORS)
def test_an_ordinary_error_inside_a_model_that_has_a_recurrent_layer_gets_no_note(name):
    """The branch is an attribute of the module whose forward fails, and its results are kept on it."""
    program = "class Model(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    program += textwrap.indent(BRANCH, " " * 8) + " " * 8 + "self.branch, self.kept = branch, (words, hidden, cell)\n"
    program += "    def forward(self):\n" + textwrap.indent(ERRORS[name], " " * 8) + "\nmodel = Model()\n"
    error = raised_by("model()", program)
    assert not notes(error), (error, notes(error))
