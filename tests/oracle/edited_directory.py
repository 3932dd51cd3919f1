#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Edited model directories, judged by Hugging Face transformers, tokenizers and SentencePiece.

    g++ -std=c++20 -O1 -Iinclude tests/oracle/tools/edit_model.cpp -o edit_model
    python tests/oracle/edited_directory.py check ./edit_model   # makes tiny models of several families, edits them, loads the results
    python tests/oracle/edited_directory.py golden               # rewrites tests/oracle/golden/edited

`check` adds tokens to, trims, and replaces the tokenizers of the models. Of every result: transformers loads it with no key
missing or unexpected; its tokenizer gives the ids of a tokenizer that Python edited; logits of old tokens are what they were, new rows
are where they belong; special ids follow. `golden` writes what Python's edits give, for tests/io/tokenizer_edit_test.cpp.
"""
import argparse
import copy
import io
import json
import os
import pathlib
import random
import shutil
import subprocess
import tempfile

HERE = pathlib.Path(__file__).parent
TOKENIZERS = HERE / "golden" / "tokenizers"
GOLDEN = HERE / "golden" / "edited"
TEXTS = json.loads((TOKENIZERS / "texts.json").read_text())


LATIN = [t for t in TEXTS if t and max(map(ord, t)) < 0x250]


def sides(merge):
    return tuple(merge) if isinstance(merge, list) else tuple(merge.split(" "))


def load(doc):
    from tokenizers import Tokenizer
    return Tokenizer.from_str(json.dumps(doc, ensure_ascii=False))


def size_of(doc):
    vocab = doc["model"]["vocab"]
    ids = list(vocab.values()) if isinstance(vocab, dict) else list(range(len(vocab)))
    return max(ids + [t["id"] for t in doc.get("added_tokens", [])]) + 1


def beyond(doc):
    vocab = doc["model"]["vocab"]
    known = vocab if isinstance(vocab, dict) else {v[0] for v in vocab}
    return [t for t in doc.get("added_tokens", []) if t["content"] not in known]


def addition(doc, count):
    """New tokens: joined neighbours of the texts' own tokens, or for models without merges pieces of two tokens."""
    tok = load(doc)
    vocab = doc["model"]["vocab"]
    bpe = isinstance(vocab, dict) and "merges" in doc["model"]
    first = size_of(doc)
    known = set(vocab) if isinstance(vocab, dict) else {v[0] for v in vocab}
    known |= {t["content"] for t in doc.get("added_tokens", [])}
    plain = known - {t["content"] for t in doc.get("added_tokens", [])}
    prefix = doc["model"].get("continuing_subword_prefix") or ""
    pairs = {}
    for text in TEXTS:
        for word in text.split():
            tokens = tok.encode(word, add_special_tokens=False).tokens
            for a, b in zip(tokens, tokens[1:]):
                if a not in plain or b not in plain or a.startswith("<0x") or b.startswith("<0x") or not b.startswith(prefix):
                    continue
                pairs[a, b] = pairs.get((a, b), 0) + 1
    tokens, merges = [], []
    for a, b in sorted(pairs, key=lambda p: (-pairs[p], p)):
        joined = a + b[len(prefix):]
        if joined in known:
            continue
        known.add(joined)
        tokens.append([first + len(tokens), joined, -5.0 - len(tokens)])
        if bpe:
            merges.append([a, b])
        if len(tokens) == count:
            break
    return {"tokens": tokens, "merges": merges}


def added(doc, more):
    """The same edit by Python: what the tokenizer must be."""
    doc = copy.deepcopy(doc)
    model = doc["model"]
    moved = beyond(doc)
    if isinstance(model["vocab"], dict):
        for t in moved:
            model["vocab"][t["content"]] = t["id"]
        for number, text, _ in more["tokens"]:
            model["vocab"][text] = number
        if "merges" in model:
            model["merges"] = [list(sides(m)) for m in model["merges"]] + more["merges"]
    else:
        least = min(0, min(score for _, score in model["vocab"]))
        for t in sorted(moved, key=lambda t: t["id"]):
            model["vocab"].append([t["content"], least])
        for _, text, score in more["tokens"]:
            model["vocab"].append([text, score])
    return doc


