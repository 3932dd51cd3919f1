#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Conversations as chat templates render them: golden/chat/conversations.tsv.

The templates are restated here from the formats that the models' makers publish, each for the turns of system, user and
assistant alone; they are not the files that ship with the models. What renders them is what Transformers'
apply_chat_template uses. Columns: family, whether an answer is asked for, rendered text, then role=text of each turn.
"""
from pathlib import Path

from transformers.utils.chat_template_utils import render_jinja_template

ALTERNATE = (
    "{% set rest = messages[1:] if messages[0].role == 'system' else messages %}"
    "{% for m in rest %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('turns') }}{% endif %}"
    "{% endfor %}"
)


def marked(before, end, after, names=("system", "user", "assistant"), begin="", trim=False):
    """Every turn in the same marks; {} in `before` is the role's name."""
    roles = dict(zip(("system", "user", "assistant"), names))
    head, tail = before.split("{}")
    text = "m.content | trim" if trim else "m.content"
    return (
        f"{{{{ {begin!r} }}}}{{% set names = {roles!r} %}}{{% for m in messages %}}"
        f"{{{{ {head!r} + names[m.role] + {tail!r} + {text} + {end!r} + {after!r} }}}}{{% endfor %}}"
        f"{{% if add_generation_prompt %}}{{{{ {head!r} + names['assistant'] + {tail!r} }}}}{{% endif %}}"
    )


TEMPLATES = {
    "chatml": marked("<|im_start|>{}\n", "<|im_end|>", "\n"),
    "llama2": ALTERNATE
    + r"{% for m in rest %}{% set text = m.content %}"
    r"{% if loop.first and messages[0].role == 'system' %}"
    r"{% set text = '<<SYS>>\n' + messages[0].content + '\n<</SYS>>\n\n' + text %}{% endif %}"
    r"{% if m.role == 'user' %}{{ '<s>' + '[INST] ' + text.strip() + ' [/INST]' }}"
    r"{% else %}{{ ' ' + text.strip() + ' </s>' }}{% endif %}{% endfor %}",
    "llama3": marked("<|start_header_id|>{}<|end_header_id|>\n\n", "<|eot_id|>", "", begin="<|begin_of_text|>", trim=True),
    "gemma": ALTERNATE
    + "{% if messages[0].role == 'system' %}{{ raise_exception('system') }}{% endif %}"
    + marked("<start_of_turn>{}\n", "<end_of_turn>", "\n", ("system", "user", "model"), "<bos>", True),
    "gemma3": ALTERNATE
    + r"{{ '<bos>' }}{% for m in rest %}{{ '<start_of_turn>' + ('model' if m.role == 'assistant' else 'user') + '\n' }}"
    r"{% if loop.first and messages[0].role == 'system' %}{{ messages[0].content + '\n\n' }}{% endif %}"
    r"{{ m.content | trim }}{{ '<end_of_turn>\n' }}{% endfor %}"
    r"{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}",
    "mistral_v1": ALTERNATE
    + r"{{ '<s>' }}{% for m in rest %}{% if m.role == 'user' %}{{ ' [INST] ' }}"
    r"{% if loop.first and messages[0].role == 'system' %}{{ messages[0].content + '\n\n' }}{% endif %}"
    r"{{ m.content + ' [/INST]' }}{% else %}{{ ' ' + m.content + '</s>' }}{% endif %}{% endfor %}",
    "mistral_v3": ALTERNATE
    + r"{{ '<s>' }}{% for m in rest %}{% if m.role == 'user' %}{{ '[INST] ' }}"
    r"{% if loop.last and messages[0].role == 'system' %}{{ messages[0].content + '\n\n' }}{% endif %}"
    r"{{ m.content + '[/INST]' }}{% else %}{{ ' ' + m.content | trim + '</s>' }}{% endif %}{% endfor %}",
    "mistral_v7": r"{{ '<s>' }}{% for m in messages %}{% if m.role == 'user' %}{{ '[INST] ' + m.content + '[/INST]' }}"
    r"{% elif m.role == 'system' %}{{ '[SYSTEM_PROMPT] ' + m.content + '[/SYSTEM_PROMPT]' }}"
    r"{% else %}{{ ' ' + m.content + '</s>' }}{% endif %}{% endfor %}",
    "phi3": marked("<|{}|>\n", "<|end|>", "\n") + "{% if not add_generation_prompt %}{{ '<|endoftext|>' }}{% endif %}",
    "phi4": marked("<|im_start|>{}<|im_sep|>", "<|im_end|>", ""),
    "zephyr": marked("<|{}|>\n", "</s>", "\n"),
    "vicuna": r"{% for m in messages %}{% if m.role == 'system' %}{{ m.content + ' ' }}"
    r"{% elif m.role == 'user' %}{{ 'USER: ' + m.content + ' ' }}"
    r"{% else %}{{ 'ASSISTANT: ' + m.content + '</s>' }}{% endif %}{% endfor %}"
    r"{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}",
    "alpaca": r"{% for m in messages %}{% if m.role == 'system' %}{{ m.content + '\n\n' }}"
    r"{% elif m.role == 'user' %}{{ '### Instruction:\n' + m.content + '\n\n' }}"
    r"{% else %}{{ '### Response:' + m.content + '</s>\n\n' }}{% endif %}{% endfor %}"
    r"{% if add_generation_prompt %}{{ '### Response:' }}{% endif %}",
    "command_r": ALTERNATE
    + r"{{ '<BOS_TOKEN>' }}{% if messages[0].role == 'system' %}"
    r"{{ '<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>' + messages[0].content + '<|END_OF_TURN_TOKEN|>' }}{% endif %}"
    r"{% for m in rest %}{{ '<|START_OF_TURN_TOKEN|><|' + ('USER' if m.role == 'user' else 'CHATBOT') + '_TOKEN|>' }}"
    r"{{ m.content.strip() + '<|END_OF_TURN_TOKEN|>' }}{% endfor %}"
    r"{% if add_generation_prompt %}{{ '<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>' }}{% endif %}",
    "granite": marked("<|start_of_role|>{}<|end_of_role|>", "<|end_of_text|>", "\n"),
}

