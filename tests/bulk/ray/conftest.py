"""
A cluster of two nodes on this machine, for all tests of this folder.

They are collected only where Ray is installed: `.ci/run` makes an environment of its own for them, as Ray is large.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

if find_spec("ray") is None:
    collect_ignore_glob = ["test_*.py"]

OURS = "G4F_LITE_TEST_CLUSTER"
"""A variable in the environment of all processes of the cluster."""


@pytest.fixture(scope="session")
def cluster() -> Iterator[Any]:
    import ray
    from ray.cluster_utils import Cluster

    os.environ[OURS] = uuid.uuid4().hex
    # By default, its workers are so nice (15) that beside a busy test suite they get nothing at all.
    config = {"health_check_timeout_ms": 60_000, "health_check_failure_threshold": 60, "worker_niceness": 0}
    head = {"num_cpus": 2, "include_dashboard": False, "_system_config": config}
    made = Cluster(initialize_head=True, head_node_args=head)
    made.add_node(num_cpus=2)
    ray.init(address=made.address, log_to_driver=False, logging_level="ERROR")
    yield made
    ray.shutdown()
    made.shutdown()


@pytest.fixture
def logs(cluster: Any) -> Path:
    """Return the folder of the cluster's logs."""
    return Path(cluster.head_node.get_logs_dir_path())
