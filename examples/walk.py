"""From Keras text to a trained network, in Python. Run it from the checkout: python examples/walk.py"""

from pathlib import Path

import layerlab

if __name__ == "__main__":
    model = layerlab.read_keras(Path("examples/lecture.py").read_text())

    anatomy = layerlab.dissect(model, (1, 28, 28))
    print(anatomy)
    print(anatomy.explain(4))

    run = layerlab.fit(model, "mnist5k", epochs=10, seed=0)
    print(run.path, run.metrics["test_accuracy"])

    again = layerlab.load_run(run.path)
    images = layerlab.load_data("mnist5k").test.images([0, 1, 2])
    for prediction in layerlab.predict(again, images):
        print(prediction.classes)
    layerlab.export_onnx(again, run.path / "model.onnx")
