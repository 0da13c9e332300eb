"""The tasks: one module each, named after its class, such as ``open_drawer`` for ``OpenDrawer``."""

import importlib
import re

from sims.tasks.task import Task


def make_task(name: str) -> Task:
    """The task of a name in :data:`sims.TASK_NAMES`, not yet built.

    >>> make_task("OpenDrawer").name
    'OpenDrawer'
    """
    module = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    return getattr(importlib.import_module(f"sims.tasks.{module}"), name)()