def kept_ids(doc, rng, all_added=False):
    """Ids to keep: specials (or all added tokens), bytes, single characters, and half of the rest closed under merges."""
    vocab = doc["model"]["vocab"]
    pairs = list(vocab.items()) if isinstance(vocab, dict) else [(v[0], i) for i, v in enumerate(vocab)]
    special = {t["content"] for t in doc.get("added_tokens", []) if t.get("special") or all_added}
    prefix = doc["model"].get("continuing_subword_prefix") or ""
    parts = {}
    for m in doc["model"].get("merges", []):
        a, b = sides(m)
        parts.setdefault(a + b[len(prefix):], []).append((a, b))
    keep = set(special)
    for text, _ in pairs:
        if len(text) == 1 or text.startswith("<0x") or len(text.removeprefix(prefix)) == 1:
            keep.add(text)
    for name in ("unk_token",):
        if doc["model"].get(name):
            keep.add(doc["model"][name])
    if "unk_id" in doc["model"]:
        keep.add(vocab[doc["model"]["unk_id"]][0])
    if not isinstance(vocab, dict):
        keep.add(min(vocab, key=lambda v: v[1])[0])
    stack = [t for t, _ in pairs if rng.random() < 0.5]
    while stack:
        t = stack.pop()
        if t in keep:
            continue
        keep.add(t)
        for a, b in parts.get(t, []):
            stack += [a, b]
    ids = {i for t, i in pairs if t in keep} | {t["id"] for t in doc.get("added_tokens", []) if t["content"] in keep}
    return sorted(ids)


def trimmed(doc, kept):
    doc = copy.deepcopy(doc)
    new = {old: i for i, old in enumerate(kept)}
    model = doc["model"]
    moved = [t for t in beyond(doc) if t["id"] in new]
    if isinstance(model["vocab"], dict):
        model["vocab"] = {t: new[i] for t, i in model["vocab"].items() if i in new}
        for t in moved:
            model["vocab"][t["content"]] = new[t["id"]]
        prefix = model.get("continuing_subword_prefix") or ""
        if "merges" in model:
            merges = [sides(m) for m in model["merges"]]
            model["merges"] = [[a, b] for a, b in merges
                               if a in model["vocab"] and b in model["vocab"] and a + b[len(prefix):] in model["vocab"]]
    else:
        model["vocab"] = [v for i, v in enumerate(model["vocab"]) if i in new] + \
                         [[t["content"], min(v[1] for v in model["vocab"])] for t in sorted(moved, key=lambda t: t["id"])]
        model["unk_id"] = new[model["unk_id"]]
    doc["added_tokens"] = [dict(t, id=new[t["id"]]) for t in doc.get("added_tokens", []) if t["id"] in new]
    if doc.get("padding"):
        doc["padding"]["pad_id"] = new[doc["padding"]["pad_id"]]

    def processor(p):
        if not p:
            return
        for each in p.get("processors", []):
            processor(each)
        for key in ("cls", "sep"):
            if key in p:
                p[key][1] = new[p[key][1]]
        for special in p.get("special_tokens", {}).values() if isinstance(p.get("special_tokens"), dict) else []:
            special["ids"] = [new[i] for i in special["ids"]]
    processor(doc.get("post_processor"))
    return doc


def encode_all(tok):
    return [[tok.encode(t, add_special_tokens=False).ids, tok.encode(t).ids] for t in TEXTS]


# ---- golden files ---------------------------------------------------------------------------------------------------

CASES = ["gpt2", "llama2", "llama3", "phi3", "qwen2", "roberta", "clip", "prefix", "unigram_t5", "word_piece"]
GOLDEN_TEXTS = list(range(0, len(TEXTS), 3))


def small_unigram():
    from tokenizers import Tokenizer, models, pre_tokenizers, decoders, processors, trainers, AddedToken
    tok = Tokenizer(models.Unigram())
    tok.pre_tokenizer = pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="always")
    tok.decoder = decoders.Metaspace(replacement="\u2581", prepend_scheme="always")
    tok.train_from_iterator(LATIN * 3, trainers.UnigramTrainer(vocab_size=220, special_tokens=["<pad>", "</s>", "<unk>"],
                                                              unk_token="<unk>", show_progress=False))
    tok.add_special_tokens([AddedToken(f"<extra_id_{i}>") for i in (1, 0)])
    tok.post_processor = processors.TemplateProcessing(single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)])
    return json.loads(tok.to_str())


