"""The playground in Python. Run it: python examples/playground.py"""

from layerlab.playground import Session, Specification, read_link, train

if __name__ == "__main__":
    # A link of TensorFlow Playground, or its hash: the same network, the same numbers.
    session = Session("https://playground.tensorflow.org/#dataset=circle&networkShape=4,2&seed=0.5&noise=10")
    session.step(100)
    epoch, train_loss, test_loss = session.losses[-1]
    print(f"epoch {epoch}: {train_loss:.6f} {test_loss:.6f}, accuracy {session.metrics().test.accuracy:.1%}")

    # Change what may change while it learns; the weights stay.
    session.change(learning_rate=0.1)
    session.set_weight(layer=0, unit=0, source=1, value=0.5)
    session.step_minibatches(3)
    session.rewind()  # the same first weights again
    print(session.epoch, session.specification.learning_rate)

    # Beyond TensorFlow Playground: a residual network with three classes, batch normalisation and Adam.
    rings = Specification(
        dataset="rings",
        classes=3,
        hidden_layers=(8, 8, 8),
        activation="elu",
        skip=(False, True, True),
        batch_normalization=(True, True, True),
        loss="cross-entropy",
        optimizer="adam",
        learning_rate=0.01,
    )
    session = Session(rings)
    session.step(60)
    print(session.metrics().test.confusion)
    print(read_link(session.link).specification == rings)

    # Two specifications with eight seeds each, all at once: losses[specification, seed, epoch] is (train, test).
    trained = train([Specification(activation="tanh"), Specification(activation="relu")], seeds=range(8), epochs=50)
    print(trained.losses.shape, trained.losses[:, :, -1, 1].mean(axis=1).round(3))

    # Points of your own: x, y and a label each.
    corners = [(-4, -4, 1), (4, 4, 1), (-4, 4, -1), (4, -4, -1)]
    session = Session(Specification(dataset="points", points=corners, train_percent=75, batch_size=1))
    session.step(200)
    print(f"{session.losses[-1][1]:.4f}")
