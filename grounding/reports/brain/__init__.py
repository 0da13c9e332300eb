"""Brain analyses in the report: figures, maps and chapters."""
