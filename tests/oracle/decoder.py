#!/usr/bin/env python3
"""Golden files of the reference decoder: random-weight models and what Hugging Face transformers makes of them.

Writes, for every configuration below, a model directory (config.json, model.safetensors or shards) and
`expected.safetensors` with the token ids, the output of every block, the attention and MLP outputs before the
residual additions, and the logits. The models that come with the examples get an `expected.safetensors` too.

    pip install -r tests/oracle/requirements.txt
    python tests/oracle/decoder.py            # rewrites tests/oracle/golden/decoder
"""

import argparse
import json
import pathlib
import shutil

import torch
import transformers
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM, Qwen2Config, Qwen2ForCausalLM

LLAMA3_ROPE = {
    "rope_type": "llama3",
    "rope_theta": 500000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}

# name -> (config class, model class, settings, storage type, shards, tokens)
CONFIGS = {
    "mha": (LlamaConfig, LlamaForCausalLM, dict(num_attention_heads=4), torch.float32, 1, 24),
    "gqa_tied": (LlamaConfig, LlamaForCausalLM,
                 dict(num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=True), torch.bfloat16, 1, 24),
    "mqa_sharded": (LlamaConfig, LlamaForCausalLM,
                    dict(num_attention_heads=4, num_key_value_heads=1), torch.float16, 2, 17),
    "rope_llama3": (LlamaConfig, LlamaForCausalLM,
                    dict(num_attention_heads=2, max_position_embeddings=256, rope_parameters=LLAMA3_ROPE),
                    torch.bfloat16, 1, 100),
    "rope_linear": (LlamaConfig, LlamaForCausalLM,
                    dict(num_attention_heads=2,
                         rope_parameters={"rope_type": "linear", "rope_theta": 10000.0, "factor": 4.0}),
                    torch.float32, 1, 60),
    "odd_head_biases": (LlamaConfig, LlamaForCausalLM,
                        dict(num_attention_heads=4, num_key_value_heads=2, head_dim=10, attention_bias=True,
                             mlp_bias=True), torch.float32, 1, 24),
    "qwen2": (Qwen2Config, Qwen2ForCausalLM, dict(num_attention_heads=4, num_key_value_heads=2), torch.float32, 1, 24),
    "mistral": (MistralConfig, MistralForCausalLM,
                dict(num_attention_heads=4, num_key_value_heads=2, sliding_window=None), torch.float32, 1, 24),
}
EXAMPLES = pathlib.Path(__file__).parents[2] / "examples" / "model"
EXAMPLE_TOKENS = 12
COMMON = dict(vocab_size=97, hidden_size=32, intermediate_size=44, num_hidden_layers=3, max_position_embeddings=128,
              rms_norm_eps=1e-5, initializer_range=0.3)


def randomise(model: torch.nn.Module, generator: torch.Generator) -> None:
    """Weights of a size that makes attention and the norms matter; biases and norms are not left at 0 and 1."""
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if "norm" in name:
            parameter.data = 1 + 0.2 * noise
        elif name.endswith("bias"):
            parameter.data = 0.3 * noise
        else:
            parameter.data = noise * (1.5 / parameter.shape[-1] ** 0.5)


def expected(model: torch.nn.Module, ids: torch.Tensor) -> dict[str, torch.Tensor]:
    seen: dict[str, list[torch.Tensor]] = {"hidden": [], "attention": [], "mlp": []}

    def keep(where: list[torch.Tensor]):
        return lambda _module, _inputs, out: where.append((out[0] if isinstance(out, tuple) else out).reshape(len(ids), -1))

    for block in model.model.layers:
        block.register_forward_hook(keep(seen["hidden"]))
        block.self_attn.register_forward_hook(keep(seen["attention"]))
        block.mlp.register_forward_hook(keep(seen["mlp"]))
    with torch.no_grad():
        logits = model(ids[None]).logits[0]
    out = {name: torch.stack(states).contiguous() for name, states in seen.items()}
    return out | {"logits": logits.contiguous(), "tokens": ids.to(torch.int32)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent / "golden" / "decoder")
    args = parser.parse_args()
    shutil.rmtree(args.out, ignore_errors=True)
    for index, (name, (config_class, model_class, settings, dtype, shards, length)) in enumerate(CONFIGS.items()):
        generator = torch.Generator().manual_seed(index)
        model = model_class(config_class(**(COMMON | settings)))
        randomise(model, generator)
        if model.config.tie_word_embeddings:
            model.tie_weights()
        model.to(dtype)
        directory = args.out / name
        size = 2**40 if shards == 1 else f"{sum(p.numel() * p.element_size() for p in model.parameters()) // 1000 // shards + 4}KB"
        model.save_pretrained(directory, max_shard_size=size)
        (directory / "generation_config.json").unlink(missing_ok=True)
        # Reloaded, not cast: casting a model would round its rotary frequencies to the storage type as well.
        model = model_class.from_pretrained(directory, dtype=torch.float32).eval()
        ids = torch.randint(0, COMMON["vocab_size"], (length,), generator=generator)
        save_file(expected(model, ids), directory / "expected.safetensors")
    for index, name in enumerate(("main", "small")):
        model = LlamaForCausalLM.from_pretrained(EXAMPLES / name, dtype=torch.float32).eval()
        generator = torch.Generator().manual_seed(100 + index)
        ids = torch.randint(0, model.config.vocab_size, (EXAMPLE_TOKENS,), generator=generator)
        (args.out / f"example_{name}").mkdir()
        save_file(expected(model, ids), args.out / f"example_{name}" / "expected.safetensors")
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    (args.out / "made_with.json").write_text(json.dumps(versions, indent=2) + "\n")


if __name__ == "__main__":
    main()
