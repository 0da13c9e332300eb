"""Readers and writers of the formats that people already have."""

from grounding.datasets.demonstration import Demonstration

__all__ = ["Demonstration"]
