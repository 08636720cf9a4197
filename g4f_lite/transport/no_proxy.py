"""`NO_PROXY`: for which hosts no proxy is used. One reading of it for both clients."""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address, ip_network


def bypasses_proxy(no_proxy: str, host: str, port: int) -> bool:
    """
    Return whether `no_proxy` names a host: by its name or a parent domain, its address or a range of addresses, or `*`.

    There is no standard: this takes what requests, urllib, curl and Go take. Entries are separated by commas or white
    space, in upper or lower case. A leading `.` or `*.` of a domain is ignored; a port limits an entry to that port.

    Args:
        host: a name or an address, without brackets.
    """
    return any(_names(entry, host.lower(), port) for entry in re.split(r"[\s,]+", no_proxy.lower()) if entry)


def _names(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    name, its_port = _split(entry)
    if its_port and its_port != str(port):
        return False
    try:
        address = ip_address(host)
    except ValueError:
        domain = name.removeprefix("*").strip(".")
        return bool(domain) and f".{host.rstrip('.')}".endswith(f".{domain}")
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    try:
        return address in ip_network(name, strict=False)
    except ValueError:  # the name of a host, or nonsense
        return False


def _split(entry: str) -> tuple[str, str]:
    """Split an entry into its host or range and its port, which may be ""."""
    if entry.startswith("["):  # an IPv6 address: [::1], [::1]:8080, [fc00::]/7
        address, _, rest = entry[1:].partition("]")
        return (address, rest[1:]) if rest.startswith(":") else (address + rest, "")
    name, _, port = entry.partition(":")
    return (entry, "") if ":" in port else (name, port)  # an IPv6 address without brackets has no port
