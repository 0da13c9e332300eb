"""Sentences to vectors.

encoder                     SentenceEncoder: all of it together
folder, steps, saving       the folders of sentence-transformers, read and written
readers, backends           sentences to tokens and their vectors: transformers, subword tables, words
bert, bert_graph            the forward pass of BERT without padding, in torch and as an ONNX graph
pooling, token_pooling      vectors of tokens to one vector
"""

from grounding.text.sentence.encoder import SentenceEncoder

__all__ = ["SentenceEncoder"]
