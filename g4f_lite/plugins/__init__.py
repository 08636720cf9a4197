"""
Plugins: who offers which provider, strategy and hook.

Rule: plugin code is imported only when it is needed, and nothing that it raises reaches another plugin. No I/O but
imports and the metadata of distributions; the bundled providers are named by string only.

| file | what is in it |
| --- | --- |
| `hookspecs` | the hooks that a plugin may implement |
| `registry` | names and precedence: which plugin a provider comes from |
| `sources` | where plugins come from, before anything is imported |
| `isolation` | running a plugin's code while it is loaded: whatever it raises stays with the plugin |
| `checks` | what a plugin may offer |
| `observers` | calling observers and error rules, each isolated |
| `subprocess_load` | loading each plugin in a process of its own |
"""
