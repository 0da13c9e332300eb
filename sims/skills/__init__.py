"""Motions that experts are made of: functions from poses and sizes to waypoints."""
