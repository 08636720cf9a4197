"""aisuite's client, over its OpenAI provider."""

from . import KEY, MESSAGES, MODEL

LABEL = "aisuite"
REQUIREMENTS = ["aisuite[openai]"]
IMPORT = "import aisuite"


def sync_call(base):
    import aisuite

    client = aisuite.Client({"openai": {"api_key": KEY, "base_url": base}})
    return lambda: client.chat.completions.create(model=f"openai:{MODEL}", messages=MESSAGES).choices[0].message.content