def small_word_piece():
    from tokenizers import Tokenizer, models, pre_tokenizers, normalizers, decoders, processors, trainers
    tok = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tok.normalizer = normalizers.BertNormalizer()
    tok.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tok.decoder = decoders.WordPiece()
    tok.train_from_iterator(LATIN * 3, trainers.WordPieceTrainer(
        vocab_size=260, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False))
    tok.post_processor = processors.BertProcessing(("[SEP]", tok.token_to_id("[SEP]")), ("[CLS]", tok.token_to_id("[CLS]")))
    tok.add_tokens(["lagom!"])
    return json.loads(tok.to_str())


def document(name):
    if name in ("unigram_t5", "word_piece"):
        path = GOLDEN / f"{name}.json"
        if path.exists():  # training orders equal scores by chance
            return json.loads(path.read_text())
        doc = small_unigram() if name == "unigram_t5" else small_word_piece()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(doc, ensure_ascii=False, indent=1))
        return doc
    return json.loads((TOKENIZERS / f"{name}.json").read_text())


def golden():
    out = {}
    for name in CASES:
        doc = document(name)
        more = addition(doc, 12)
        kept = kept_ids(doc, random.Random(name))
        grown, small = load(added(doc, more)), load(trimmed(doc, kept))
        texts = [TEXTS[i] for i in GOLDEN_TEXTS]
        out[name] = {"add": more, "keep": kept,
                     "added_ids": [grown.encode(t).ids for t in texts],
                     "kept_ids": [small.encode(t).ids for t in texts]}
    GOLDEN.mkdir(parents=True, exist_ok=True)
    (GOLDEN / "expected.json").write_text(json.dumps(out, ensure_ascii=False, separators=(",", ":")))
    sentencepiece_golden()
    plan_golden()


def plan_golden():
    """A saved embedding plan, written by numpy: two rows over ten source rows."""
    import numpy
    from safetensors.numpy import save_file
    columns = {
        "target": ("int32", [10, 12]), "term.id": ("int32", [1, 7, 9]), "term.weight": ("float32", [0.25, 0.75, 1.0]),
        "term_ends": ("int64", [2, 3]), "noise.group": ("int64", [1]), "noise.ddof": ("int64", [1]),
        "noise.mean": ("float32", [0.5]), "noise.deviation": ("float32", [2.0]), "noise.seed": ("int64", [42]),
        "noise.stream": ("int64", [12]), "noise_ends": ("int64", [0, 1]), "rescale.rule": ("uint8", [1, 0]),
        "rescale.value": ("float32", [3.0, 1.0]), "rescale.group": ("int64", [0, 0]), "method": ("uint8", [6, 5]),
        "reason": ("int32", [0, 2]), "group.member": ("int32", [2, 3, 5]), "group_ends": ("int64", [3]),
    }
    save_file({k: numpy.array(v, dtype=t) for k, (t, v) in columns.items()}, GOLDEN / "plan.safetensors",
              metadata={"lagom": "plan", "schema": "1", "source_size": "10"})


def train_sentencepiece(kind, path):
    import sentencepiece as spm
    model = io.BytesIO()
    spm.SentencePieceTrainer.train(sentence_iterator=iter(LATIN * 3), model_writer=model, vocab_size=420, model_type=kind,
                                   byte_fallback=True, character_coverage=0.98, minloglevel=2, num_threads=1,
                                   normalization_rule_name="identity", hard_vocab_limit=False)
    path.write_bytes(model.getvalue())


def sentencepiece_golden():
    from sentencepiece import sentencepiece_model_pb2 as pb
    path = GOLDEN / "pieces.model"
    if not path.exists():
        train_sentencepiece("bpe", path)
    proto = pb.ModelProto()
    proto.ParseFromString(path.read_bytes())
    grown = pb.ModelProto()
    grown.CopyFrom(proto)
    for text, score, kind in (("\u2581lagom", -500.0, 1), ("<|x|>", 0.0, 4), ("<s2>", 0.0, 3)):
        grown.pieces.add(piece=text, score=score, **({} if kind == 1 else {"type": kind}))
    grown.trainer_spec.vocab_size = len(grown.pieces)
    (GOLDEN / "pieces_added.model").write_bytes(grown.SerializeToString())
    small = pb.ModelProto()
    small.CopyFrom(proto)
    kept = [i for i, p in enumerate(proto.pieces) if i != 1 and (p.type != 1 or i % 3 != 0)]
    del small.pieces[:]
    for i in kept:
        small.pieces.add().CopyFrom(proto.pieces[i])
    small.trainer_spec.vocab_size = len(kept)
    small.trainer_spec.bos_id, small.trainer_spec.eos_id = -1, kept.index(2)
    (GOLDEN / "pieces_kept.model").write_bytes(small.SerializeToString())
    (GOLDEN / "pieces_kept.json").write_text(json.dumps(kept))


