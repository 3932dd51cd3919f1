"""A Llama decoder with an exit after every layer, and its Hugging Face directory.

The arithmetic is that of transformers' LlamaForCausalLM: RMSNorm, rotary embedding over halves, grouped-query
attention, SwiGLU, no biases, one matrix for embedding and head. Every exit reads the residual stream through the
final norm and the head.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn


@dataclass(frozen=True)
class Shape:
    layers: int
    vocabulary: int
    hidden: int = 96
    heads: int = 4
    kv_heads: int = 2
    ffn: int = 224
    context: int = 512
    theta: float = 10000.0
    eps: float = 1e-5

    @property
    def head_dim(self) -> int:
        return self.hidden // self.heads


def rms_norm(x, weight, eps: float):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * weight


def rotate(x, cos, sin):
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


class Layer(nn.Module):
    """One decoder layer. `work` is the type of the matrix products; the residual stream stays float32."""

    def __init__(self, s: Shape):
        super().__init__()
        self.s = s
        h, d = s.hidden, s.head_dim
        self.input_layernorm = nn.Parameter(torch.ones(h))
        self.post_attention_layernorm = nn.Parameter(torch.ones(h))
        self.q_proj = nn.Parameter(torch.randn(s.heads * d, h) * h ** -0.5)
        self.k_proj = nn.Parameter(torch.randn(s.kv_heads * d, h) * h ** -0.5)
        self.v_proj = nn.Parameter(torch.randn(s.kv_heads * d, h) * h ** -0.5)
        self.o_proj = nn.Parameter(torch.zeros(h, s.heads * d))
        self.gate_proj = nn.Parameter(torch.randn(s.ffn, h) * h ** -0.5)
        self.up_proj = nn.Parameter(torch.randn(s.ffn, h) * h ** -0.5)
        self.down_proj = nn.Parameter(torch.zeros(h, s.ffn))

    def forward(self, x, cos, sin, mask, work: torch.dtype):
        s = self.s
        batch, length, _ = x.shape
        groups = s.heads // s.kv_heads
        h = rms_norm(x, self.input_layernorm, s.eps).to(work)
        qkv = h @ torch.cat((self.q_proj, self.k_proj, self.v_proj)).to(work).t()
        q, k, v = qkv.view(batch, length, -1, s.head_dim).split((s.heads, s.kv_heads, s.kv_heads), 2)
        q = rotate(q, cos, sin).transpose(1, 2).reshape(batch * s.kv_heads, groups * length, s.head_dim)
        k = rotate(k, cos, sin).transpose(1, 2).reshape(batch * s.kv_heads, length, s.head_dim)
        v = v.transpose(1, 2).reshape(batch * s.kv_heads, length, s.head_dim)
        scores = (q @ k.transpose(1, 2)).view(-1, groups, length, length) * s.head_dim ** -0.5 + mask
        p = torch.softmax(scores.float(), -1).to(work).view(-1, groups * length, length)
        o = (p @ v).view(batch, s.heads, length, s.head_dim).transpose(1, 2).reshape(batch, length, -1)
        x = x + (o @ self.o_proj.to(work).t()).float()
        h = rms_norm(x, self.post_attention_layernorm, s.eps).to(work)
        gate, up = (h @ torch.cat((self.gate_proj, self.up_proj)).to(work).t()).chunk(2, -1)
        return x + ((F.silu(gate) * up) @ self.down_proj.to(work).t()).float()


class Llama(nn.Module):
    def __init__(self, s: Shape):
        super().__init__()
        self.s = s
        self.embed = nn.Parameter(torch.randn(s.vocabulary, s.hidden) * 0.05)
        self.layers = nn.ModuleList(Layer(s) for _ in range(s.layers))
        self.norm = nn.Parameter(torch.ones(s.hidden))
        self.run_layer = Layer.forward

    def rope(self, length: int, work: torch.dtype):
        d = self.s.head_dim
        angle = torch.outer(torch.arange(length).float(), self.s.theta ** (-torch.arange(0, d, 2).float() / d))
        return angle.cos()[:, None].to(work), angle.sin()[:, None].to(work)

    def hidden_states(self, ids, work: torch.dtype = torch.float32):
        """The residual stream after each layer, (batch, length, hidden) each."""
        length = ids.shape[1]
        cos, sin = self.rope(length, work)
        mask = torch.full((length, length), -1e9).triu(1).to(work)
        x, out = self.embed[ids], []
        for layer in self.layers:
            x = self.run_layer(layer, x, cos, sin, mask, work)
            out.append(x)
        return out

    def logits(self, hidden):
        return rms_norm(hidden, self.norm, self.s.eps) @ self.embed.t()


# --- Hugging Face directory -----------------------------------------------------------------------------------

ATTENTION, MLP = ("q_proj", "k_proj", "v_proj", "o_proj"), ("gate_proj", "up_proj", "down_proj")


def _hf_name(index: int, name: str) -> str:
    part = "self_attn." if name in ATTENTION else "mlp." if name in MLP else ""
    return f"model.layers.{index}.{part}{name}.weight"


def save_hf(model: Llama, directory: Path, end_id: int) -> None:
    """config.json and model.safetensors in bfloat16."""
    s = model.s
    tensors = {"model.embed_tokens.weight": model.embed, "model.norm.weight": model.norm}
    for i, layer in enumerate(model.layers):
        tensors |= {_hf_name(i, name): p for name, p in layer.named_parameters()}
    save_file({k: v.detach().to(torch.bfloat16).contiguous() for k, v in tensors.items()},
              directory / "model.safetensors", metadata={"format": "pt"})
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": s.vocabulary,
        "hidden_size": s.hidden, "intermediate_size": s.ffn, "num_hidden_layers": s.layers,
        "num_attention_heads": s.heads, "num_key_value_heads": s.kv_heads, "head_dim": s.head_dim,
        "hidden_act": "silu", "max_position_embeddings": s.context, "rms_norm_eps": s.eps, "rope_theta": s.theta,
        "tie_word_embeddings": True, "attention_bias": False, "mlp_bias": False, "attention_dropout": 0.0,
        "initializer_range": 0.02, "bos_token_id": end_id, "eos_token_id": end_id, "torch_dtype": "bfloat16",
        "use_cache": True,
    }
    (directory / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def load_hf(directory: Path) -> Llama:
    """The model of a directory, in float32."""
    c = json.loads((directory / "config.json").read_text())
    model = Llama(Shape(c["num_hidden_layers"], c["vocab_size"], c["hidden_size"], c["num_attention_heads"],
                        c["num_key_value_heads"], c["intermediate_size"], c["max_position_embeddings"],
                        c["rope_theta"], c["rms_norm_eps"]))
    tensors = load_file(directory / "model.safetensors")
    with torch.no_grad():
        model.embed.copy_(tensors["model.embed_tokens.weight"])
        model.norm.copy_(tensors["model.norm.weight"])
        for i, layer in enumerate(model.layers):
            for name, p in layer.named_parameters():
                p.copy_(tensors[_hf_name(i, name)])
    return model
