#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Golden data of tests/io/tokenizer_json_test.cpp, made by Hugging Face tokenizers (PyPI: tokenizers 0.23).

Writes into tests/oracle/golden/tokenizers/:
  <name>.json     tokenizers of the known families' structure, trained on text that this script makes up
  texts.json      the texts: plain, multilingual, hostile
  expected.json   a list a tokenizer: for each text [ids, ids with special tokens, decoded, decoded without special
                  tokens]; 0 stands for "the same as the one before" (the first decoding is compared with the text);
                  for each text a hash of ids and offsets; then decodings of ids put together at random
  unicode.json    hashes of the library's answers on every code point: classes, normalization forms, lower case
  outside.json    (only with --data) number of tokens and a hash of all ids, for tokenizers and texts that are not here

Deterministic: no clock, no random source but its own; run it again and nothing changes.
"""
import argparse
import json
import os

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "golden", "tokenizers")


class Lcg:
    """A small random source that is the same in every Python."""

    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % n

    def pick(self, items):
        return items[self.below(len(items))]


# ---- texts ---------------------------------------------------------------------------------------------------------

WORDS = (
    "the of and in that it's we're they'll don't I'd you've she'd time people water because number language model "
    "lagom just enough nothing more less than token merge rank layer stops early der die und nicht möglich größer "
    "Straße où ça déjà été élève niño mañana São não ação je bilo čovjek žena właśnie być için değil görünüş на что "
    "не быть человек время και το είναι γλώσσα κόσμος नहीं भाषा पानी समय है ভাষা தமிழ் ภาษาไทย ជា 日本語 の テスト 言語 中文 "
    "模型 한국어 언어 العربية لغة عبرית עברית na ya kwa lugha maji watu sana habari 12 345 6789 1,000.50 2024 3.14"
).split()


def sentence(lcg, n):
    out = []
    for _ in range(n):
        word = lcg.pick(WORDS)
        if lcg.below(9) == 0:
            word = word.capitalize()
        if lcg.below(12) == 0:
            word += lcg.pick([",", ".", "!", "?", ";", ":", "...", "?!", " -", '"'])
        out.append(word)
    return " ".join(out)


def corpus():
    lcg = Lcg(1)
    lines = [sentence(lcg, 12) for _ in range(700)]
    lines += ["def f(x):\n    return x + 1\n\n", "    if a == b:\n\t\tpass\r\n", "x = {'key': [1, 2, 3]}"] * 20
    return lines


PIECES = [
    " ", "  ", "   ", "\n", "\n\n", "\r\n", "\t", "\u00a0", "\u3000", "\u2028", "\u200b", "\u200d", "\ufeff", "\u180e",
    "\u0085", "\0", "\x1b", "\x7f", "a", "Z", "ab", "the", " The", "'s", "'S", "'ll", "'\u017f", "don't", "0", "12", "345",
    "6789", "\u0663\u0664", "\u00bd\u00b2", "\u2167", "\u0bf0", "!", "?!", "...", "--", "\u2014", "\u00bf", "\u3002", "\uff01",
    "$", "+=", "^", "`", "\u20ac", "\u00e9", "e\u0301", "\u00c5", "\u212b", "A\u030a", "\ufb01", "\ufdfa", "\u1e9b\u0323",
    "q\u0307\u0323", "\u0323\u0307", "\u0130", "\u03a3\u03c2", "\u1e9e", "\u01c5", "\u1100\u1161\u11a8", "\uac01", "\u4e2d\u6587",
    "\u65e5\u672c", "\ud55c\uad6d", "\u0928\u0940", "\u0e20\u0e32", "\u0639\u0644", "\U0001f600", "\U0001f468\u200d\U0001f469",
    "\U0001f3fd", "\U0001f1eb\U0001f1ee", "\U0001fae8", "\u2640\ufe0f", "\U00020000", "\U00031350", "\U0010ffff", "\ue000",
    "\ufffd", "\u0d4d", "\U00011f00", "\u20dd", "<s>", "</s>", "<mask>", "<unk>", "<0x41>", "<|endoftext|>", "<|end",
    "<0xZZ>", "\u2581", "\u2581\u2581", "##a", "</w>", "\u0120", "\u0120the", "\u0100", "\u00ad", "_", "a_b", "1.5e-3", "http://x.y/z?q=1",
]


def texts():
    out = [
        "", " ", "  ", "a", " a", "a ", "  leading", "trailing  ", "a  b   c    d", "\n", "\r\n\r\n", "line\nline\r\nline\rline",
        "\t\ttabs\t", "Hello world! It's 12345 tokens, isn't it?", "I'M YOU'RE WE'VE they'd 'tis 's't",
        "The quick brown fox jumps over the lazy dog.", "Der Fluß ist größer als 1.000,50 €.", "Ça n'était pas où l'on croyait.",
        "Быть или не быть — вот в чём вопрос.", "Η γλώσσα του κόσμου είναι ΌΜΟΡΦΗ.", "भाषा का समय नहीं है।", "தமிழ் மொழி ภาษาไทย ភាសា",
        "日本語のテスト、中文模型。한국어 언어", "العربية لغة جميلة ١٢٣٤ עברית", "Habari ya asubuhi, watu wangu!",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 \U0001f44d\U0001f3fd \U0001f1eb\U0001f1ee \u2764\ufe0f\U0001fae8\U0001fa77",
        "e\u0301 \u00e9 \u0041\u030a\u00c5\u212b \ufb01\ufb03 \u1e9b\u0323 q\u0323\u0307 q\u0307\u0323 \u1100\u1161\u11a8\uac01",
        "zero\u200bwidth\u200d\u200cjoin\ufeffbom\u00adsoft\u2060", "\0\x01\x02\x1b[0m\x7f\x80\x85\x9f", "\u00a0nbsp\u00a0\u202fnarrow\u3000wide\u180emvs",
        "x" * 70, "ab" * 30, " " * 60, "\n" * 20, "9" * 16, "!" * 17, "\u0301" * 6, "中" * 18, "\U0001f600" * 5, "aA" * 25 + "  " * 9 + "b",
        "def f(x):\n    if x == 1:\n        return 'a'  # note\n\n\n    return {\"k\": [1, 2.5, -3]}\n",
        "<s>text</s>", " <s> text </s> ", "a<mask>b <mask> c  <mask>  d", "<|endoftext|><|endoftext|>x", "<|start|> <|start|>x<|stop|>  y",
        "<unk> <pad> <0x41> <0xFF>", "\u2581the\u2581 \u2581", "Ġthe Ġ Ċ ĉ", "wordalone alone aloneword alone.alone _alone alone_ éalone",
        "lefty  lefty\tlefty righty  righty\n\nrighty both both  both", "DAY day Day DaY daytime", "caf\u00e9 cafe\u0301 CAFE\u0301 CAF\u00c9",
        "tok tok2 tok22 toktok tok  2", "a</w> b</w>", "1234567890 12 345,678.90 1st 2nd \u0661\u0662\u0663 \u00bd\u00b3 \u2167",
        "mixed 中文English한국어русский123العربية", "\u0130stanbul \u0131 \u03a3\u0391\u03a3 \u1e9e \ufb06 \u01c4", "$100 + 5 = ^x^ `y` |z| ~ <> £5 ₿",
    ]
    lcg = Lcg(2)
    out += ["".join(lcg.pick(PIECES) for _ in range(5 + lcg.below(10))) for _ in range(32)]
    out += [sentence(lcg, 5 + lcg.below(5)) for _ in range(3)]
    return out


# ---- tokenizers ----------------------------------------------------------------------------------------------------

CL100K = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
GPT4 = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
)
QWEN2 = CL100K.replace(r"\p{N}{1,3}", r"\p{N}")
O200K = "|".join([
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+",
])
KIMI = "|".join([
    r"[\p{Han}]+", r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+",
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+",
])
DEEPSEEK3 = (
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
BLOOM = " ?[^(\\s|[.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c])]+"


def special(text, **kw):
    return AddedToken(text, special=True, normalized=False, **kw)


def split(pattern, behavior="isolated", invert=False):
    return pre_tokenizers.Split(Regex(pattern), behavior, invert)


def byte_level(**kw):
    return pre_tokenizers.ByteLevel(**{"add_prefix_space": False, **kw})


def learn(words, count, prefix, suffix, longest):
    """BPE merges of counted pieces. The library's trainer breaks ties by chance; here the first pair in order wins."""
    rows = []
    for word, n in sorted(words.items()):
        units = [c if i == 0 else prefix + c for i, c in enumerate(word)]
        units[-1] += suffix
        rows.append((units, n))
    merges = []
    while len(merges) < count:
        pairs = {}
        for units, n in rows:
            for pair in zip(units, units[1:]):
                pairs[pair] = pairs.get(pair, 0) + n
        pairs = {p: n for p, n in pairs.items() if len(p[0]) + len(p[1]) - len(prefix) <= longest}
        if not pairs:
            break
        left, right = min(pairs, key=lambda p: (-pairs[p], p))
        merges.append((left, right))
        joined = left + right[len(prefix):]
        for units, _ in rows:
            i = 0
            while i + 1 < len(units):
                if units[i] == left and units[i + 1] == right:
                    units[i:i + 2] = [joined]
                i += 1
    return merges


