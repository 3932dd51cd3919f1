#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Golden data of tests/io/gguf_test.cpp: small GGUF files (PyPI: gguf), with the ids that Hugging Face tokenizers and
SentencePiece give for the tokenizers in them.

Writes into tests/oracle/golden/gguf/:
  <name>.gguf     vocabularies of every model that is read, and two tensors in one of them
  expected.json   for each file and each text of golden/tokenizers/texts.json the ids

Needs the golden tokenizers of tokenizer_json.py. Deterministic.
"""
import io
import json
import os

import numpy
import sentencepiece
from gguf import GGUFWriter, TokenType
from sentencepiece import sentencepiece_model_pb2
from tokenizer_json import GOLDEN, HERE, corpus
from tokenizers import Tokenizer

OUT = os.path.join(HERE, "golden", "gguf")


def write(name, model, tokens, types, pre=None, scores=None, merges=None, tensors=False, more=lambda w: None):
    writer = GGUFWriter(os.path.join(OUT, name + ".gguf"), "llama")
    writer.add_tokenizer_model(model)
    if pre is not None:
        writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    if scores is not None:
        writer.add_token_scores(scores)
    if merges is not None:
        writer.add_token_merges(merges)
    more(writer)
    if tensors:
        writer.add_tensor("a", numpy.arange(6, dtype=numpy.float32).reshape(2, 3))
        writer.add_tensor("b", numpy.arange(5, dtype=numpy.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def tokens_of(document):
    """Texts and types by id, with what is not there as unused."""
    vocab = dict(document["model"]["vocab"])
    special = {a["id"]: a["special"] for a in document["added_tokens"]}
    vocab.update({a["content"]: a["id"] for a in document["added_tokens"]})
    tokens = ["[PAD%d]" % i for i in range(max(vocab.values()) + 1)]
    types = [int(TokenType.UNUSED)] * len(tokens)
    for text, number in vocab.items():
        tokens[number] = text
        types[number] = int(TokenType.NORMAL if number not in special else
                            TokenType.CONTROL if special[number] else TokenType.USER_DEFINED)
    return tokens, types


def golden(name):
    with open(os.path.join(GOLDEN, name + ".json"), encoding="utf-8") as f:
        return json.load(f)


def byte_level(name, pre, **more):
    document = golden(name)
    tokens, types = tokens_of(document)
    merges = [m if isinstance(m, str) else " ".join(m) for m in document["model"]["merges"]]
    write(name, "gpt2", tokens, types, pre, merges=merges, **more)
    tok = Tokenizer.from_str(json.dumps(document))
    return lambda text: tok.encode(text, add_special_tokens=False).ids


def word_pieces(name):
    document = golden(name)
    tokens, types = tokens_of(document)
    for i, text in enumerate(tokens):
        if types[i] == TokenType.NORMAL:
            tokens[i] = text[2:] if text.startswith("##") else "\u2581" + text
    write(name, "bert", tokens, types, more=lambda w: w.add_unk_token_id(1))
    tok = Tokenizer.from_str(json.dumps(document))
    return lambda text: tok.encode(text, add_special_tokens=False).ids


def sentence_pieces(name, model, **options):
    trained = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(line for line in corpus()[:700]), model_writer=trained, num_threads=1, minloglevel=2,
        hard_vocab_limit=False, **options)
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(trained.getvalue())
    kinds = [int(p.type) for p in proto.pieces]

    def more(writer):
        writer.add_add_space_prefix(proto.normalizer_spec.add_dummy_prefix)
        writer.add_remove_extra_whitespaces(proto.normalizer_spec.remove_extra_whitespaces)
        if proto.normalizer_spec.precompiled_charsmap:
            writer.add_precompiled_charsmap(proto.normalizer_spec.precompiled_charsmap)

    write(name, model, [p.piece for p in proto.pieces], kinds, scores=[p.score for p in proto.pieces], more=more)
    processor = sentencepiece.SentencePieceProcessor(model_proto=trained.getvalue())
    return processor.encode


def main():
    os.makedirs(OUT, exist_ok=True)
    with open(os.path.join(GOLDEN, "texts.json"), encoding="utf-8") as f:
        texts = json.load(f)
    encoders = {
        "gpt2": byte_level("gpt2", "gpt-2", tensors=True),
        "llama3": byte_level("llama3", "llama-bpe"),
        "qwen2": byte_level("qwen2", "qwen2"),
        "falcon": byte_level("falcon", "falcon"),
        "smollm": byte_level("smollm", "smollm"),
        "deepseek3": byte_level("deepseek3", "deepseek-v3"),
        "deepseek_coder": byte_level("deepseek_coder", "deepseek-coder"),
        "bert": word_pieces("bert"),
        "spm_bpe": sentence_pieces("spm_bpe", "llama", model_type="bpe", vocab_size=700, byte_fallback=True,
                                   normalization_rule_name="identity", remove_extra_whitespaces=False),
        "spm_unigram": sentence_pieces("spm_unigram", "t5", model_type="unigram", vocab_size=500,
                                       normalization_rule_name="identity"),
    }
    expected = {name: [encode(text) for text in texts] for name, encode in encoders.items()}
    with open(os.path.join(OUT, "expected.json"), "w", encoding="utf-8") as f:
        json.dump(expected, f, separators=(",", ":"))
        f.write("\n")
    sizes = {f: os.path.getsize(os.path.join(OUT, f)) for f in sorted(os.listdir(OUT))}
    print(sum(sizes.values()), "bytes written:", sizes)


if __name__ == "__main__":
    main()
