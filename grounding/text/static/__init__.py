"""Static embeddings: one vector a word, whatever its context.

    embedding                   what all have in common: vectors, similar, analogy, save, load
    one_hot, ppmi, word2vec,
    glove, fasttext             the kinds that are trained here, each with its settings
    formats, fasttext_format,
    gensim_vectors              files of word2vec, GloVe and fastText, and gensim's KeyedVectors, in and out

Everything below these is how they are trained: passes over a corpus (training), co-occurrence counts (cooccurrence),
tables to draw from (sampling, subwords), and numba kernels (window_kernels, word2vec_kernels, fasttext_kernels, lanes,
compilation).
"""
