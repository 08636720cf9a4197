"""The bundled providers. `BUNDLED` names the module of each; importing this imports none of them."""

BUNDLED = {
    "groq": "g4f_lite_providers.groq",
    "gemini": "g4f_lite_providers.gemini",
    "anthropic": "g4f_lite_providers.anthropic",
    "cohere": "g4f_lite_providers.cohere",
    "local": "g4f_lite_providers.local",
}
"""In the order in which they are tried when a caller names none."""