def train(pre, normalizer=None, merges=100, specials=(), letters=None, longest=16, **options):
    """A tokenizer with specials, then letters (all bytes, or the most frequent characters), then merged tokens."""
    prefix, suffix = options.get("continuing_subword_prefix") or "", options.get("end_of_word_suffix") or ""
    words, characters = {}, {}
    for line in corpus() if pre is not None else corpus()[:150]:
        line = normalizer.normalize_str(line) if normalizer is not None else line
        for word, _ in pre.pre_tokenize_str(line) if pre is not None else [(line, None)]:
            words[word] = words.get(word, 0) + 1
            for c in word:
                characters[c] = characters.get(c, 0) + 1
    if letters is None:
        alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    else:
        alphabet = sorted(sorted(characters, key=lambda c: (-characters[c], c))[:letters])
        words = {w: n for w, n in words.items() if all(c in alphabet for c in w)}
    learned = learn(words, merges, prefix, suffix, longest)
    spelled = list(specials) + alphabet
    spelled += [p + c + e for p in {"", prefix} for e in {"", suffix} for c in alphabet if p + e]
    spelled = list(dict.fromkeys(sorted(spelled, key=lambda t: (t not in specials, len(t) > 1)) +
                                 [left + right[len(prefix):] for left, right in learned]))
    model = models.BPE(vocab={t: i for i, t in enumerate(spelled)}, merges=learned, **options)
    tok = Tokenizer(model)
    if normalizer is not None:
        tok.normalizer = normalizer
    if pre is not None:
        tok.pre_tokenizer = pre
    tok.add_special_tokens([special(t) for t in specials])
    return tok


