# SPDX-License-Identifier: MIT
"""PLUG rows built, masked and read back: lagom beside Python.

Peers, each the straightforward way: str.join and lengths; a chat template rendered by jinja2 (the way of Hugging Face
chat templates: the whole, and the prompt alone to know where the answer begins); labels as lists; one regular expression
split over the whole answer, and the same again at each 16 characters for an answer that is still being generated. What
comes out is compared with lagom's. Usage: prompt_peers.py path/to/bench_prompt
"""
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

try:
    import jinja2
except ImportError:
    jinja2 = None

QUADS, LAGOM_ROWS, ROUNDS = 20000, 1000000, 3
SYSTEM = "Think in English, answer in Swahili."
HEADERS = "English instruction:", "English response:", "Jibu kwa Kiswahili:"
TEMPLATE = (
    "{% for m in messages %}{% if m.role == 'assistant' %}{{ '<|assistant|>\\n' + m.content + '</s>' }}{% else %}"
    "{{ '<|' + m.role + '|>\\n' + m.content + '\\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}"
)


def answer(q):
    _, x_p, y_p, _, y_t = q
    return f"{HEADERS[0]}\n{x_p}\n\n{HEADERS[1]}\n{y_p}\n\n{HEADERS[2]}\n{y_t}"


def prefix(q):
    return "".join(("<|system|>\n", SYSTEM, "\n<|user|>\n", q[3], "\n<|assistant|>\n"))


def build(quads):
    total = 0
    for q in quads:
        head = prefix(q)
        text = "".join((head, answer(q), "</s>"))
        total += 31 * len(head) + len(text) + ord(text[len(text) // 2])
    return total


def build_jinja(quads):
    template = jinja2.Environment(trim_blocks=True, lstrip_blocks=True).from_string(TEMPLATE)
    total = 0
    for q in quads:
        messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": q[3]}]
        head = template.render(messages=messages, add_generation_prompt=True)
        messages.append({"role": "assistant", "content": answer(q)})
        text = template.render(messages=messages, add_generation_prompt=False)
        assert text.startswith(head)
        total += 31 * len(head) + len(text) + ord(text[len(text) // 2])
    return total


def mask(quads):
    total = 0
    for q in quads:
        head = list(prefix(q).encode())
        ids = head + list((answer(q) + "</s>").encode())
        labels = [-100] * len(head) + ids[len(head):]
        total += len(labels) - len(head) + ids[len(ids) // 2]
    return total


SPLIT = re.compile("|".join(f"^{re.escape(h)}[ \\t]*\\n" for h in HEADERS), re.M)


def sizes(text):
    total = 0
    for content in SPLIT.split(text)[1:]:
        total = 31 * total + len(content.strip())
    return total


def parse(answers):
    return sum(sizes(text) for text in answers)


def reparse(answers):
    total = 0
    for text in answers:
        for at in range(16, len(text) + 16, 16):
            last = sizes(text[:at])
        total += last
    return total


def timed(work, rows):
    """Best CPU seconds a row, and the sum."""
    best = float("inf")
    for _ in range(ROUNDS):
        begin = time.process_time()
        total = work(rows)
        best = min(best, time.process_time() - begin)
    return best / len(rows), total


def main():
    bench = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "quads.tsv")
        subprocess.run([bench, "--make", path, str(QUADS)], check=True)
        quads = [line.replace("\x01", "\n").split("\t") for line in path.read_text().split("\n") if line]
        answers = [answer(q) for q in quads]
        few = answers[: QUADS // 10]

        def lagom(job, rows):
            best = float("inf")
            for _ in range(ROUNDS):
                out = subprocess.run([bench, "--run", job, path, str(rows)], check=True, capture_output=True, text=True)
                seconds, total, _ = out.stdout.split()
                best = min(best, float(seconds))
            return best / rows, int(total)

        def block(title, job, peers):
            ours, _ = lagom(job, LAGOM_ROWS)
            print(f"\n{title}\n  {'lagom, ' + job:34} {1e9 * ours:12.1f} ns a row   {LAGOM_ROWS:,} rows")
            for name, work, rows in peers:
                if work is None:
                    print(f"  {name} is not installed: skipped")
                    continue
                seconds, total = timed(work, rows)
                same = total == lagom(job, len(rows))[1]
                print(f"  {name:34} {1e9 * seconds:12.1f} ns a row   lagom is {seconds / ours:8.1f} x as fast"
                      + ("" if same else "   OTHER RESULT"))

        print(f"Python {sys.version.split()[0]}" + (f", jinja2 {jinja2.__version__}" if jinja2 else ""))
        block("text and trained spans", "build",
              [("str.join", build, quads), ("jinja2, twice", build_jinja if jinja2 else None, quads)])
        block("ids and labels, a token a byte", "mask", [("lists", mask, quads)])
        block("answers read back, whole", "parse_nfc", [("re.split", parse, answers)])
        block("answers read back, 16 bytes at a time", "stream_nfc", [("re.split, again each time", reparse, few)])
        for job in ("parse_exact", "stream_exact", "stream_bytes"):
            print(f"  {'lagom, ' + job:34} {1e9 * lagom(job, LAGOM_ROWS)[0]:12.1f} ns a row")


if __name__ == "__main__":
    main()
