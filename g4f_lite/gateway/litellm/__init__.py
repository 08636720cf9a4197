"""
Reads the configuration of LiteLLM's proxy, and writes ours. No network.

Rule: what is not carried over is told, with its line and why; a secret is never written.

| file | what is in it |
| --- | --- |
| `yaml_nodes` | YAML as values with their lines; files that are made to exhaust memory are refused |
| `importing` | from their settings to ours |
| `services` | what their prefixes of models stand for, and why a setting has no counterpart: the tables |
| `toml` | ours, as TOML |
"""
