"The ConvLSTM lesson against PyTorch's own LSTM and convolution, and at the edges that a lesson passes by"
import pytest
import torch
from t2v_learn.gan.convlstm import ConvLSTM, ConvLSTMCell
from torch import nn


def as_lstm(stack, dim_in, dim):
    "The same weights in nn.LSTM, which keeps its gates in the order i, f, g, o"
    lstm = nn.LSTM(dim_in, dim, len(stack.cells), batch_first=True)
    for n, cell in enumerate(stack.cells):
        i, f, o, g = torch.cat([cell.gates.weight[:, :, 0, 0], cell.gates.bias[:, None]], 1).detach().chunk(4)
        weight, d = torch.cat([i, f, g, o]), dim if n else dim_in
        getattr(lstm, f"weight_ih_l{n}").data.copy_(weight[:, :d])
        getattr(lstm, f"weight_hh_l{n}").data.copy_(weight[:, d:-1])
        getattr(lstm, f"bias_ih_l{n}").data.copy_(weight[:, -1])
        getattr(lstm, f"bias_hh_l{n}").data.zero_()
    return lstm


@pytest.mark.parametrize("n_layers", [1, 3])
def test_on_one_pixel_it_is_the_lstm_of_torch(n_layers):
    torch.manual_seed(n_layers)
    stack = ConvLSTM(5, 6, n_layers, kernel_size=1)
    for p in stack.parameters(): nn.init.normal_(p)
    x = torch.randn(2, 7, 5)
    ours, state = stack(x[..., None, None])
    theirs, (h, c) = as_lstm(stack, 5, 6)(x)
    torch.testing.assert_close(ours[..., 0, 0], theirs, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(torch.stack([s[0] for s in state])[..., 0, 0], h, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(torch.stack([s[1] for s in state])[..., 0, 0], c, rtol=1e-4, atol=1e-5)


def test_gates_have_their_order_and_forget_starts_at_one():
    cell = ConvLSTMCell(2, 3)
    assert torch.equal(cell.gates.bias, torch.tensor([0.] * 3 + [1.] * 3 + [0.] * 6))
    nn.init.zeros_(cell.gates.weight)
    cell.gates.bias.data = torch.tensor([-30., 30, 30, 0]).repeat_interleave(3)   # write nothing, keep all, show all
    c = torch.randn(1, 3, 4, 4)
    h, kept = cell(torch.randn(1, 2, 4, 4), (torch.zeros_like(c), c))
    torch.testing.assert_close(kept, c)
    torch.testing.assert_close(h, c.tanh())


@pytest.mark.parametrize("kernel_size", [1, 3, 5])
def test_shapes_and_sizes(kernel_size):
    stack = ConvLSTM(3, 4, 2, kernel_size)
    outputs, state = stack(torch.randn(2, 5, 3, 6, 9))
    assert outputs.shape == (2, 5, 4, 6, 9) and len(state) == 2
    assert all(s.shape == (2, 4, 6, 9) for pair in state for s in pair)
    assert torch.equal(outputs[:, -1], state[-1][0])


def test_a_clip_in_two_parts_is_the_whole_clip_and_the_state_given_is_left_alone():
    torch.manual_seed(0)
    stack, x = ConvLSTM(1, 4, 2), torch.randn(2, 6, 1, 8, 8)
    whole, _ = stack(x)
    first, state = stack(x[:, :2])
    before = [(h.clone(), c.clone()) for h, c in state]
    rest, _ = stack(x[:, 2:], state)
    torch.testing.assert_close(torch.cat([first, rest], 1), whole)
    assert all(torch.equal(a, b) for old, new in zip(before, state) for a, b in zip(old, new))


def test_no_frame_sees_a_later_one_and_all_parameters_learn():
    torch.manual_seed(0)
    stack, x = ConvLSTM(1, 4, 2), torch.randn(1, 5, 1, 8, 8, requires_grad=True)
    outputs, _ = stack(x)
    outputs[:, 2].square().sum().backward()
    seen = x.grad.abs().sum((0, 2, 3, 4)) > 0
    assert seen.tolist() == [True, True, True, False, False]
    assert all(p.grad.abs().sum() > 0 for p in stack.parameters())