def document(tok):
    return json.loads(tok.to_str())


def legacy_merges(doc):
    doc["model"]["merges"] = [" ".join(m) for m in doc["model"]["merges"]]
    return doc


def with_bytes(tok, missing=(), first=("<unk>", "<s>", "</s>")):
    """The model with special tokens and the 256 byte tokens in front."""
    doc = document(tok)
    front = list(first) + ["<0x%02X>" % b for b in range(256) if b not in missing]
    old = [t for t, _ in sorted(doc["model"]["vocab"].items(), key=lambda x: x[1]) if t not in front]
    doc["model"]["vocab"] = {t: i for i, t in enumerate(front + old)}
    doc["model"].update(byte_fallback=True, unk_token="<unk>", fuse_unk=True)
    return doc


def added(doc, *tokens):
    """Adds tokens the way the library does, so that the ids are its own."""
    tok = Tokenizer.from_str(json.dumps(doc))
    for t in tokens:
        (tok.add_special_tokens if t.special else tok.add_tokens)([t])
    return json.loads(tok.to_str())


def llama_decoder(strip=True):
    steps = [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
    return decoders.Sequence(steps + ([decoders.Strip(" ", 1, 0)] if strip else []))


def template(single, tokens):
    return processors.TemplateProcessing(single=single, pair=single + " $B:1", special_tokens=tokens)


def family_gpt2():
    tok = train(byte_level(), specials=["<|endoftext|>"], merges=150)
    tok.post_processor = processors.ByteLevel(trim_offsets=False)
    tok.decoder = decoders.ByteLevel()
    doc = legacy_merges(document(tok))
    doc["pre_tokenizer"].pop("use_regex")
    doc["model"].update(continuing_subword_prefix="", end_of_word_suffix="")
    doc["model"].pop("ignore_merges")
    return doc


def family_roberta():
    tok = train(byte_level(add_prefix_space=True), specials=["<s>", "<pad>", "</s>", "<unk>"])
    tok.add_special_tokens([special("<mask>", lstrip=True)])
    tok.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=True)
    tok.decoder = decoders.ByteLevel()
    doc = legacy_merges(document(tok))
    doc["model"].pop("type")
    return doc