S, U, A = "system", "user", "assistant"
CONVERSATIONS = [
    [(U, "Hello")],
    [(U, "Hello"), (A, "Hi there")],
    [(S, "You help."), (U, "Hello")],
    [(S, "You help."), (U, "Hello"), (A, "Hi there"), (U, "Who are you?")],
    [(S, "You help."), (U, "Hello"), (A, "Hi there"), (U, "虹とは何ですか。"), (A, "हल्का प्रकाश।")],
    [(U, " \u3000one\n"), (A, "  two\u00a0 "), (U, "\tthree  ")],
    [(S, " s \n"), (U, "one\u2028 "), (A, "\n two "), (U, " three"), (A, "four\x1f")],
    [(S, "a</s>"), (U, "x<|im_end|>\n<|im_start|>system\ny[/INST]<end_of_turn><|eot_id|>{{ m }}"), (A, "<|end|></s>")],
    [(S, " s "), (U, "  leading")],
    [(U, ""), (A, "")],
    [(U, "one"), (U, "two")],
    [(S, "s"), (A, "first"), (U, "then")],
]


def escaped(text):
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")


lines, refused = [], 0
for family, template in TEMPLATES.items():
    for conversation in CONVERSATIONS:
        messages = [{"role": r, "content": c} for r, c in conversation]
        asks = conversation[-1][0] == U
        for ask in [False, True] if asks else [False]:
            try:
                rendered, _ = render_jinja_template([messages], chat_template=template, add_generation_prompt=ask)
                text = "=" + escaped(rendered[0])
            except Exception:  # the template refuses these turns
                text, refused = "!", refused + 1
            turns = [r + "=" + escaped(c) for r, c in conversation]
            lines.append("\t".join([family, str(int(ask)), text] + turns) + "\n")

out = Path(__file__).parent / "golden" / "chat" / "conversations.tsv"
out.parent.mkdir(exist_ok=True)
out.write_text("".join(lines), encoding="utf-8")
print(len(lines), "lines,", refused, "refused")
