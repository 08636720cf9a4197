"""
The chat template for a model without one: it continues a text of questions and answers.

The text and values are the best of twenty, tested with 24 questions and 11 chats on Gemma 3 270M. It answers
about 16 and 10 of them correctly; without the examples, 5 and 8. Each example corrects a habit, such as
repeating the question. The answer is on a line of its own so that it does not start with a space.
"""

from __future__ import annotations

EXAMPLES = (
    ("Who are you?", "I am a small language model, and I run on this computer."),
    ("What is the capital of Spain?", "The capital of Spain is Madrid."),
    ("And of Portugal?", "The capital of Portugal is Lisbon."),
    ("What is 3 + 4?", "3 + 4 = 7."),
    ('Translate "good night" into French.', "Bonne nuit."),
    ("Which day comes after Thursday?", "The day after Thursday is Friday."),
    ("Is the sun cold?", "No, the sun is very hot."),
    ("Name three fruits.", "Apple, banana and orange."),
)
TEMPLATE = (
    "{% for m in messages %}{% if m.role == 'system' %}{{ m.content | trim }}\n\n{% endif %}{% endfor %}"
    + "".join(f"Question: {question}\nAnswer:\n{answer}\n\n" for question, answer in EXAMPLES)
    + "{% for m in messages %}"
    "{% if m.role == 'assistant' %}Answer:\n{{ m.content | trim }}\n\n"
    "{% elif m.role != 'system' %}Question: {{ m.content | trim }}\n{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}Answer:\n{% endif %}"
)
STOP = ["\n\nQuestion:", "\nQuestion:"]
DEFAULTS = {"temperature": 0.2, "dry_multiplier": 0.8, "max_tokens": 512}
"""Defaults for base models. DRY prevents endless repetition and does not change short answers."""