def family_llama3():
    pre = pre_tokenizers.Sequence([split(CL100K), byte_level(use_regex=False)])
    doc = document(train(pre, merges=130))
    vocab = doc["model"]["vocab"]
    for whole in ["Ġlanguage", "number", "ĠвÑĢÐµÐ¼Ñı", "æĹ¥æľ¬", "ĠĠĠ", "Ġdid"]:  # tokens that no merge makes
        vocab.setdefault(whole, len(vocab))
    doc["model"]["ignore_merges"] = True
    doc = added(doc, special("<s>"), special("<|endoftext|>"), special("<|start|>"), special("<|stop|>"))
    tok = Tokenizer.from_str(json.dumps(doc))
    bos = tok.token_to_id("<s>")
    tok.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), template("<s> $A", [("<s>", bos)])])
    tok.decoder = decoders.ByteLevel()
    return document(tok)


def family_qwen2():
    pre = pre_tokenizers.Sequence([split(QWEN2), byte_level(use_regex=False)])
    tok = train(pre, normalizers.NFC())
    tok.add_tokens([AddedToken("<|endoftext|>", normalized=False), AddedToken("tok2", normalized=False)])
    tok.add_special_tokens([special("<|start|>"), special("<|stop|>")])
    tok.post_processor = processors.ByteLevel(trim_offsets=False)
    tok.decoder = decoders.ByteLevel()
    return document(tok)


def family_falcon():
    steps = [pre_tokenizers.Punctuation("contiguous"), byte_level(), pre_tokenizers.Digits(False), split("[0-9][0-9][0-9]")]
    tok = train(pre_tokenizers.Sequence(steps), specials=["<|endoftext|>", ">>TITLE<<"])
    tok.decoder = decoders.ByteLevel()
    return legacy_merges(document(tok))


def family_smollm():
    pre = pre_tokenizers.Sequence([pre_tokenizers.Digits(True), byte_level(use_regex=True)])
    tok = train(pre, specials=["<|endoftext|>", "<|start|>", "<|stop|>"])
    tok.decoder = decoders.ByteLevel()
    return document(tok)


def family_neox():
    tok = train(byte_level(use_regex=True), normalizers.NFC(), specials=["<|endoftext|>", "<|padding|>"])
    tok.add_tokens([AddedToken(" " * n) for n in range(12, 1, -1)] + [AddedToken("\t\t"), AddedToken("Å")])
    tok.post_processor = template("$A <|endoftext|>", [("<|endoftext|>", 0)])
    tok.decoder = decoders.ByteLevel()
    return document(tok)


def llama2_base():
    normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    return train(None, normalizer, merges=120, letters=120, longest=10)


def family_llama2():
    doc = legacy_merges(with_bytes(llama2_base()))
    tok = Tokenizer.from_str(json.dumps(doc))
    tok.add_special_tokens([special("<unk>"), special("<s>"), special("</s>")])
    tok.post_processor = template("<s> $A", [("<s>", 1)])
    tok.decoder = llama_decoder()
    return legacy_merges(document(tok))


def family_phi3():
    """Llama-2 with added tokens in, and above, the vocabulary, some of which take the space after them."""
    doc = added(with_bytes(llama2_base()), special("<unk>"), special("<s>"),
                AddedToken("</s>", rstrip=True, normalized=False), special("<|endoftext|>"),
                special("<|start|>", rstrip=True), special("<|stop|>", rstrip=True), AddedToken("\u2581lagom"))
    tok = Tokenizer.from_str(json.dumps(doc))
    tok.post_processor = template("$A", [])
    tok.decoder = llama_decoder()
    return document(tok)


def metaspace_base(**kw):
    return train(pre_tokenizers.Metaspace("\u2581", "always", True), merges=110, letters=110, **kw)


def family_mistral():
    doc = with_bytes(metaspace_base())
    tok = Tokenizer.from_str(json.dumps(doc))
    tok.pre_tokenizer = pre_tokenizers.Metaspace("\u2581", "first", False)
    tok.add_special_tokens([special("<unk>"), special("<s>"), special("</s>")])
    tok.add_tokens([AddedToken("tok"), AddedToken("day", single_word=True)])
    tok.post_processor = template("<s> $A </s>", [("<s>", 1), ("</s>", 2)])
    tok.decoder = llama_decoder()
    return document(tok)


def family_metaspace():
    """Characters and no byte tokens: the unknown token, one a character."""
    tok = metaspace_base(specials=["<unk>", "<s>", "</s>"], unk_token="<unk>")
    tok.decoder = decoders.Metaspace("\u2581", "always", True)
    return document(tok)


