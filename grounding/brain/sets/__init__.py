"""Named public data sets of brain recordings, each read from its folder as published.

One module a set, each with ``load(folder)``: `alice` (fMRI, a story heard), `frank` (EEG, sentences read), `lindborg`
(EEG, single nouns), `objects81` (fMRI, pictures of objects), `kriegeskorte92` (dissimilarities of 92 pictures in human
and monkey) and `haxby` (fMRI, eight categories of pictures). No set is part of the package: each module says which
files it expects, and where they come from when one is missing.
"""
