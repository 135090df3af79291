"""Problem set 1 as a plain nbgrader assignment: the same solutions, asserts in place of checks.

What `nbgrader autograde` grades in the benchmark. The asserts are few and cheap, which favors it.
"""

ASSERTS = {
    "hard_lookup": """\
keys = np.eye(3, dtype="float32")
assert np.allclose(hard_lookup(np.float32([0, 2, 1]), keys, 10 * keys), [0, 10, 0])
""",
    "soft_lookup": """\
output, weights = soft_lookup(np.float32([0, 2, 1]), keys, keys, 2.0)
assert np.allclose(np.sum(weights), 1) and np.argmax(weights) == 1
assert np.allclose(output, weights)
""",
    "scaled_dot_product_attention": """\
rng = np.random.default_rng(1)
q, k, v = (rng.normal(size=size).astype("float32") for size in ((2, 3, 4), (2, 5, 4), (2, 5, 6)))
output, weights = scaled_dot_product_attention(q, k, v)
scores = np.exp(q @ k.swapaxes(-1, -2) / 2)
expected = scores / scores.sum(-1, keepdims=True)
assert np.allclose(weights, expected, atol=1e-5) and np.allclose(output, expected @ v, atol=1e-5)
mask = np.tri(3, 5, dtype=bool)
assert np.all(np.asarray(scaled_dot_product_attention(q, k, v, mask)[1])[:, ~mask] < 1e-8)
""",
    "split_heads": """\
x = rng.normal(size=(2, 5, 8)).astype("float32")
assert np.allclose(split_heads(x, 2)[:, 1, :, 0], x[:, :, 4])
assert np.allclose(merge_heads(split_heads(x, 4)), x)
""",
    "multi_head_attention": """\
layer = MultiHeadAttention(d_model=8, num_heads=2)
output, scores = layer(x, x, return_attention_scores=True)
assert output.shape == (2, 5, 8) and scores.shape == (2, 2, 5, 5)
assert layer.count_params() == 4 * (64 + 8)
oracle = keras.layers.MultiHeadAttention(2, 4)
oracle(x, x)
weights = []
for dense in (layer.query_dense, layer.key_dense, layer.value_dense):
    weights += [np.reshape(dense.kernel, (8, 2, 4)), np.reshape(dense.bias, (2, 4))]
oracle.set_weights([*weights, np.reshape(layer.output_dense.kernel, (2, 4, 8)), layer.output_dense.bias])
assert np.allclose(output, oracle(x, x), atol=1e-5)
""",
    "self_attention_layers": """\
causal = CausalSelfAttention(8, 2)
changed = x.copy()
changed[:, 3] += 1
assert np.allclose(causal(x)[:, :3], causal(changed)[:, :3], atol=1e-6)
assert not np.allclose(GlobalSelfAttention(8, 2)(x), x)
assert CrossAttention(8, 2)(x, x[:, :2]).shape == x.shape
""",
    "count_parameters": """\
assert attention_params(12288) * 96 == 57982058496
assert count_transformer_params(96, 12288, 4 * 12288) == 173946175488
""",
}