# ---- models ---------------------------------------------------------------------------------------------------------

def families(doc_of):
    """name -> (config, model class, tokenizer document, height, shards, extra files, settings of the tokenizer)."""
    from transformers import (BertConfig, BertForMaskedLM, GPT2Config, GPT2LMHeadModel, GPTNeoXConfig, GPTNeoXForCausalLM,
                              LlamaConfig, LlamaForCausalLM, PhiConfig, PhiForCausalLM, Qwen2Config, Qwen2ForCausalLM,
                              T5Config, T5ForConditionalGeneration, BartConfig, BartForConditionalGeneration)
    small = dict(hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2, max_position_embeddings=64,
                 initializer_range=0.5)
    fast = {"tokenizer_class": "PreTrainedTokenizerFast"}
    yield ("llama_tied", LlamaConfig(vocab_size=1, tie_word_embeddings=True, bos_token_id=1, eos_token_id=2, **small),
           LlamaForCausalLM, "llama2", 1, False, fast)
    yield ("llama_sharded", LlamaConfig(vocab_size=1, bos_token_id=None, eos_token_id=[1, 2], **small), LlamaForCausalLM,
           "llama3", 1, True, fast)
    yield "gpt2", GPT2Config(vocab_size=1, n_embd=16, n_layer=2, n_head=2, n_positions=64), GPT2LMHeadModel, "gpt2", 1, False, {
        "tokenizer_class": "GPT2Tokenizer"}
    yield "phi", PhiConfig(vocab_size=1, **small), PhiForCausalLM, "gpt2", 1, False, fast
    yield "qwen2_padded", Qwen2Config(vocab_size=1, num_key_value_heads=2, **small), Qwen2ForCausalLM, "qwen2", 64, False, fast
    yield "neox", GPTNeoXConfig(vocab_size=1, **small), GPTNeoXForCausalLM, "neox", 8, False, fast
    yield ("t5", T5Config(vocab_size=1, d_model=16, d_kv=8, d_ff=24, num_layers=2, num_heads=2, decoder_start_token_id=0,
                          tie_word_embeddings=False), T5ForConditionalGeneration, "unigram_t5", 8, False, fast)
    yield ("bart", BartConfig(vocab_size=1, d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
                              decoder_attention_heads=2, encoder_ffn_dim=24, decoder_ffn_dim=24, max_position_embeddings=64),
           BartForConditionalGeneration, "roberta", 1, False, fast)
    yield ("bert", BertConfig(vocab_size=1, **{k: v for k, v in small.items()}), BertForMaskedLM, "word_piece", 1, False, fast)


