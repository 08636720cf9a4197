"""OpenAI's form of a chat, read once for the services that have a form of their own."""
