"""ONNX Runtime on one case: inference_onnx.py CASE BATCH THREADS, with the Python that has onnxruntime and onnx."""
import json
import os
import struct
import sys
import tempfile
import time

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper


def read_case(path):
    with open(path, "rb") as file:
        (count,) = struct.unpack("<i", file.read(4))
        sizes = struct.unpack(f"<{count + 1}i", file.read(4 * count + 4))
        layers = []
        for n, m in zip(sizes, sizes[1:]):
            weight = numpy.frombuffer(file.read(8 * n * m), "<f8").reshape(m, n)
            layers.append((weight, numpy.frombuffer(file.read(8 * m), "<f8")))
        (rows,) = struct.unpack("<q", file.read(8))
        return sizes, layers, numpy.frombuffer(file.read(4 * rows * sizes[0]), "<f4").reshape(rows, sizes[0])


def model(sizes, layers, dtype):
    kind = TensorProto.DOUBLE if dtype == "f8" else TensorProto.FLOAT
    nodes, values, name = [], [], "x"
    for i, (weight, bias) in enumerate(layers):
        values += [numpy_helper.from_array(weight.astype(dtype), f"w{i}"), numpy_helper.from_array(bias.astype(dtype), f"b{i}")]
        last = i + 1 == len(layers)
        nodes.append(helper.make_node("Gemm", [name, f"w{i}", f"b{i}"], ["y" if last else f"h{i}"], transB=1))
        name = f"a{i}"
        if not last:
            nodes.append(helper.make_node("LeakyRelu", [f"h{i}"], [name], alpha=0.01))
    graph = helper.make_graph(nodes, "network", [helper.make_tensor_value_info("x", kind, ["rows", sizes[0]])],
                              [helper.make_tensor_value_info("y", kind, ["rows", sizes[-1]])], values)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)])
    made.ir_version = 8
    return made


def quantised(made, rows, folder):
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.left = [{"x": rows[:512]}]

        def get_next(self):
            return self.left.pop() if self.left else None

    source, target = os.path.join(folder, "plain.onnx"), os.path.join(folder, "int8.onnx")
    onnx.save(made, source)
    quantize_static(source, target, Reader(), per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
    return onnx.load(target)


def exact(layers, rows):
    x = rows.astype("f8")
    for i, (weight, bias) in enumerate(layers):
        x = x @ weight.T + bias
        if i + 1 < len(layers):
            x = numpy.where(x > 0, x, 0.01 * x)
    return x


def measure(made, name, sizes, layers, rows, batch, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(made.SerializeToString(), options, providers=["CPUExecutionProvider"])
    x = rows.astype("f8") if name == "f64" else rows
    batches = [x[first : first + batch] for first in range(0, len(x), batch)]
    best, total, runs = 1e30, 0.0, 0
    results = [session.run(None, {"x": b})[0] for b in batches[:1]]
    while runs < 3 or total < 0.4:
        start = time.perf_counter()
        for b in batches:
            session.run(None, {"x": b})
        seconds = time.perf_counter() - start
        best, total, runs = min(best, seconds), total + seconds, runs + 1
    right = exact(layers, rows[:512])
    difference = results[0][:512].astype("f8") - right
    flop = 2 * sum(n * m for n, m in zip(sizes, sizes[1:]))
    print(json.dumps({"who": f"ONNX Runtime {onnxruntime.__version__}", "arithmetic": name, "rows_per_s": len(rows) / best,
                      "gflop_per_s": len(rows) * flop / best / 1e9, "largest_error": float(numpy.abs(difference).max()),
                      "rms_error": float(numpy.sqrt((difference**2).mean())),
                      "spread": float(numpy.sqrt(right.var(axis=0).mean()))}), flush=True)


def main():
    sizes, layers, rows = read_case(sys.argv[1])
    batch, threads = int(sys.argv[2]), int(sys.argv[3])
    single = model(sizes, layers, "f4")
    measure(model(sizes, layers, "f8"), "f64", sizes, layers, rows, batch, threads)
    measure(single, "f32", sizes, layers, rows, batch, threads)
    with tempfile.TemporaryDirectory() as folder:
        measure(quantised(single, rows, folder), "int8", sizes, layers, rows, batch, threads)


if __name__ == "__main__":
    main()