def make_source(family, path):
    import torch
    name, config, cls, tokenizer, multiple, sharded, settings = family
    doc = document(tokenizer)
    size = size_of(doc)
    config.vocab_size = -(-size // multiple) * multiple
    for key in ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id", "forced_eos_token_id"):
        value = getattr(config, key, None)
        if isinstance(value, int) and value >= size:
            setattr(config, key, 2)
    torch.manual_seed(0)
    model = cls(config).eval()
    with torch.no_grad():
        for n, p in list(model.named_parameters()) + list(model.named_buffers()):
            if p.is_floating_point() and (n.endswith("bias") or "norm" in n):
                p.add_(torch.randn_like(p) * 0.1)
    model.save_pretrained(path, max_shard_size="12KB" if sharded else "1GB")
    (path / "tokenizer.json").write_text(json.dumps(doc, ensure_ascii=False, indent=2), encoding="utf-8")
    decoder = {str(t["id"]): {k: t[k] for k in ("content", "lstrip", "normalized", "rstrip", "single_word", "special")}
               for t in doc.get("added_tokens", [])}
    (path / "tokenizer_config.json").write_text(json.dumps({"added_tokens_decoder": decoder, "model_max_length": 10**30, **settings}))
    if tokenizer == "gpt2":
        model_ = doc["model"]
        (path / "vocab.json").write_text(json.dumps(model_["vocab"], ensure_ascii=False), encoding="utf-8")
        (path / "merges.txt").write_text("#version: 0.2\n" + "".join(" ".join(sides(m)) + "\n" for m in model_["merges"]),
                                         encoding="utf-8")
    (path / "pytorch_model.bin").write_bytes(b"stale")
    return model, doc


def run_model(model, ids):
    import torch
    ids = torch.tensor([ids])
    with torch.no_grad():
        if model.config.is_encoder_decoder:
            return model(input_ids=ids, decoder_input_ids=ids).logits[0]
        return model(input_ids=ids).logits[0]


def edit(program, source, target, job, model, height, work):
    """Runs the editor; made rows are random. Returns them."""
    import torch
    from safetensors.torch import save_file
    made = job["from"].count(-1)
    rows = {"input": torch.randn(made, model.get_input_embeddings().weight.shape[1]) * 0.5}
    head = model.get_output_embeddings()
    rows["head"] = torch.randn(made, head.weight.shape[1]) * 0.5
    rows["bias"] = torch.randn(made)
    save_file(rows, work / "made.safetensors")
    job.update(source=str(source), target=str(target), made=str(work / "made.safetensors"))
    (work / "job.json").write_text(json.dumps(job))
    done = subprocess.run([program, work / "job.json"], capture_output=True, text=True)
    assert done.returncode == 0, (done.stderr, job["source"])
    return rows, done.stdout


def load_result(cls, target):
    model, info = cls.from_pretrained(target, output_loading_info=True)
    for key in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        assert not info[key], (target, key, info[key])
    return model.eval()


def check_family(family, program, work):
    import torch
    from transformers import AutoTokenizer, PreTrainedTokenizerFast
    name, _, cls, _, multiple, _, _ = family
    source = work / name
    model, doc = make_source(family, source)
    size, height = size_of(doc), model.config.vocab_size
    old = load_result(cls, source)
    plain = [i for i in load(doc).encode(TEXTS[13], add_special_tokens=False).ids][:20]
    before = run_model(old, plain)
    auto_agrees = [AutoTokenizer.from_pretrained(source)(t)["input_ids"] for t in TEXTS] == [e[1] for e in encode_all(load(doc))]

    # expansion
    more = addition(doc, 17)
    count = size + len(more["tokens"])
    new_height = -(-count // multiple) * multiple
    target = work / (name + "_added")
    rows, said = edit(program, source, target, {"add": more, "from": list(range(size)) + [-1] * (new_height - size)}, old, new_height, work)
    new = load_result(cls, target)
    assert new.config.vocab_size == new_height
    expected = load(added(doc, more))
    from tokenizers import Tokenizer
    mine = Tokenizer.from_file(str(target / "tokenizer.json"))
    assert encode_all(mine) == encode_all(expected), name
    assert any(i >= size for e in encode_all(mine) for i in e[0]), name + ": no new token is used"
    for t in doc.get("added_tokens", []):
        assert mine.token_to_id(t["content"]) == t["id"], (name, t)
    if auto_agrees:
        assert [AutoTokenizer.from_pretrained(target)(t)["input_ids"] for t in TEXTS] == [e[1] for e in encode_all(expected)], name
    logits = run_model(new, plain)
    assert logits.shape[1] == new_height
    assert torch.equal(logits[:, :size], before[:, :size]), name
    assert torch.equal(new.get_input_embeddings().weight[size:], rows["input"]), name
    tied = new.get_output_embeddings().weight.data_ptr() == new.get_input_embeddings().weight.data_ptr()
    assert torch.equal(new.get_output_embeddings().weight[size:], rows["input" if tied else "head"]), name
    run_model(new, plain + [size, new_height - 1])
    assert not (target / "pytorch_model.bin").exists() and "pytorch_model.bin: left out" in said
    if (source / "vocab.json").exists():
        assert json.loads((target / "vocab.json").read_text()) == json.loads((target / "tokenizer.json").read_text())["model"]["vocab"]
        from tokenizers import models
        models.BPE.from_file(str(target / "vocab.json"), str(target / "merges.txt"))

    # trimming
    kept = kept_ids(doc, random.Random(name), all_added=True)  # classes make the tokens that they expect anew
    place = {o: i for i, o in enumerate(kept)}
    target = work / (name + "_kept")
    small_height = -(-len(kept) // multiple) * multiple
    rows, said = edit(program, source, target, {"keep": kept, "from": kept + [-1] * (small_height - len(kept))}, old, small_height, work)
    new = load_result(cls, target)
    expected = load(trimmed(doc, kept))
    mine = Tokenizer.from_file(str(target / "tokenizer.json"))
    assert encode_all(mine) == encode_all(expected), name
    if auto_agrees:
        assert [AutoTokenizer.from_pretrained(target)(t)["input_ids"] for t in TEXTS] == [e[1] for e in encode_all(expected)], name
    ids = [i for i in plain if i in place] or kept[:5]
    want, got = run_model(old, ids)[:, kept], run_model(new, [place[i] for i in ids])
    assert got.shape[1] == small_height
    assert torch.equal(got[:, :len(kept)], want), name
    for key in ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id"):
        was, now = getattr(old.config, key, None), getattr(new.config, key, None)
        if isinstance(was, list):
            assert now == [place[i] for i in was if i in place], (name, key)
        elif was is not None and 0 <= was < size:
            assert now == place.get(was), (name, key, was, now)

    # replacement, by a tokenizer of another kind
    other = document("gpt2" if name != "gpt2" else "llama3")
    target = work / (name + "_replaced")
    (work / "other.json").write_text(json.dumps(other, ensure_ascii=False))
    rows, said = edit(program, source, target, {"replace": str(work / "other.json"), "from": [-1] * size_of(other)}, old, 0, work)
    new = load_result(cls, target)
    assert torch.equal(new.get_input_embeddings().weight, rows["input"])
    # For some families AutoTokenizer takes their own class whatever the directory says.
    tokenizer = (PreTrainedTokenizerFast if name == "qwen2_padded" else AutoTokenizer).from_pretrained(target)
    assert [tokenizer(t)["input_ids"] for t in TEXTS] == [e[1] for e in encode_all(load(other))], name + " replaced"
    print(f"{name}: {height} rows -> {new_height} added, {small_height} kept, {size_of(other)} replaced; ids and logits agree"
          + ("" if auto_agrees else " (AutoTokenizer does not read the source as tokenizers does)"))


def check_sentencepiece(program, work):
    """A Llama directory with a SentencePiece model beside tokenizer.json: the rewritten one must agree with SentencePiece's own ids."""
    import sentencepiece as spm
    from transformers import LlamaConfig, LlamaForCausalLM
    from transformers.convert_slow_tokenizer import generate_merges
    from sentencepiece import sentencepiece_model_pb2 as pb
    proto = pb.ModelProto()
    proto.ParseFromString((GOLDEN / "pieces.model").read_bytes())
    vocab = {p.piece: i for i, p in enumerate(proto.pieces)}
    scores = {p.piece: p.score for p in proto.pieces}
    merges = [list(m) for m in generate_merges({p.piece: i for i, p in enumerate(proto.pieces) if p.type == 1}, scores)]
    flags = dict(single_word=False, lstrip=False, rstrip=False, normalized=False, special=True)
    doc = {"version": "1.0", "truncation": None, "padding": None,
           "added_tokens": [dict(id=i, content=proto.pieces[i].piece, **flags) for i in range(3)] +
                           [dict(id=len(vocab), content="<|user|>", **flags), dict(id=len(vocab) + 1, content="lagom!", **{**flags, "special": False})],
           "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"},
                                                              {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]},
           "pre_tokenizer": None, "post_processor": None,
           "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "},
                                                        {"type": "ByteFallback"}, {"type": "Fuse"},
                                                        {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
           "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
                     "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
                     "vocab": vocab, "merges": merges}}
    source = work / "sentencepiece"
    model = LlamaForCausalLM(LlamaConfig(vocab_size=size_of(doc), hidden_size=8, intermediate_size=8, num_hidden_layers=1,
                                         num_attention_heads=1))
    model.save_pretrained(source)
    (source / "tokenizer.json").write_text(json.dumps(doc, ensure_ascii=False))
    shutil.copy(GOLDEN / "pieces.model", source / "tokenizer.model")
    texts = [" ".join(t.split()) for t in TEXTS if t.strip() and "<" not in t and "\u2581" not in t]

    def compare(target, name):
        sp = spm.SentencePieceProcessor(model_file=str(target / "tokenizer.model"))
        hf = load(json.loads((target / "tokenizer.json").read_text()))
        assert sp.get_piece_size() == hf.get_vocab_size(), name
        same = sum(sp.encode(t) == hf.encode(t, add_special_tokens=False).ids for t in texts)
        print(f"sentencepiece {name}: {same} of {len(texts)} texts have the ids of tokenizer.json, {sp.get_piece_size()} pieces")
        return same
    before = sum(spm.SentencePieceProcessor(model_file=str(source / "tokenizer.model")).encode(t) ==
                 load(doc).encode(t, add_special_tokens=False).ids for t in texts)
    more = addition(doc, 20)
    size = size_of(doc)
    edit(program, source, work / "sentencepiece_added", {"add": more, "from": list(range(size)) + [-1] * len(more["tokens"])}, model, 0, work)
    assert compare(work / "sentencepiece_added", "added") >= before - 1
    kept = kept_ids(doc, random.Random(5))
    kept = [i for i in kept if i < len(vocab)]
    edit(program, source, work / "sentencepiece_kept", {"keep": kept, "from": kept}, model, 0, work)
    assert compare(work / "sentencepiece_kept", "kept") >= before - 1


