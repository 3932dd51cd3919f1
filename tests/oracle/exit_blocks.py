#!/usr/bin/env python3
"""Golden file of block exit modules: what PyTorch's autograd makes of the decoder layers of transformers.

Writes tests/oracle/golden/learned/blocks.safetensors: two sequences that share their beginning, a head, and for a Llama layer and
a Qwen2 layer (with biases) their parameters in the order the library keeps them, the logits at some positions behind a norm of
the module's own, losses against the last layer's token and distribution, and gradients.

    pip install -r tests/oracle/requirements.txt
    python tests/oracle/exit_blocks.py
"""

import argparse
import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file
from transformers.models.llama.configuration_llama import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaDecoderLayer, LlamaRotaryEmbedding
from transformers.models.qwen2.configuration_qwen2 import Qwen2Config
from transformers.models.qwen2.modeling_qwen2 import Qwen2DecoderLayer

VOCAB, HIDDEN, INNER, HEADS, KV_HEADS, HEAD_DIM = 30, 12, 10, 4, 2, 6
SHARED, LENGTHS, ANSWERS = 3, (5, 7), ((0, 4), (1, 2), (1, 6))  # answers: sequence, position
EPSILON, SCALE, THETA = 1e-5, 0.7, 100.0  # the head's scale; a theta that turns all pairs within a few positions


class Norm(torch.nn.Module):
    """LlamaRMSNorm, which computes in float32, in double."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(HIDDEN))

    def forward(self, x):
        return torch.nn.functional.rms_norm(x, (HIDDEN,), self.weight, EPSILON)


def single(x):  # numbers that float32 holds
    return x.to(torch.float32).to(torch.float64)


def parts(layer, norm):
    """The module's parameters in the library's order."""
    attention, mlp = layer.self_attn, layer.mlp
    projections = [attention.q_proj, attention.k_proj, attention.v_proj]
    return (
        [norm.weight, layer.input_layernorm.weight]
        + [p.weight for p in projections]
        + [p.bias for p in projections if p.bias is not None]
        + [attention.o_proj.weight, layer.post_attention_layernorm.weight]
        + [mlp.gate_proj.weight, mlp.up_proj.weight, mlp.down_proj.weight]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent / "golden" / "learned")
    args = parser.parse_args()
    torch.manual_seed(6)
    torch.set_default_dtype(torch.float64)
    head = single(torch.randn(VOCAB, HIDDEN) * 0.5)
    model_norm = single(1 + 0.3 * torch.randn(HIDDEN))
    first = single(torch.randn(LENGTHS[0], HIDDEN) * 2)
    second = torch.cat([first[:SHARED], single(torch.randn(LENGTHS[1] - SHARED, HIDDEN) * 2)])
    last = single(torch.randn(len(ANSWERS), HIDDEN) * 3)
    teacher = SCALE * torch.nn.functional.rms_norm(last, (HIDDEN,), model_norm, EPSILON) @ head.T
    out = {"head": head, "norm": model_norm, "first": first, "second": second, "last": last}

    for name, make_config, make_layer in (("llama", LlamaConfig, LlamaDecoderLayer), ("qwen2", Qwen2Config, Qwen2DecoderLayer)):
        config = make_config(
            hidden_size=HIDDEN,
            intermediate_size=INNER,
            num_hidden_layers=1,
            num_attention_heads=HEADS,
            num_key_value_heads=KV_HEADS,
            head_dim=HEAD_DIM,
            rms_norm_eps=EPSILON,
            rope_parameters={"rope_type": "default", "rope_theta": THETA},
            attn_implementation="eager",
        )
        layer, norm = make_layer(config, 0).to(torch.float64), Norm()
        layer.input_layernorm, layer.post_attention_layernorm = Norm(), Norm()
        rotary = LlamaRotaryEmbedding(config)
        with torch.no_grad():
            for p in parts(layer, norm):
                p.copy_(single((1 if p.dim() == 1 and p.numel() == HIDDEN else 0) + 0.3 * torch.randn(p.shape)))

        def logits(layer=layer, norm=norm, rotary=rotary):
            states = []
            for x in (first, second):
                positions = torch.arange(len(x))[None]
                mask = torch.full((len(x), len(x)), -torch.inf).triu(1)[None, None]
                z = layer(x[None], attention_mask=mask, position_embeddings=rotary(x[None], positions))
                states.append((z[0] if isinstance(z, tuple) else z)[0])
            return SCALE * norm(torch.stack([states[s][p] for s, p in ANSWERS])) @ head.T

        losses = {
            "token": lambda z: torch.nn.functional.cross_entropy(z, teacher.argmax(-1)),
            "distribution": lambda z: torch.nn.functional.kl_div(
                torch.log_softmax(z, -1), torch.log_softmax(teacher, -1), log_target=True, reduction="batchmean"
            ),
        }
        out[f"{name}.parameters"] = torch.cat([p.detach().reshape(-1) for p in parts(layer, norm)])
        out[f"{name}.logits"] = logits()
        for key, loss in losses.items():
            for p in parts(layer, norm):
                p.grad = None
            value = loss(logits())
            value.backward()
            out[f"{name}.{key}.loss"] = value.reshape(1)
            out[f"{name}.{key}.gradient"] = torch.cat([p.grad.reshape(-1) for p in parts(layer, norm)])
    args.out.mkdir(parents=True, exist_ok=True)
    arrays = {k: v.detach().numpy().astype(np.float64 if "loss" in k else np.float32) for k, v in out.items()}
    save_file({k: np.ascontiguousarray(v) for k, v in arrays.items()}, args.out / "blocks.safetensors")


if __name__ == "__main__":
    main()