def family_metaspace_never():
    tok = metaspace_base(specials=["<unk>", "<s>", "</s>"], unk_token="<unk>", fuse_unk=True)
    tok.pre_tokenizer = pre_tokenizers.Sequence(
        [split(r"\p{N}+", "merged_with_previous"), pre_tokenizers.Metaspace("\u2581", "never", True)])
    tok.decoder = decoders.Metaspace("\u2581", "never", True)
    return document(tok)


def family_metaspace_legacy():
    """The option names of older files, a prefix in the first place only, and spaces that go before it does."""
    tok = metaspace_base(specials=["<unk>"], unk_token="<unk>")
    tok.normalizer = normalizers.Sequence([normalizers.Strip(True, False), normalizers.Replace(Regex(" {2,}"), "\u2581")])
    doc = document(tok)
    doc["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": "[.,!?]"}, "behavior": "MergedWithPrevious", "invert": False},
        {"type": "Metaspace", "replacement": "\u2581", "str_rep": "\u2581", "add_prefix_space": True,
         "prepend_scheme": "first"}]}
    doc["decoder"] = {"type": "Metaspace", "replacement": "\u2581", "add_prefix_space": True}
    return doc


def family_gemma():
    normalizer = normalizers.Replace(" ", "\u2581")
    tok = train(None, normalizer, merges=120, letters=120, longest=10)
    tok = Tokenizer.from_str(json.dumps(with_bytes(tok, first=("<pad>", "<eos>", "<bos>", "<unk>", "<mask>"))))
    tok.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tok.add_special_tokens([special(t) for t in ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>")])
    tok.add_tokens([AddedToken("\n" * n, normalized=False) for n in range(2, 8)])
    tok.post_processor = template("<bos> $A", [("<bos>", 2)])
    tok.decoder = llama_decoder(strip=False)
    return document(tok)


def family_partial_bytes():
    """Some byte tokens are missing: what lacks one becomes unknown, and waits behind byte tokens."""
    tok = metaspace_base()
    doc = with_bytes(tok, missing=set(range(0x80, 0xA0)) | {0xE4})
    doc["decoder"] = {"type": "ByteFallback"}
    doc["model"]["fuse_unk"] = False
    return doc


def family_flags():
    """Added tokens with every flag, over a normalizer that changes much."""
    steps = [normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase(), normalizers.Strip(True, True)]
    tok = train(byte_level(), normalizers.Sequence(steps), merges=70)
    tok.add_tokens([
        AddedToken("alone", single_word=True), AddedToken("lefty", lstrip=True), AddedToken("righty", rstrip=True),
        AddedToken("both", lstrip=True, rstrip=True, normalized=False), AddedToken("Day"), AddedToken("CAF\u00c9"),
        AddedToken("tok", single_word=True, normalized=False), AddedToken("tok2", normalized=False), AddedToken("tok22"),
        AddedToken("DAY", normalized=False), AddedToken("\u65e5\u672c")])
    tok.add_special_tokens([special("<mask>", lstrip=True, rstrip=True), AddedToken("<S>", special=True, normalized=True),
                            special("<unk>", single_word=True), special(" </s>")])
    tok.post_processor = processors.BertProcessing(("<mask>", tok.token_to_id("<mask>")), ("<unk>", tok.token_to_id("<unk>")))
    tok.decoder = decoders.ByteLevel()
    return document(tok)


def family_clip():
    normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    words = split(r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+", "removed", True)
    tok = train(pre_tokenizers.Sequence([words, byte_level()]), normalizer, specials=["<|startoftext|>", "<|endoftext|>"],
                unk_token="<|endoftext|>", end_of_word_suffix="</w>", continuing_subword_prefix="")
    tok.post_processor = processors.RobertaProcessing(("<|endoftext|>", 1), ("<|startoftext|>", 0), add_prefix_space=False)
    tok.decoder = decoders.ByteLevel()
    return legacy_merges(document(tok))


def family_prefix():
    """"##" before what continues a word, as WordPiece spells it."""
    tok = train(pre_tokenizers.Whitespace(), normalizers.NFKC(), merges=120, letters=120, specials=["[UNK]"],
                unk_token="[UNK]", continuing_subword_prefix="##")
    return document(tok)


def family_suffix():
    steps = [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("merged_with_next")]
    tok = train(pre_tokenizers.Sequence(steps), normalizers.NFKD(), merges=120, letters=100, specials=["<unk>"],
                unk_token="<unk>", fuse_unk=True, end_of_word_suffix="</w>")
    tok.decoder = decoders.BPEDecoder("</w>")
    return document(tok)


def family_spaces():
    """No pre-tokenizer: tokens have spaces in them, which merges as texts cannot say."""
    tok = train(None, merges=120, letters=120, longest=8, specials=["<unk>"], unk_token="<unk>", fuse_unk=True)
    tok.decoder = decoders.Fuse()
    return document(tok)


def patterns(*steps):
    """The byte-level vocabulary of all the families below is one and the same."""
    tok = train(byte_level(), merges=70)
    tok.pre_tokenizer = pre_tokenizers.Sequence(list(steps))
    tok.decoder = decoders.ByteLevel()
    return document(tok)


def family_gpt4():
    return patterns(split(GPT4, "removed", True), byte_level(use_regex=False))


def family_o200k():
    return patterns(split(O200K), byte_level(use_regex=False))


def family_kimi():
    return patterns(split(KIMI), byte_level(use_regex=False))


def family_deepseek3():
    return patterns(split(r"\p{N}{1,3}"), split("[一-龥\u3040-ゟ゠-ヿ]+"), split(DEEPSEEK3), byte_level(use_regex=False))


def family_deepseek_coder():
    return patterns(
        split(r"[\r\n]"), split(r"\s?\p{L}+"), split(r"\s?\p{P}+"), split("[一-龥ࠀ-一가-퟿]+"), split(r"\s+$"),
        pre_tokenizers.Digits(True), byte_level(use_regex=False))


def family_bloom():
    return patterns(split(BLOOM), byte_level(use_regex=False))


def family_command_r():
    return patterns(pre_tokenizers.Digits(True), byte_level(add_prefix_space=True))


def family_splits():
    """The behaviours, one after the other, and delimiters that go."""
    return patterns(
        pre_tokenizers.CharDelimiterSplit("|"), split(r"\b_?the_?\b", "contiguous"), split(r"(?m:a.b)|^x|y$|\w'\w", "merged_with_next"),
        pre_tokenizers.Split("...", "contiguous"), split(r"\d{2,}?|\S\S(?<=[A-Z]{2})", "merged_with_previous", True),
        pre_tokenizers.Split("\u4e2d", "removed"), pre_tokenizers.Punctuation("merged_with_previous"), byte_level(add_prefix_space=True))


def family_letters():
    """Steps after ByteLevel look at the letters that stand for bytes."""
    return patterns(byte_level(), split("\u0120", "merged_with_next"), pre_tokenizers.Whitespace(), pre_tokenizers.Punctuation(),
                    pre_tokenizers.Digits(True), split(r"\w\w", "contiguous"))


def words_of(normalizer, pre):
    """Counted pieces of the corpus."""
    words = {}
    for line in corpus():
        for word, _ in pre.pre_tokenize_str(normalizer.normalize_str(line) if normalizer is not None else line):
            words[word] = words.get(word, 0) + 1
    return words


def word_pieces(normalizer, specials, merges=150, longest=100):
    """WordPiece: letters at the begin and inside of words, then what merging them makes."""
    pre = pre_tokenizers.BertPreTokenizer()
    words = words_of(normalizer, pre)
    letters = sorted({c for w in words for c in w if words[w] > 3})
    known = {w: n for w, n in words.items() if all(c in letters for c in w)}
    learned = [left + right[2:] for left, right in learn(known, merges, "##", "", 12)]
    spelled = list(dict.fromkeys(list(specials) + letters + ["##" + c for c in letters] + learned))
    tok = Tokenizer(models.WordPiece({t: i for i, t in enumerate(spelled)}, unk_token="[UNK]", max_input_chars_per_word=longest))
    tok.normalizer = normalizer
    tok.pre_tokenizer = pre
    tok.decoder = decoders.WordPiece("##", True)
    tok.add_special_tokens([special(t) for t in specials])
    return tok


BERT = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def family_bert():
    tok = word_pieces(normalizers.BertNormalizer(True, True, None, True), BERT)
    tok.post_processor = template("[CLS] $A [SEP]", [("[CLS]", 2), ("[SEP]", 3)])
    return document(tok)


def family_bert_cased():
    tok = word_pieces(normalizers.BertNormalizer(True, True, None, False), BERT, longest=12)
    tok.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tok.decoder = decoders.WordPiece("##", False)
    doc = document(tok)
    doc["model"].pop("type")
    return doc


def family_bert_accents():
    """Accents off, case and ideographs left alone."""
    return document(word_pieces(normalizers.BertNormalizer(False, False, True, False), BERT, merges=40))


def family_word_level():
    normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.Lowercase()])
    pre = pre_tokenizers.Sequence([pre_tokenizers.BertPreTokenizer(), pre_tokenizers.FixedLength(4)])
    words = words_of(normalizer, pre)
    spelled = ["[UNK]", "<pad>", "|"] + sorted(w for w in words if words[w] > 20 and w != "|")
    tok = Tokenizer(models.WordLevel({t: i for i, t in enumerate(spelled)}, unk_token="[UNK]"))
    tok.normalizer, tok.pre_tokenizer, tok.decoder = normalizer, pre, decoders.CTC("<pad>", "|", True)
    return document(tok)


def family_byte_normalizer():
    """Bytes become letters before the model, which is one of characters."""
    tok = train(pre_tokenizers.Split(Regex("Ġ?[^Ġ]+"), "isolated"), normalizers.ByteLevel(), letters=250)
    tok.decoder = decoders.ByteLevel()
    return document(tok)


def family_unigram():
    """A piece a frequent part of a word, with scores that do not fit doubles."""
    normalizer = normalizers.NFKC()
    pre = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace("▁", "always", True)])
    words = words_of(normalizer, pre)
    parts = {}
    for word, n in words.items():
        for i in range(len(word)):
            for j in range(i + 1, min(len(word), i + 6) + 1):
                parts[word[i:j]] = parts.get(word[i:j], 0) + n
    ranked = sorted(parts, key=lambda p: (-parts[p] * len(p), p))[:320]
    scores = [(p, -1.0 - i / 7.3 / (1 + len(p))) for i, p in enumerate(ranked)]
    tok = Tokenizer(models.Unigram([("<unk>", 0.0), ("<s>", 0.0), ("</s>", 0.0)] + scores, unk_id=0))
    tok.normalizer, tok.pre_tokenizer, tok.decoder = normalizer, pre, decoders.Metaspace("▁", "always", True)
    tok.add_special_tokens([special("<s>"), special("</s>")])
    tok.post_processor = template("<s> $A </s>", [("<s>", 1), ("</s>", 2)])
    return document(tok)