def check_reserved(program, work):
    """Tokens that only tokenizer_config.json and config.json know: transformers gives them the ids and the rows that it gave them before."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM
    doc = document("gpt2")
    size = size_of(doc)
    source = work / "reserved"
    model = LlamaForCausalLM(LlamaConfig(vocab_size=size + 8, hidden_size=8, intermediate_size=8, num_hidden_layers=1,
                                         num_attention_heads=1, pad_token_id=size, tie_word_embeddings=True,
                                         bos_token_id=None, eos_token_id=[0, size + 2]))
    model.save_pretrained(source)
    (source / "tokenizer.json").write_text(json.dumps(doc, ensure_ascii=False))
    flags = dict(lstrip=False, rstrip=False, normalized=False, single_word=False, special=True)
    (source / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "<pad>", "sep_token": "<sep>",
        "added_tokens_decoder": {str(size): dict(content="<pad>", **flags)}}))
    text = "a <pad> b<sep>c"
    before = AutoTokenizer.from_pretrained(source)
    ids = before(text)["input_ids"]
    assert (before.pad_token_id, before.sep_token_id) == (size, size + 1) and {size, size + 1} <= set(ids)
    rows = model.get_input_embeddings().weight

    more = addition(doc, 5)
    more["tokens"] = [[n + 3, t, score] for n, t, score in more["tokens"]]  # <pad>, <sep>, and an id of config.json
    edit(program, source, work / "reserved_added", {"add": more, "from": list(range(size + 3)) + [-1] * 5}, model, 0, work)
    kept = [i for i in range(size) if i % 3 or i in kept_ids(doc, random.Random(1), all_added=True)] + [size, size + 1, size + 2]
    edit(program, source, work / "reserved_kept", {"keep": kept, "from": kept}, model, 0, work)
    for name, place in (("reserved_added", {i: i for i in range(size + 3)}), ("reserved_kept", {o: i for i, o in enumerate(kept)})):
        new, auto = load_result(LlamaForCausalLM, work / name), AutoTokenizer.from_pretrained(work / name)
        assert (auto.pad_token_id, auto.sep_token_id) == (place[size], place[size + 1]), name
        assert new.config.pad_token_id == place[size] and new.config.eos_token_id[-1] == place[size + 2], name
        assert len(auto) <= new.config.vocab_size and max(auto.get_vocab().values()) < new.config.vocab_size, name
        for id in (size, size + 1, size + 2):
            assert torch.equal(new.get_input_embeddings().weight[place[id]], rows[id]), (name, id)
        assert auto("<pad>x<sep>")["input_ids"][0] == place[size], name
        assert auto.add_tokens(["<one more>"]) == 1 and auto.convert_tokens_to_ids("<one more>") == len(auto) - 1, name
    print("reserved ids: kept by expansion and trimming, as transformers numbers them")


def check(program):
    import transformers
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        for family in families(document):
            check_family(family, program, work)
        check_sentencepiece(program, work)
        check_reserved(program, work)
    print("all agree")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=["check", "golden"])
    parser.add_argument("program", nargs="?", help="the compiled tests/oracle/tools/edit_model.cpp")
    arguments = parser.parse_args()
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    golden() if arguments.task == "golden" else check(os.path.abspath(arguments.program))
