"""Correct programs as they are published: no note under clarify(), and under explain no firm problem."""

import sys

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from unrolled.diagnosis.clarify_error import clarify
from unrolled.diagnosis.explain_call import explain
from unrolled.shapes import recurrent_kind


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.rnn, self.head = (
            nn.Embedding(9, 4),
            nn.LSTM(4, 5, batch_first=True, bidirectional=True),
            nn.Linear(10, 3),
        )

    def forward(self):
        lengths = torch.tensor([3, 5])
        packed = pack_padded_sequence(
            self.embed(torch.ones(2, 5).long()), lengths, batch_first=True, enforce_sorted=False
        )
        output, _ = pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
        return nn.functional.cross_entropy(self.head(output).transpose(1, 2), torch.zeros(2, 5).long())


class Captioner(nn.Module):
    def __init__(self):
        super().__init__()
        self.image, self.embed, self.cell, self.head = (
            nn.Linear(8, 5),
            nn.Embedding(9, 4),
            nn.LSTMCell(4, 5),
            nn.Linear(5, 9),
        )

    def forward(self):
        h = c = torch.tanh(self.image(torch.randn(2, 8)))
        loss = torch.zeros(())
        for words in torch.ones(3, 2).long():
            h, c = self.cell(self.embed(words), (h, c))
            loss = loss + nn.functional.cross_entropy(self.head(h), words)
        return loss


class LanguageModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.rnn, self.head = nn.Embedding(9, 4), nn.GRU(4, 5, num_layers=2), nn.Linear(5, 9)

    def forward(self):
        hidden, loss = None, torch.zeros(())
        for chunk in torch.ones(2, 3, 2).long():
            output, hidden = self.rnn(self.embed(chunk), hidden)
            hidden = hidden.detach()
            loss = loss + nn.functional.cross_entropy(self.head(output).flatten(0, 1), chunk.flatten())
        return loss


class Translator(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = nn.GRU(4, 5, batch_first=True, bidirectional=True), nn.GRU(4, 5, batch_first=True)
        self.bridge, self.memory, self.head = nn.Linear(10, 5), nn.Linear(10, 5), nn.Linear(10, 9)

    def forward(self):
        output, hn = self.encoder(torch.randn(2, 6, 4))
        start = torch.tanh(self.bridge(torch.cat([hn[0], hn[1]], dim=-1))).unsqueeze(0)
        answers, _ = self.decoder(torch.randn(2, 3, 4), start)
        memory = self.memory(output)
        weights = torch.bmm(answers, memory.transpose(1, 2)).softmax(-1)
        return self.head(torch.cat([torch.bmm(weights, memory), answers], dim=-1)).pow(2).mean()


class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(4, 5, batch_first=True)

    def forward(self):
        near, far = (self.rnn(torch.randn(2, steps, 4))[1][0][-1] for steps in (3, 6))
        return (near - far).pow(2).mean()


class Speech(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.rnn, self.norm = (
            nn.Conv1d(4, 6, 3, padding=1),
            nn.LSTM(6, 5, 2, bidirectional=True),
            nn.BatchNorm1d(10),
        )
        self.head = nn.Linear(10, 7)

    def forward(self):
        features = self.conv(torch.randn(2, 4, 12)).relu().permute(2, 0, 1)
        output, _ = self.rnn(features)
        output = self.norm(output.permute(1, 2, 0)).permute(2, 0, 1)
        labels, L, S = torch.ones(2, 3).long(), torch.tensor([12, 12]), torch.tensor([3, 3])
        return nn.functional.ctc_loss(self.head(output).log_softmax(-1), labels, L, S)


@pytest.mark.parametrize("kind", [Tagger, Captioner, LanguageModel, Translator, Siamese, Speech])
def test_a_correct_program_gets_no_note_and_no_firm_problem(kind):
    torch.manual_seed(0)
    model, calls = kind(), []

    def explained(module, args, kwargs):
        report = explain(module, *args, **kwargs)
        calls.append(report)
        assert not [problem for problem in report.problems if problem.likely], str(report)

    for module in model.modules():
        if recurrent_kind(module):
            module.register_forward_pre_hook(explained, with_kwargs=True)
    with clarify():
        model().backward()
    assert calls


def test_entering_and_leaving_are_a_few_calls_of_python_and_no_more():
    calls = []
    sys.setprofile(lambda frame, event, _: event == "call" and calls.append(frame.f_code.co_name))
    with clarify():
        pass
    sys.setprofile(None)
    assert calls == ["__new__", "__enter__", "__exit__"]
