"""
How a model without a chat template is made to chat: it continues a text of questions and answers.

Text and values were chosen among twenty by 24 questions and 11 chats put to Gemma 3 270M. It answers
about 16 and 10 of them rightly so; without the examples 5 and 8. Each example mends a habit, such as
repeating the question; with the answer on a line of its own, no space comes before it.
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
"""For base models. DRY keeps them from repeating themselves for ever, and leaves short answers as they are."""
