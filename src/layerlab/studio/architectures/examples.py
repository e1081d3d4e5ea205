"""Keras texts to begin with; the first is the lecture's own."""

from __future__ import annotations

__all__ = ["EXAMPLES"]

EXAMPLES = {
    "lecture": """\
input_shape = (28, 28, 1)
NUM_CLASSES = 10
model = keras.Sequential(
    [
        keras.Input(shape=input_shape),
        layers.Conv2D(64, kernel_size=(3, 3), activation="relu"),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.BatchNormalization(),
        layers.Conv2D(128, kernel_size=(3, 3), activation="relu"),
        layers.GlobalAveragePooling(),
        layers.BatchNormalization(),
        layers.Dense(512, activation="relu"),
        layers.Dense(NUM_CLASSES, activation="softmax"),
    ]
)
""",
    "residual": """\
inputs = keras.Input(shape=(32, 32, 3))
x = layers.Conv2D(16, 3, padding="same", activation="relu")(inputs)
y = layers.Conv2D(16, 3, padding="same", activation="relu")(x)
y = layers.Conv2D(16, 3, padding="same")(y)
x = layers.ReLU()(layers.Add()([x, y]))
x = layers.GlobalAveragePooling2D()(x)
outputs = layers.Dense(10, activation="softmax")(x)
model = keras.Model(inputs, outputs)
""",
    "recurrent": """\
model = keras.Sequential([
    keras.Input(shape=(50, 16)),
    layers.Bidirectional(layers.LSTM(64, return_sequences=True)),
    layers.LSTM(64),
    layers.Dense(10, activation="softmax"),
])
""",
}