FAMILIES = {n[len("family_"):]: f for n, f in list(globals().items()) if n.startswith("family_")}


# ---- expectations --------------------------------------------------------------------------------------------------

def fnv(data, state=0xCBF29CE484222325):
    for byte in data:
        state = ((state ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return state


def offsets_hash(encoding, state=0xCBF29CE484222325):
    numbers = [n for i, (begin, end) in zip(encoding.ids, encoding.offsets) for n in (i, begin, end)]
    return fnv(b"".join(n.to_bytes(4, "little") for n in numbers), state)


def expectations(tok, all_texts):
    rows, offsets = [], []
    for text in all_texts:
        encoding = tok.encode(text, add_special_tokens=False)
        plain = encoding.ids
        offsets.append("%08x" % (offsets_hash(encoding) & 0xFFFFFFFF))
        whole = tok.encode(text, add_special_tokens=True).ids
        keep = tok.decode(whole, skip_special_tokens=False)
        skip = tok.decode(whole, skip_special_tokens=True)
        rows.append([plain, 0 if whole == plain else whole, 0 if keep == text else keep, 0 if skip == keep else skip])
    lcg = Lcg(3)
    size = max(tok.get_vocab(True).values()) + 1
    mixed = []
    for n in range(10):
        ids = [lcg.below(size + (3 if n == 0 else 0)) for _ in range(1 + lcg.below(12))]
        keep, skip = tok.decode(ids, skip_special_tokens=False), tok.decode(ids, skip_special_tokens=True)
        mixed.append([ids, keep, 0 if skip == keep else skip])
    return {"texts": rows, "offsets": offsets, "decode": mixed}


def outside_tokenizers(folder):
    names = ["phi2_codegen", "phi3_mini", "falcon", "sw_bpe50k", "sw_xlmr_unigram50k"]
    for name in [n + "_tokenizer.json" for n in names]:
        yield name, Tokenizer.from_file(os.path.join(folder, "tokenizers", name))
    from transformers import GPT2Tokenizer

    files = [os.path.join(folder, "tokenizers", "gpt2_" + n) for n in ("encoder.json", "vocab.bpe")]
    yield "gpt2_vocab.bpe", GPT2Tokenizer(vocab=files[0], merges=files[1]).backend_tokenizer


def outside(folder):
    rows = []
    for name, tok in outside_tokenizers(folder):
        for text in sorted(os.listdir(os.path.join(folder, "text"))):
            if not text.endswith(".txt"):
                continue
            with open(os.path.join(folder, "text", text), encoding="utf-8", newline="") as f:
                lines = f.read().split("\n")
            count, state, offsets = 0, fnv(b""), fnv(b"")
            for line in lines:
                ids = tok.encode(line, add_special_tokens=True).ids
                count += len(ids)
                state = fnv(b"".join(i.to_bytes(4, "little") for i in ids + [0xFFFFFFFF]), state)
                offsets = offsets_hash(tok.encode(line, add_special_tokens=False), offsets)
            rows.append({"tokenizer": name, "text": text, "lines": len(lines), "tokens": count,
                         "fnv1a": "%016x" % state, "offsets": "%016x" % offsets})
    return rows


def unicode_answers():
    """What the library says of every assigned code point, as hashes of ranges and of texts."""
    points = [c for c in range(0xE1000) if not 0xD800 <= c <= 0xDFFF and not 0x40000 <= c < 0xE0000]
    everything = "".join(map(chr, points))

    def ranges(kept):
        """Hash of the ranges of code points that a pre-tokenizer which removes its matches has removed."""
        out, at = [], 0
        for _, (begin, end) in kept + [("", (len(points), len(points)))]:
            for i in range(at, begin):
                if out and out[-1][1] == points[i] - 1:
                    out[-1][1] = points[i]
                else:
                    out.append([points[i], points[i]])
            at = end
        data = b"".join(x.to_bytes(4, "little") for r in out for x in r)
        return {"ranges": len(out), "fnv1a": "%016x" % fnv(data)}

    classes = {}
    names = ("L Lu Ll Lt Lm Lo M Me N Nd Nl No P Pc Pd Ps Pe Pi Pf Po S Sm Sc Sk So Z Zs Zl Zp Cc Cf Co Han Hiragana "
             "Katakana Hangul Latin Cyrillic Greek Thai Arabic Hebrew Devanagari Kannada Lao Myanmar").split()
    for pattern in [r"\p{%s}" % n for n in names] + [r"\s", r"\S", r"\d", r"\w", ".", "(?i:[sk])"]:
        classes[pattern] = ranges(split(pattern, "removed").pre_tokenize_str(everything))
    classes["Punctuation"] = ranges(pre_tokenizers.Punctuation("removed").pre_tokenize_str(everything))
    classes["WhitespaceSplit"] = ranges(pre_tokenizers.WhitespaceSplit().pre_tokenize_str(everything))

    texts_of = {}
    for name in ["NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents"]:
        normalizer = getattr(normalizers, name)()
        for context, (before, after) in {"alone": ("", ""), "after": ("a\u0301", ""), "before": ("a", "\u0334")}.items():
            if context != "alone" and not name.startswith("NF"):
                continue
            text = "".join(before + chr(c) + after + "\x01" for c in points)
            done = normalizer.normalize_str(text).encode()
            texts_of[name + " " + context] = {"bytes": len(done), "fnv1a": "%016x" % fnv(done)}
    return {"classes": classes, "texts": texts_of}


def write(name, value):
    path = os.path.join(GOLDEN, name)
    with open(path, "w", encoding="utf-8") as f:
        json.dump(value, f, ensure_ascii=False, separators=(",", ":"))
        f.write("\n")
    return os.path.getsize(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", metavar="DIR", help="the folder of outside data: also write outside.json")
    parser.add_argument("--only", metavar="NAME", action="append", choices=sorted(FAMILIES) + ["unicode", "outside"],
                        help="make these parts only (may be given several times)")
    options = parser.parse_args()
    os.makedirs(GOLDEN, exist_ok=True)
    wanted = lambda name: options.only is None or name in options.only  # noqa: E731
    all_texts = texts()
    total = write("texts.json", all_texts)
    expected = {}
    known = os.path.join(GOLDEN, "expected.json")
    if options.only is not None and os.path.exists(known):
        with open(known, encoding="utf-8") as f:
            expected = json.load(f)
    for name, make in FAMILIES.items():
        if wanted(name):
            doc = make()
            total += write(name + ".json", doc)
            expected[name] = expectations(Tokenizer.from_str(json.dumps(doc)), all_texts)
    total += write("expected.json", expected)
    if wanted("unicode"):
        total += write("unicode.json", unicode_answers())
    if options.data and wanted("outside"):
        total += write("outside.json", outside(options.data))
    print("%d tokenizers, %d texts, %d bytes written" % (len(expected), len(all_texts), total))


if __name__ == "__main__":
    main()
